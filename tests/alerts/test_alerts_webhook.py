"""Messages over real HTTP: each change once, whoever finds it, and whatever the endpoint does."""

import json
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
from alerts.receiver import receiver
from alerts.stores import COMMAND, alerts, tell
from evaluate.spans import both
from serve.bodies import send
from support.serve import running_serve
from support.servers import clean_environ
from support.waiting import WAIT, until

from shadow_mw.alarms import Alarm, Kind
from shadow_mw.evaluate.alarm_store import AlarmStore
from shadow_mw.evaluate.messages import KEPT_NS, LEASE_NS, MOST, SPAN_NS, Messages
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.report.alarm_message import as_message
from shadow_mw.serve import webhook
from shadow_mw.serve.webhook import Webhook, deliver, deliver_until

SPENT = {"spend_usd": 8.5, "budget_usd": 10.0}


@pytest.fixture
def hook():
    with receiver() as server:
        yield server


@pytest.fixture
def store(tmp_path):
    """One whose candidate has spent 85 % of its budget, and whose window has ended."""
    path = tmp_path / "shadow.db"
    tell(path, **SPENT, window_end=time.time() - 60)
    return path


def elapsed(path, seconds=LEASE_NS / 1e9):
    """As if time had passed for messages that wait."""
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE messages SET not_before_ns = not_before_ns - ?", (int(seconds * 1e9),)
        )
    connection.close()


def test_every_change_is_told_once_and_in_slacks_form(hook, store):
    first = alerts(store, SHADOW_WEBHOOK_URL=hook.url, SHADOW_PAGE_URL="https://shadow.example/s")
    assert first.returncode == 1, first.stderr
    assert hook.said == [("window_ended", "raised"), ("budget_80", "raised")]
    window, budget = hook.bodies
    assert budget["text"] == (
        "80 % of the budget is spent: e, c: $8.50 of $10.00 is spent https://shadow.example/s"
    )
    assert [block["type"] for block in budget["blocks"]] == ["header", "section", "context"]
    assert budget["blocks"][1]["text"] == {
        "type": "plain_text",
        "text": "e, c\n$8.50 of $10.00 is spent",
        "emoji": False,
    }
    assert window["metadata"]["event_type"] == "shadow_mw_alarm"
    assert window["metadata"]["event_payload"]["candidate"] == ""
    for _ in range(2):
        again = alerts(store, SHADOW_WEBHOOK_URL=hook.url)
        assert (again.returncode, len(hook.bodies)) == (1, 2)
    tell(store, spend_usd=8.6, budget_usd=20.0)
    assert alerts(store, SHADOW_WEBHOOK_URL=hook.url).returncode == 1
    assert hook.said[2:] == [("budget_80", "clear")]
    assert "no longer so" in hook.bodies[2]["text"]
    tell(store, window_end=time.time() + 3600)
    assert alerts(store, SHADOW_WEBHOOK_URL=hook.url).returncode == 0
    tell(store, spend_usd=20.0)
    assert alerts(store, SHADOW_WEBHOOK_URL=hook.url).returncode == 1
    assert hook.said[3:] == [
        ("window_ended", "clear"),
        ("budget_80", "raised"),
        ("budget_100", "raised"),
    ]


def test_whoever_sets_a_webhook_later_is_told_what_stands(hook, store):
    assert alerts(store).returncode == 1
    assert alerts(store, SHADOW_WEBHOOK_URL=hook.url).returncode == 1
    assert alerts(store, SHADOW_WEBHOOK_URL=hook.url).returncode == 1
    assert sorted(hook.said) == [("budget_80", "raised"), ("window_ended", "raised")]


def test_many_processes_at_once_tell_it_once(hook, store):
    environ = clean_environ(SHADOW_STORE=str(store), SHADOW_WEBHOOK_URL=hook.url)
    started = [
        subprocess.Popen([COMMAND, "alerts"], env=environ, stdout=subprocess.DEVNULL)
        for _ in range(4)
    ]
    assert [process.wait(60) for process in started] == [1, 1, 1, 1]
    assert sorted(hook.said) == [("budget_80", "raised"), ("window_ended", "raised")]


