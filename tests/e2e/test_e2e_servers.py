"""Under every server: each call captured once, one runner, and nothing left at the end."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx2
import psutil
import pytest
from support.lab import Lab, until
from support.servers import Server, free_port
from support.waiting import WAIT

UVICORN = ("-m", "uvicorn", "--port", "{port}")
GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket")
WORKER = "uvicorn.workers.UvicornWorker"
SERVERS: dict[str, tuple[str, ...]] = {
    "uvicorn": (*UVICORN, "support.app_starlette:app"),
    "uvicorn-2-workers": (*UVICORN, "--workers", "2", "support.app_starlette:app"),
    "gunicorn-uvicorn": (*GUNICORN, "-w", "2", "-k", WORKER, "support.app_starlette:app"),
    "gunicorn-asgi": (*GUNICORN, "-w", "2", "-k", "asgi", "support.app_starlette:app"),
    "gunicorn-flask": (*GUNICORN, "-w", "2", "support.app_flask:app"),
    "gunicorn-flask-threads": (*GUNICORN, "-w", "1", "--threads", "4", "support.app_flask:app"),
    "gunicorn-flask-preload": (*GUNICORN, "-w", "2", "--preload", "support.app_flask:app"),
    "gunicorn-django": (*GUNICORN, "-w", "2", "support.app_django:wsgi"),
    "uvicorn-django-sync-views": (*UVICORN, "--lifespan", "off", "support.app_django:asgi"),
    "uvicorn-django": (*UVICORN, "--lifespan", "off", "support.app_django:asgi"),
}
CALLS = 12


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, lab: Lab) -> Iterator[Server]:
    port = free_port()
    views = "async" if request.param == "uvicorn-django" else "sync"
    command = [part.format(port=port) for part in SERVERS[request.param]]
    with lab.web(*command, port=port, DJANGO_VIEWS=views) as one:
        yield one


def test_every_call_is_mirrored_once_and_nothing_is_left(server: Server, lab: Lab) -> None:
    answers = _ask_many(server)
    assert sorted(a["text"] for a in answers) == sorted(f"You said: {n}" for n in range(CALLS))
    funnel = lab.funnel(CALLS)
    assert funnel == {
        "captured": CALLS,
        "mirrored": CALLS,
        "paired": CALLS,
        "scored": 0,
        "reasons": {},
    }
    assert sorted(p.primary.key or "" for p in lab.pairs()) == sorted(str(n) for n in range(CALLS))
    (runner,) = lab.runners()
    assert not [c for c in runner.net_connections() if c.status == psutil.CONN_LISTEN]
    _no_zombies(server)

    assert server.stop() in (0, -15, 15)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", server.port))
        again.listen()
    until(lambda: not [p for p in lab.processes() if p.pid != runner.pid], "the app's end")


def test_a_runner_that_nobody_needs_goes_by_itself(lab: Lab) -> None:
    port = free_port()
    command = [part.format(port=port) for part in SERVERS["uvicorn"]]
    with lab.web(*command, port=port) as server:
        _ask_many(server)
        lab.drained(CALLS)
    until(lambda: not lab.runners(), "the runner's end")
    assert not list(lab.directory.glob("*.seg"))


@pytest.mark.parametrize(
    "kind", ["uvicorn", "uvicorn-django", "gunicorn-flask", "gunicorn-uvicorn"]
)
def test_a_wrong_setting_stops_the_start_with_one_line(
    kind: str, new_lab: Callable[..., Lab]
) -> None:
    lab = new_lab(SHADOW_SAMPLE_RATE="lots")
    lab.fails_on_purpose = True
    port = free_port()
    command = [part.format(port=port) for part in SERVERS[kind]]
    # gunicorn listens before it loads the app.
    with suppress(RuntimeError), lab.web(*command, port=port) as server:
        until(lambda: server.process.poll() is not None, "the server's end")
    (log,) = lab.logs
    assert "SHADOW_SAMPLE_RATE=lots: accepted is a number from 0 to 1" in log
    assert not lab.processes()


def _ask_many(server: Server) -> list[dict[str, Any]]:
    with httpx2.Client(base_url=server.url, timeout=WAIT, trust_env=False) as client:

        def ask(number: int) -> dict[str, Any]:
            answer = client.post("/ask", json={"text": str(number), "key": str(number)})
            assert answer.status_code == 200, answer.text
            table: dict[str, Any] = answer.json()
            return table

        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(ask, range(CALLS)))


def _no_zombies(server: Server) -> None:
    root = psutil.Process(server.process.pid)
    family = [root, *root.children(recursive=True)]
    assert not [p for p in family if p.status() == psutil.STATUS_ZOMBIE]
