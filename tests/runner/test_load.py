"""`shadow-mw load` against a real server, over a store that `shadow-mw import` made."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from support.cli import run_text
from support.servers import clean_environ, free_port, running
from support.waiting import WAIT, until

TESTS = os.path.dirname(os.path.dirname(__file__))
PEAK = datetime(2026, 11, 2, 9, tzinfo=UTC)
PRICES = json.dumps({"new": {"input": 1, "output": 1}})
SECONDS = 3
SHORT = 1
"""Seconds of a run whose length does not matter."""


def row(number, time, **more):
    messages = [{"role": "user", "content": f"Question {number}, mail jo@example.com"}]
    return {
        "pair_id": f"p{number:05}",
        "time": time.isoformat(),
        "experiment": "e",
        "input": {"model": "big", "messages": messages},
        "primary": {"output": "yes", "latency_ms": 480, "input_tokens": 40, "output_tokens": 10},
        "candidate": {"model": "new", "output": "no", "latency_ms": 100},
    } | more


def hour_of(per_second, start=PEAK, first=0):
    """Evenly spaced calls; the test's window holds the same number of them anywhere."""
    every = timedelta(seconds=1 / per_second)
    return [row(first + n, start + n * every) for n in range(round(20 * per_second))]


@pytest.fixture(scope="module")
def server():
    port = free_port()
    with running(["-m", "support.model", "--port", str(port)], port, cwd=TESTS) as server:
        yield server.url


@pytest.fixture
def shop(tmp_path, server):
    urllib.request.urlopen(f"{server}/_reset", b"").close()
    return Shop(tmp_path, server)