def test_killed_before_it_was_told_it_is_told_once_after_the_restart(hook, store):
    hook.answers = ["hang"]
    environ = clean_environ(SHADOW_STORE=str(store), SHADOW_WEBHOOK_URL=hook.url)
    process = subprocess.Popen([COMMAND, "alerts"], env=environ, stdout=subprocess.DEVNULL)
    assert hook.hanging.wait(WAIT)
    process.send_signal(signal.SIGKILL)
    process.wait(WAIT)
    hook.released.set()
    alerts(store, SHADOW_WEBHOOK_URL=hook.url)
    assert hook.said == [("budget_80", "raised")], "the other one is leased to who was killed"
    elapsed(store)
    alerts(store, SHADOW_WEBHOOK_URL=hook.url)
    alerts(store, SHADOW_WEBHOOK_URL=hook.url)
    assert hook.said == [("budget_80", "raised"), ("window_ended", "raised")]
    first, *_, last = hook.headers
    assert first["idempotency-key"] == last["idempotency-key"] != hook.headers[1]["idempotency-key"]


def test_serve_tells_and_after_a_kill_it_repeats_nothing(hook, store, tmp_path):
    with running_serve(tmp_path, SHADOW_WEBHOOK_URL=hook.url) as serve:
        until(lambda: len(hook.accepted) == 2, "both are told")
        sent = 'shadow_webhook_messages_total{outcome="sent"}'
        until(lambda: serve.metrics().get(sent) == 2.0, "both are counted")
        raised = 'shadow_alarm{alarm="budget_80",candidate="c",experiment="e",segment=""}'
        assert serve.metrics()[raised] == 1.0
        serve.kill()
    tell(store, spend_usd=11.0)
    with running_serve(tmp_path, SHADOW_WEBHOOK_URL=hook.url) as serve:
        until(lambda: len(hook.accepted) == 3, "what is new is told")
        assert hook.url not in serve.log()
        assert "secret-part" not in serve.log()
    assert sorted(hook.said) == [
        ("budget_100", "raised"),
        ("budget_80", "raised"),
        ("window_ended", "raised"),
    ]


def test_a_hanging_webhook_delays_neither_spans_nor_the_end(hook, store, tmp_path):
    hook.answers = ["hang"] * 100
    with running_serve(tmp_path, SHADOW_WEBHOOK_URL=hook.url) as serve:
        assert hook.hanging.wait(WAIT)
        took = []
        for number in range(100):
            started = time.monotonic()
            send(serve, *both(f"p{number}"))
            took.append(time.monotonic() - started)
        assert hook.accepted == []
        assert max(took) < webhook.TIMEOUT
        assert serve.summary(experiment="e").funnel.paired == 100
        started = time.monotonic()
        assert serve.stop() == 0
        assert time.monotonic() - started < webhook.TIMEOUT


# Within this process: what takes longer than a test may.


@pytest.fixture
def waiting(tmp_path):
    """A store with messages, a clock that can be moved, and the outbox over both."""
    now = [time.time_ns()]
    with Store.open(tmp_path / "shadow.db", create=True) as store:
        kept = AlarmStore(store, lambda: now[0])

        def add(*experiments):
            alarm = Alarm(Kind.WINDOW_ENDED, "", "raised", "the window is over")
            for name in experiments:
                kept.keep(name, "", [alarm], now[0], as_message)

        yield now, add, Messages(store, lambda: now[0])


def experiments(hook):
    return [payload["experiment"] for payload in hook.accepted]


