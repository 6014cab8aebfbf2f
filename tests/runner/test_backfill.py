"""`shadow-mw backfill` against a real server, over a store that `shadow-mw import` made."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import urllib.request

import pytest
from support.cli import run_text
from support.servers import clean_environ, free_port, running
from support.waiting import WAIT, until

REPLY = {"model": "big", "output": "yes", "latency_ms": 480, "input_tokens": 40}
PRICES = json.dumps({"new": {"input": 1, "output": 1}})


def row(number, **more):
    messages = [{"role": "user", "content": f"Question {number}, mail jo@example.com"}]
    return {
        "pair_id": f"p{number:03}",
        "time": f"2026-11-02T09:{number // 60:02}:{number % 60:02}Z",
        "experiment": "e",
        "input": {"model": "big", "messages": messages},
        "primary": {**REPLY, "output_tokens": 10},
        "candidate": {"model": "old", "output": "no", "latency_ms": 100},
    } | more


@pytest.fixture
def model():
    port = free_port()
    with running(["-m", "support.model", "--port", str(port)], port, cwd=TESTS) as server:
        yield server


TESTS = os.path.dirname(os.path.dirname(__file__))


@pytest.fixture
def shop(tmp_path, model):
    return Shop(tmp_path, model.url)


class Shop:
    """A directory with a store, and a candidate to ask."""

    def __init__(self, path, url):
        self.path, self.url = path, url

    def fill(self, *rows):
        text = "".join(json.dumps(one) + "\n" for one in rows)
        assert self.run("import", "-", stdin=text).returncode == 0

    def environ(self, **variables):
        used = {"SHADOW_STATE_DIR": str(self.path / "state"), "COLUMNS": "100"} | variables
        return clean_environ(**used)

    def command(self, *arguments):
        return [sys.executable, "-m", "shadow_mw", *arguments]

    def run(self, *arguments, stdin="", **variables):
        env = self.environ(**variables)
        return run_text(*arguments, cwd=self.path, env=env, stdin=stdin)

    def arguments(self, *more, model="new"):
        return ("backfill", "--candidate-url", self.url + "/v1", "--candidate-model", model, *more)

    def backfill(self, *more, model="new", **variables):
        return self.run(*self.arguments(*more, model=model), **variables)

    def result(self, *more, code=0, **options):
        done = self.backfill("--json", *more, **options)
        assert done.returncode == code, (done.stdout, done.stderr)
        return json.loads(done.stdout)["candidates"][0]

    def tell(self, **mode):
        data = json.dumps(mode).encode()
        urllib.request.urlopen(f"{self.url}/_mode", data).close()

    def seen(self):
        with urllib.request.urlopen(f"{self.url}/_seen") as reply:
            return json.load(reply)

    def asked(self):
        return [one["body"]["messages"][0]["content"].split(",")[0] for one in self.seen()]

    def stored(self, candidate="new"):
        with sqlite3.connect(self.path / "shadow.db") as db:
            sql = "SELECT count(*) FROM observations WHERE candidate_id = ?"
            return db.execute(sql, (candidate,)).fetchone()[0]

    def report(self, candidate="new"):
        done = self.run("report", "--json", "--candidate", candidate)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def test_stored_inputs_become_pairs_of_the_new_candidate(shop):
    shop.fill(*map(row, range(20)))

    result = shop.result()

    assert (result["selected"], result["asked"], result["left"]) == (20, 20, 0)
    assert result["failed"] == result["skipped"] == result["not_stored"] == {}
    assert sorted(shop.asked()) == sorted(f"Question {n}" for n in range(20))
    body = shop.seen()[0]["body"]
    assert body["model"] == "new"
    assert "jo@example.com" not in json.dumps(shop.seen()), "the store has pseudonyms"
    assert "<email:" in body["messages"][0]["content"]
    report = shop.report()
    assert report["funnel"]["paired"] == report["backfilled"] == 20
    assert report["metrics"]["error_rate"]["n"] == report["metrics"]["exact_match"]["n"] == 20
    assert report["metrics"]["latency_p50_ms"]["n"] == 0, "measured at another time"
    assert report["legs"]["primary"]["model"] == "big"
    old = shop.report("old")
    assert old["backfilled"] == 0
    assert old["metrics"]["latency_p50_ms"]["n"] == 20, "untouched"
    shown = shop.run("report", "--candidate", "new").stdout
    assert "backfilled 20 of 20 pairs" in shown


def test_cost_compares_although_latency_does_not(shop):
    shop.fill(*(row(n, primary={**REPLY, "cost_usd": 0.001}) for n in range(3)))
    shop.result(SHADOW_PRICES=PRICES)
    report = shop.report()
    assert report["metrics"]["cost_per_1k_usd"]["n"] == 3
    assert report["metrics"]["latency_p95_ms"]["n"] == 0


def test_a_second_run_asks_nothing(shop):
    shop.fill(*map(row, range(5)))
    shop.result()
    again = shop.result()
    assert (again["known"], again["asked"]) == (5, 0)
    assert len(shop.seen()) == 5


def test_an_export_carries_no_latency_that_could_be_compared(shop):
    shop.fill(row(1))
    shop.result()
    done = shop.run("export", "--candidate", "new")
    exported = json.loads(done.stdout)
    assert "latency_ms" not in exported["candidate"]
    assert exported["primary"]["latency_ms"] == 480


def test_a_dry_run_says_what_it_would_cost_and_asks_nothing(shop):
    shop.fill(*map(row, range(4)))
    result = shop.result("--dry-run", SHADOW_PRICES=PRICES)
    assert (result["calls"], result["input_tokens"], result["output_tokens"]) == (4, 160, 40)
    assert result["usd"] == pytest.approx(200 / 1e6)
    assert shop.result("--dry-run")["usd"] is None
    assert shop.seen() == []
    assert shop.stored() == 0
    assert not (shop.path / "shadow.db.backfill").exists()
    shown = shop.backfill("--dry-run").stdout
    assert "would ask 4 calls" in shown
    assert "price unknown" in shown


def test_selection(shop):
    other = {"model": "other", "output": "no"}
    shop.fill(*map(row, range(30)), *(row(n, candidate=other) for n in range(10)))
    assert shop.result("--dry-run", "--limit", "7")["calls"] == 7
    assert shop.result("--dry-run", "--from-candidate", "other")["calls"] == 10
    assert shop.result("--dry-run", "--since", "2026-11-02T09:00:25")["calls"] == 5
    drawn = shop.result("--dry-run", "--sample", "0.5")["calls"]
    assert 5 < drawn < 25
    shop.result("--sample", "0.5")
    assert shop.result("--dry-run", "--sample", "0.5")["calls"] == 0, "the same ones"
    assert shop.result("--dry-run")["calls"] == 30 - drawn


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_run_goes_on(shop, number):
    shop.fill(*map(row, range(40)))
    shop.tell(mode="slow", delay=0.1)
    log = shop.path / "log"
    with (
        log.open("wb") as out,
        subprocess.Popen(
            shop.command(*shop.arguments("--concurrency", "2")),
            cwd=shop.path,
            env=shop.environ(),
            stdout=subprocess.DEVNULL,
            stderr=out,
        ) as process,
    ):
        until(lambda: shop.stored() >= 6, "answers")
        os.kill(process.pid, number)
        code = process.wait(WAIT)
    if number == signal.SIGINT:
        said = "interrupted; what was answered is kept, run again to go on"
        assert said in log.read_text()
    assert code == (130 if number == signal.SIGINT else -number)
    kept, begun = shop.stored(), len(shop.seen())
    assert 6 <= kept < 40
    assert not (shop.path / "state").exists(), "nothing that `status` or `off` would see"
    assert begun - kept <= (2 if number == signal.SIGKILL else 0), "no more than was under way"

    rest = shop.result()

    assert (rest["known"], rest["asked"], shop.stored()) == (kept, 40 - kept, 40)
    assert len(shop.seen()) == begun + 40 - kept, "what was stored is not asked again"
    assert shop.report()["funnel"]["mirrored"] == 40


def test_it_stops_where_the_calls_are_spent_and_goes_on_with_more(shop):
    shop.fill(*map(row, range(10)))
    result = shop.result("--max-calls", "4")
    assert (result["asked"], result["left"], result["stopped"]) == (4, 6, "max_calls")
    assert len(shop.seen()) == 4
    assert shop.result("--max-calls", "4")["asked"] == 0, "with what was spent before"
    assert shop.result("--max-calls", "10")["asked"] == 6


def test_it_stops_before_the_budget_is_overdrawn(shop):
    shop.fill(*(row(n, input=row(n)["input"] | {"max_tokens": 1000}) for n in range(10)))
    prices = json.dumps({"new": {"request": 1}})
    result = shop.result("--budget-usd", "3", SHADOW_PRICES=prices)
    assert (result["asked"], result["stopped"], result["usd"]) == (3, "budget_usd", 3.0)
    assert len(shop.seen()) == 3


def test_a_budget_over_an_unknown_price_needs_a_number_of_calls(shop):
    shop.fill(row(1))
    done = shop.backfill("--budget-usd", "3")
    assert done.returncode == 78
    assert "--max-calls" in done.stderr
    assert shop.result("--budget-usd", "3", "--max-calls", "9")["asked"] == 1


def test_too_many_requests_are_waited_for(shop):
    shop.fill(row(1), row(2))
    result = shop.result(model="new:ratelimit")
    assert (result["asked"], result["failed"]) == (2, {})
    assert len(shop.seen()) == 4


def test_a_server_may_say_until_when_it_is_busy_as_a_date(shop):
    shop.fill(row(1))
    result = shop.result(model="new:busy")
    assert (result["asked"], result["failed"]) == (1, {})
    assert len(shop.seen()) == 2


def test_a_rate_limit_that_stays_is_no_answer_and_ends_the_run(shop):
    shop.fill(*map(row, range(20)))
    result = shop.result("--concurrency", "4", code=1, model="new:limited")
    assert (result["asked"], result["stopped"]) == (0, "candidate_rate_limited")
    assert len(shop.seen()) == 5 * 3
    assert shop.stored("new:limited") == 0


def test_a_wrong_key_costs_one_call_and_one_line(shop):
    shop.fill(*map(row, range(20)))
    shop.tell(mode="ok", key="right")
    done = shop.backfill(SHADOW_CANDIDATE_API_KEY="wrong")
    assert done.returncode == 78
    assert "answered 401 Incorrect API key provided; its API key is refused" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert len(shop.seen()) == 1
    assert shop.stored() == 0
    assert "set SHADOW_CANDIDATE_API_KEY" in shop.backfill().stderr
    assert shop.result(SHADOW_CANDIDATE_API_KEY="right")["asked"] == 20


def test_the_key_of_the_configured_candidate_goes_to_no_other_host(shop):
    shop.fill(row(1))
    done = shop.backfill(
        SHADOW_CANDIDATE_API_KEY="private",
        SHADOW_CANDIDATE_URL="http://127.0.0.1:9/v1",
        SHADOW_CANDIDATE_MODEL="live",
    )
    assert done.returncode == 0, done.stderr
    assert "private" not in json.dumps(shop.seen())


def test_a_server_that_is_out_of_order_ends_the_run(shop):
    shop.fill(*map(row, range(20)))
    result = shop.result(code=1, model="new:error500")
    assert result["failed"] == {"candidate_error_5xx": 5}, "as live calls: what it did counts"
    assert len(shop.seen()) == 5


def test_nobody_there_stores_nothing(shop):
    shop.fill(*map(row, range(20)))
    shop.url = f"http://127.0.0.1:{free_port()}"
    result = shop.result(code=1)
    assert result["stopped"] == "candidate_unreachable"
    assert shop.stored() == 0


def test_what_cannot_be_asked_is_counted_by_reason(shop):
    messages = [{"role": "user", "content": "Question 9,"}]
    stateful = {"model": "big", "messages": messages, "web_search_options": {}}
    shop.fill(
        row(0),
        row(1, input=stateful),
        row(2, input=None),
        row(3, primary={**REPLY, "truncated": True}),
        row(4, primary={**REPLY, "partial": True}),
        row(5, input={"shape": "of nothing"}),
    )
    result = shop.result()
    assert result["asked"] == 1
    assert result["skipped"] == {
        "content_truncated": 1,
        "primary_partial": 1,
        "request_invalid": 1,
        "request_not_readable": 1,
        "stateful": 1,
    }
    assert (result["left"], len(shop.seen())) == (0, 1)
    assert shop.report()["funnel"]["reasons"]["stateful"] == 1


def test_several_candidates_of_the_settings_are_asked_one_after_the_other(shop):
    shop.fill(row(1), row(2))
    given = [{"id": name, "url": shop.url + "/v1", "model": name} for name in ("x", "y")]
    done = shop.run("backfill", "--json", SHADOW_CANDIDATES=json.dumps(given))
    assert done.returncode == 0, done.stderr
    assert [one["asked"] for one in json.loads(done.stdout)["candidates"]] == [2, 2]
    assert (shop.stored("x"), shop.stored("y")) == (2, 2)
    done = shop.run("backfill", "--candidate", "z", SHADOW_CANDIDATES=json.dumps(given))
    assert done.returncode == 78
    assert "accepted is one of x, y" in done.stderr


def test_exit_codes(shop):
    assert shop.backfill().returncode == 65, "no store"
    shop.fill(row(1))
    assert shop.backfill("--experiment", "unknown").returncode == 65
    assert shop.backfill("--sample", "2").returncode == 64
    assert shop.run("backfill").returncode == 78
    assert shop.backfill(SHADOW_CONTENT="none").returncode == 78, "nothing to pay for"
    assert shop.seen() == []
    done = shop.run("backfill", "--candidate-url", "nonsense", "--candidate-model", "m")
    assert done.returncode == 78
    assert "accepted is a base URL" in done.stderr


def test_an_anthropic_call_goes_to_its_own_path(shop):
    asked = {"model": "big", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
    shop.fill(row(1, input=asked, primary={**REPLY, "finish_reason": "end_turn"}))
    assert shop.result()["asked"] == 1
    assert [one["path"] for one in shop.seen()] == ["/v1/messages"]
