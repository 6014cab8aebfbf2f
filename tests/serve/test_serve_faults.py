"""Slow, locked and full disks, kills and shutdowns: what was answered with 200 is in the store."""

import contextlib
import os
import resource
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from evaluate.spans import both
from serve.bodies import PROTOBUF, noise, send, traces
from support.serve import running_serve
from support.waiting import WAIT, until

from shadow_mw.serve import intake


@pytest.fixture
def serve(tmp_path):
    with running_serve(tmp_path) as one:
        yield one


@contextlib.contextmanager
def locked(store):
    """Another process's write that does not end."""
    connection = sqlite3.connect(store, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
    finally:
        connection.close()


def post(serve, body, **options):
    return serve.client.post("/v1/traces", content=body, headers=PROTOBUF, **options)


def pair(name):
    return traces(*both(name)).SerializeToString()


def test_a_locked_store_is_a_503_and_the_same_again_is_taken_later(serve):
    assert post(serve, pair("before")).status_code == 200
    with locked(serve.store):
        health = serve.client.get("/healthz")
        assert health.status_code == 503
        assert health.json()["fault"] == "database is locked"
        assert serve.metrics()["shadow_store_up"] == 0
        refused = post(serve, pair("p1"))
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) > 0
    assert serve.pair("p1") is None
    assert serve.client.get("/healthz").status_code == 200
    assert post(serve, pair("p1")).status_code == 200
    assert serve.pair("p1")["paired"]


def test_a_store_that_is_behind_refuses_at_once_and_holds_only_so_much(serve):
    large = noise(intake.MAX_BODY - 1000)
    with ThreadPoolExecutor(4) as pool, locked(serve.store):
        first = pool.submit(post, serve, pair("p1"))
        waiting = [pool.submit(post, serve, large) for _ in range(intake.MAX_WAITING // len(large))]
        full = len(large) * len(waiting)
        until(lambda: serve.metrics()["shadow_ingest_waiting_bytes"] >= full, "it is behind")
        refused = post(serve, pair("p2") + bytes(2**20))
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert not first.done()
        assert serve.metrics()["shadow_ingest_waiting_bytes"] <= intake.MAX_WAITING
    assert first.result().status_code == 200
    assert [one.result().status_code for one in waiting] == [400] * len(waiting)
    assert serve.metrics()["shadow_ingest_waiting_bytes"] == 0
    assert serve.pair("p1")["paired"]


def test_a_full_disk_is_a_503_until_there_is_room(serve):
    assert post(serve, pair("before")).status_code == 200
    unlimited = resource.prlimit(serve.process.pid, resource.RLIMIT_FSIZE)
    full = os.stat(f"{serve.store}-wal").st_size
    resource.prlimit(serve.process.pid, resource.RLIMIT_FSIZE, (full, unlimited[1]))
    statuses = [post(serve, pair(f"p{number}")).status_code for number in range(3)]
    assert statuses == [503] * 3
    assert serve.client.get("/healthz").status_code == 503
    resource.prlimit(serve.process.pid, resource.RLIMIT_FSIZE, unlimited)
    assert serve.client.get("/healthz").status_code == 200
    assert post(serve, pair("p1")).status_code == 200
    assert serve.summary().funnel.paired == 2
    assert serve.log().count("store ") <= 3


def test_a_store_that_was_removed_takes_nothing(serve):
    assert post(serve, pair("p1")).status_code == 200
    serve.store.unlink()
    assert post(serve, pair("p2")).status_code == 503
    assert serve.client.get("/healthz").json()["fault"] == "the store's file was removed"
    assert "its file was removed" in serve.log()


def test_what_was_answered_with_200_outlives_a_kill(serve):
    taken = []

    def work(worker):
        with contextlib.suppress(httpx2.TransportError):
            for number in range(1000):
                name = f"{worker}-{number}"
                if post(serve, pair(name)).status_code == 200:
                    taken.append(name)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: len(taken) >= 60, "spans are taken")
    serve.kill()
    for thread in threads:
        thread.join()
    connection = sqlite3.connect(serve.store)
    stored = {name for (name,) in connection.execute("SELECT pair_id FROM observations")}
    check = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    assert set(taken) <= stored
    assert check == "ok"


def test_a_request_that_was_accepted_is_finished_after_sigterm(serve):
    with ThreadPoolExecutor(1) as pool:
        with locked(serve.store):
            accepted = pool.submit(post, serve, pair("p1"))
            until(lambda: serve.metrics()["shadow_ingest_waiting_bytes"], "it is taken in")
            serve.process.terminate()
            time.sleep(0.5)
            assert serve.process.poll() is None
        assert accepted.result().status_code == 200
    assert serve.process.wait(WAIT) == 0
    assert serve.summary().funnel.paired == 1
    assert "Traceback" not in serve.log()


def test_an_exporter_meets_a_restart(tmp_path):
    with running_serve(tmp_path) as serve:
        listen = serve.url.removeprefix("http://")
        send(serve, *both("p1"))
        assert serve.stop() == 0
    with running_serve(tmp_path, SHADOW_LISTEN=listen) as serve:
        send(serve, *both("p1"), *both("p2"))
        assert serve.summary().funnel.paired == 2