def test_what_is_refused_is_sent_again_ever_later_and_in_order(hook, waiting):
    now, add, messages = waiting
    add("a", "b")
    hook.answers = [(500, {}), (503, {}), (500, {}), (404, {})]
    rests = []
    for _ in range(4):
        assert not deliver(messages, Webhook(hook.url)).accepted
        started = now[0]
        while (again := messages.claim()) is None:
            now[0] += 10**8
        rests.append((now[0] - started) / 1e9)
        messages.failed(again, 0, others=True)  # handed back
    assert all(0.9 * 2.0**n <= rest * 2 for n, rest in enumerate(rests))
    assert deliver(messages, Webhook(hook.url)).accepted
    assert deliver(messages, Webhook(hook.url)).accepted
    assert deliver(messages, Webhook(hook.url)) is None
    assert experiments(hook) == ["a", "b"]
    assert messages.told().sent == 2


@pytest.mark.parametrize("answer", [(500, {}), (429, {"retry-after": "1"}), "hang"])
def test_a_thread_sends_until_it_is_accepted(hook, waiting, answer, monkeypatch, caplog):
    monkeypatch.setattr(webhook, "TIMEOUT", 0.3)
    _, add, messages = waiting
    add("a")
    messages._clock = time.time_ns
    hook.answers = [answer]
    stop = threading.Event()
    thread = threading.Thread(target=deliver_until, args=(stop, messages, Webhook(hook.url)))
    thread.start()
    until(lambda: hook.accepted, "it is accepted")
    stop.set()
    hook.released.set()
    thread.join()
    first, second = hook.times
    assert 0.9 < second - first < 6
    assert len(caplog.records) == 1
    assert hook.url not in caplog.text
    assert "secret-part" not in caplog.text


def test_a_servers_retry_after_is_obeyed_and_holds_the_others_too(hook, waiting):
    now, add, messages = waiting
    add("a", "b")
    hook.answers = [(429, {"retry-after": "600"})]
    assert deliver(messages, Webhook(hook.url)).status == 429
    now[0] += 599 * 10**9
    assert deliver(messages, Webhook(hook.url)) is None
    now[0] += 2 * 10**9
    assert deliver(messages, Webhook(hook.url)).accepted
    assert experiments(hook) == ["a"]


def test_a_message_that_is_never_taken_holds_nobody_and_ends_after_a_day(hook, waiting, caplog):
    now, add, messages = waiting
    add("a", "b")
    hook.answers = [(400, {})]
    assert deliver(messages, Webhook(hook.url)).status == 400
    assert deliver(messages, Webhook(hook.url)).accepted
    assert experiments(hook) == ["b"]
    now[0] += KEPT_NS + 10**9
    assert deliver(messages, Webhook(hook.url)) is None
    assert messages.told().dropped == 1
    assert "given up after a day" in caplog.text


def test_a_flood_is_told_slowly(hook, waiting):
    now, add, messages = waiting
    add(*(f"e{number}" for number in range(MOST + 3)))
    answers = [deliver(messages, Webhook(hook.url)) for _ in range(MOST + 3)]
    assert [answer is not None for answer in answers] == [True] * MOST + [False] * 3
    now[0] += SPAN_NS + 10**9
    assert deliver(messages, Webhook(hook.url)).accepted
    assert messages.told().waiting == 2


def test_an_evaluator_that_read_older_data_takes_nothing_back(waiting):
    *_, messages = waiting
    kept = AlarmStore(messages._store)
    raised = Alarm(Kind.BUDGET_80, "", "raised", "new")
    assert kept.keep("e", "c", [raised], 2_000, None)
    assert kept.keep("e", "c", [Alarm(Kind.BUDGET_80, "", "clear", "old")], 1_000, None) == []
    assert [change.alarm for change in kept.kept("e", "c")] == [raised]


def test_names_call_nobody_and_stay_short(waiting):
    _, add, messages = waiting
    add("<!channel> & é" + "x" * 400)
    body = messages.claim().body
    assert "<!channel>" not in json.loads(body)["text"]
    assert "&lt;!channel&gt; &amp;" in json.loads(body)["text"]
    assert len(json.loads(body)["blocks"][0]["text"]["text"]) <= 150
    assert body.isascii()