class Shop:
    def __init__(self, path, url):
        self.path, self.url = path, url

    def fill(self, rows):
        text = "".join(json.dumps(one) + "\n" for one in rows)
        done = self.run("import", "-", stdin=text)
        assert done.returncode == 0, done.stderr

    def environ(self, **variables):
        used = {
            "SHADOW_STATE_DIR": str(self.path / "state"),
            "SHADOW_CANDIDATE_URL": f"{self.url}/v1",
            "SHADOW_CANDIDATE_MODEL": "new",
            "COLUMNS": "100",
        } | variables
        return clean_environ(**used)

    def command(self, *more):
        return [sys.executable, "-m", "shadow_mw", *more]

    def arguments(self, *more, seconds=SECONDS):
        where = ("--candidate-url", self.url + "/v1", "--candidate-model", "new")
        return ("load", *where, "--minutes", str(seconds / 60), *more)

    def started(self, *arguments):
        """The command as a process, to be stopped in its middle."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.path,
            env=self.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, stdin="", **variables):
        return run_text(*arguments, cwd=self.path, env=self.environ(**variables), stdin=stdin)

    def load(self, *more, code=0, seconds=SECONDS, **variables):
        asked = self.arguments("--yes", "--json", *more, seconds=seconds)
        done = self.run(*asked, **variables)
        assert done.returncode == code, (done.stdout, done.stderr)
        return json.loads(done.stdout)

    def tell(self, **mode):
        urllib.request.urlopen(f"{self.url}/_mode", json.dumps(mode).encode()).close()

    def seen(self):
        with urllib.request.urlopen(f"{self.url}/_seen") as reply:
            return json.load(reply)

    def kept(self):
        with sqlite3.connect(self.path / "shadow.db") as db:
            rows = db.execute("SELECT value FROM meta WHERE name LIKE 'load:%'").fetchall()
        return json.loads(rows[0][0]) if rows else None

    def legs(self):
        with sqlite3.connect(self.path / "shadow.db") as db:
            return db.execute("SELECT count(*) FROM observations").fetchone()[0]


def test_one_worker_keeps_up_at_production_s_rate_and_queues_at_four_times_it(shop):
    shop.fill(hour_of(5))
    shop.tell(mode="one_worker", delay=0.1)
    before = shop.legs()

    same = shop.load(seconds=2)
    four = shop.load("--factor", "4", seconds=2)

    assert same["queue"]["grows"] is False
    assert same["calls"] == same["planned"] == 5 * 2
    assert 100 <= same["latency"]["p50_ms"] < 180
    # 20 calls come a second, 10 can be answered.
    assert four["queue"]["grows"] is True
    assert four["calls"] == 20 * 2
    assert 6 < four["served_per_s"] < 11
    assert four["latency"]["p95_ms"] > 1200
    assert four["queue"]["slices"][-1]["in_flight"] > four["queue"]["slices"][0]["in_flight"] + 10
    assert four["scheduling"]["late"] == 0, "arrivals do not wait for answers"
    assert shop.legs() == before, "nothing is stored as a pair"
    kept = shop.kept()
    assert (kept["factor"], kept["calls"], kept["failed"]) == (4, 20 * 2, 0)
    assert kept["p95_ms"] == four["latency"]["p95_ms"]
    assert four["primary_in_peak_hour"] == {"n": 100, "p50_ms": 480, "p95_ms": 480, "p99_ms": 480}
    assert four["candidate_in_shadow"]["p95_ms"] == 100


def test_what_is_read_by_a_person(shop):
    shop.fill(hour_of(10))
    done = shop.run(*shop.arguments("--yes", seconds=1.5))
    assert done.returncode == 0, done.stderr
    assert "15 calls in 0.025 min (10.00 per second), price unknown" in done.stdout
    assert "candidate at 1 times peak" in done.stdout
    assert "primary in the peak hour" in done.stdout
    assert "no growing queue" in done.stdout
    assert "failed 0 of 15" in done.stdout
    # A tenth of it is no whole second.
    assert re.search(r"^0\.15 s +\d", done.stdout, re.M)
    assert not re.search(r"^[01] s ", done.stdout, re.M)


def test_a_bound_on_concurrency_shows_in_latency_and_is_said(shop):
    shop.fill(hour_of(10))
    shop.tell(mode="slow", delay=0.3)
    result = shop.load("--concurrency", "1", "--limit", "10")
    assert result["scheduling"]["late"] >= 8
    # The last of ten is sent after nine have been answered one by one, and was due after 0.9 s.
    assert result["latency"]["p99_ms"] > 1800


def test_arrivals_are_those_of_production(shop):
    """Two bursts, 2 s apart, of the busiest stretch; sampled calls stand for all."""
    start = PEAK + timedelta(minutes=20)
    bursts = [start] * 4 + [start + timedelta(seconds=2)] * 4
    shop.fill([row(n, time) for n, time in enumerate([PEAK, *bursts])])
    result = shop.load()
    assert result["planned"] == 8
    assert result["hour"] == "2026-11-02T09"
    parts = [part["latency"]["n"] for part in result["queue"]["slices"]]
    assert parts == [4, 0, 0, 0, 0, 0, 4, 0, 0, 0]
    texts = [one["body"]["messages"][0]["content"] for one in shop.seen()]
    assert "jo@example.com" not in "".join(texts), "the store has pseudonyms"


def test_a_sampled_store_is_brought_to_production_s_rate(shop):
    rows = hour_of(1)
    shop.fill([{**one, "sample_rate": 0.25} for one in rows])
    result = shop.run(*shop.arguments("--dry-run", "--json"))
    head = json.loads(result.stdout)
    assert head["peak_per_s"] == pytest.approx(4 * 20 / 3600)
    assert head["planned"] == 4 * SECONDS


def test_an_hour_may_be_named(shop):
    quiet = PEAK - timedelta(hours=3)
    shop.fill(hour_of(10) + hour_of(5, quiet, first=5000))
    head = json.loads(
        shop.run(*shop.arguments("--dry-run", "--json", "--hour", "2026-11-02T06")).stdout
    )
    assert (head["hour"], head["peak_hour"]) == ("2026-11-02T06", "2026-11-02T09")
    assert head["share_of_peak"] == 0.5
    assert shop.seen() == []
    wrong = shop.run(*shop.arguments("--dry-run", "--hour", "monday"))
    assert wrong.returncode == 64
    assert "accepted is peak, or an hour in UTC" in wrong.stderr
    empty = shop.run(*shop.arguments("--dry-run", "--hour", "2026-11-02T23"))
    assert empty.returncode == 65


def test_nothing_is_sent_without_a_yes(shop):
    shop.fill(hour_of(5))
    done = shop.run(*shop.arguments(), SHADOW_PRICES=PRICES)
    assert done.returncode == 64
    assert "give --yes, or --dry-run" in done.stderr
    assert "15 calls in" in done.stdout
    assert "about $0.0008" in done.stdout
    assert shop.seen() == []
    assert not (shop.path / "shadow.db.load").exists()


def test_a_limit_ends_a_run_which_is_then_partial(shop):
    shop.fill(hour_of(5))
    result = shop.load("--max-calls", "8", code=1)
    assert (result["stopped"], result["partial"], result["calls"]) == ("max_calls", True, 7)
    assert len(shop.seen()) == 8, "one call knocks, and is not measured"
    assert shop.kept() is None
    refused = shop.run(*shop.arguments("--yes", "--budget-usd", "1"))
    assert refused.returncode == 78
    assert "price of new is not known" in refused.stderr


def test_a_verdict_rests_on_no_run_of_a_few_calls_or_of_somebody_else(shop):
    shop.fill(hour_of(5))
    limited = shop.load("--limit", "1")
    assert (limited["partial"], limited["not_kept"]) == (True, "partial, by --limit")
    other = shop.load(seconds=SHORT, SHADOW_CANDIDATE_URL="http://127.0.0.1:9/v1")
    assert other["not_kept"] == "asked was another URL or model than the settings have"
    assert shop.kept() is None
    assert shop.load("--limit", "1000", seconds=SHORT)["not_kept"] is None
    assert shop.kept()["calls"] == 5 * SHORT


def test_ctrl_c_keeps_what_was_measured(shop):
    shop.fill(hour_of(10))
    with shop.started(*shop.arguments("--yes", "--json")) as process:
        until(lambda: len(shop.seen()) > 10, "calls")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    result = json.loads(out)
    assert 8 <= result["calls"] < 30
    assert result["latency"]["p50_ms"] > 0
    assert "this run is partial and was not stored" in err
    assert shop.kept() is None


def test_a_stopped_run_lasted_until_it_was_stopped(shop):
    shop.fill(hour_of(10))
    with shop.started(*shop.arguments("--factor", "0.1", "--yes", "--json", seconds=60)) as process:
        until(lambda: len(shop.seen()) > 1, "calls")
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=WAIT)
    result = json.loads(out)
    assert result["seconds"] > 0.4
    assert result["offered_per_s"] < 4, "one call a second"
    assert result["queue"]["slices"][-1]["until_s"] == pytest.approx(result["seconds"], abs=0.01)


def test_a_second_ctrl_c_gives_up_calls_under_way(shop):
    shop.fill(hour_of(10))
    shop.load(seconds=SHORT)
    before = len(shop.seen())
    with shop.started(*shop.arguments("--yes", "--json")) as process:
        until(lambda: len(shop.seen()) > before + 8, "calls")
        shop.tell(mode="hang")
        before = len(shop.seen())
        until(lambda: len(shop.seen()) > before, "a call that hangs")
        process.send_signal(signal.SIGINT)
        assert "once more to give them up" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT)
    assert process.returncode == 130, err
    assert json.loads(out)["calls"] >= 5
    assert shop.kept()["calls"] == 10 * SHORT, "the whole run before it"


@pytest.mark.parametrize(
    ("mode", "stopped"),
    [
        ({"mode": "error500"}, "candidate_error_5xx"),
        ({"mode": "limited"}, "candidate_rate_limited"),
    ],
)
def test_a_failing_candidate_is_given_up(shop, mode, stopped):
    shop.fill(hour_of(10))
    shop.tell(**mode)
    result = shop.load(code=1)
    assert result["stopped"] == stopped
    assert result["calls"] < 10
    assert result["latency"]["p50_ms"] is None
    assert shop.kept() is None


def test_a_wrong_key_costs_one_call(shop):
    shop.fill(hour_of(10))
    shop.tell(mode="ok", key="secret")
    done = shop.run(*shop.arguments("--yes"))
    assert done.returncode == 78
    assert "answered 401" in done.stderr
    assert len(shop.seen()) == 1


def test_failed_calls_are_infinitely_slow(shop):
    """Each text fails once; of three texts, one fails for the call that knocks."""
    shop.fill(
        [
            {**one, "input": {"model": "big", "messages": [{"role": "user", "content": text}]}}
            for one, text in zip(hour_of(5), 34 * "abc", strict=False)
        ]
    )
    shop.tell(mode="flaky")
    result = shop.load(seconds=SHORT)
    n = 5 * SHORT
    assert (result["calls"], result["failed"]) == (n, {"candidate_error_5xx": 2})
    assert result["latency"]["p50_ms"] > 0
    assert result["latency"]["p95_ms"] is None
    assert (shop.kept()["failed"], shop.kept()["p95_ms"]) == (2, None)
    shown = shop.run(*shop.arguments("--yes", seconds=SHORT)).stdout
    assert f"failed 0 of {n}" in shown
