"""What is mirrored, and what stops it: every call that is not has a reason."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from support import calls
from support.lab import Lab, Model, until

NewLab = Callable[..., Lab]
TEXTS = [f"conversation {number}" for number in range(24)]


def test_off_on_and_sample_change_a_running_app(lab: Lab) -> None:
    app = lab.agent()

    def refuses(reason: str | None) -> None:
        until(lambda: app.run(calls.refusal) == reason, f"refusal {reason}")

    app.run(calls.ask, texts=["first"])
    lab.drained(1)
    assert lab.cli("off").returncode == 0
    refuses("off")
    app.run(calls.ask, texts=["a", "b", "c"])
    lab.cli("on")
    refuses(None)
    app.run(calls.ask, texts=["second"])
    lab.cli("sample", "0")
    refuses("not_sampled")
    app.run(calls.ask, texts=["d", "e"])
    lab.cli("sample", "1")
    refuses(None)
    funnel = lab.funnel(7)
    assert funnel["reasons"] == {"off": 3, "not_sampled": 2}
    assert funnel["mirrored"] == funnel["paired"] == 2


def test_off_survives_a_restart(lab: Lab) -> None:
    lab.cli("off")
    app = lab.agent()
    app.run(calls.ask, texts=["a"])
    assert lab.funnel(1)["reasons"] == {"off": 1}


def test_a_conversation_is_in_the_sample_or_not_in_every_process(new_lab: NewLab) -> None:
    lab = new_lab(SHADOW_SAMPLE_RATE="0.5")
    for app in (lab.agent(), lab.agent()):
        app.run(calls.converse, openings=TEXTS)
    funnel = lab.funnel(4 * len(TEXTS))
    seen = Counter(pair.primary.segment for pair in lab.pairs())
    assert set(seen.values()) == {4}
    assert 0 < len(seen) < len(TEXTS)
    assert funnel["mirrored"] == 4 * len(seen)
    assert {pair.primary.sample_rate for pair in lab.pairs()} == {0.5}


def test_a_session_is_in_the_sample_or_not(new_lab: NewLab) -> None:
    lab = new_lab(SHADOW_SAMPLE_RATE="0.5")
    app = lab.agent()
    for session in TEXTS:
        app.run(calls.ask, texts=["one", "two", "three"], session=session)
    lab.funnel(3 * len(TEXTS))
    seen = Counter(pair.primary.session for pair in lab.pairs())
    assert set(seen.values()) == {3}
    assert 0 < len(seen) < len(TEXTS)


def test_nothing_is_mirrored_outside_of_the_window(new_lab: NewLab, candidate: Model) -> None:
    lab = new_lab(SHADOW_WINDOW_END="2020-01-01T00:00:00Z")
    lab.agent().run(calls.ask, texts=["a", "b"])
    funnel = lab.funnel(2)
    assert (funnel["mirrored"], funnel["reasons"]) == (0, {"window_closed": 2})
    assert candidate.seen() == []


def test_disabled_means_that_nothing_is_installed(new_lab: NewLab) -> None:
    lab = new_lab(SHADOW_ENABLED="false")
    app = lab.agent()
    assert app.run(calls.ask, texts=["a"]) == ["You said: a"]
    assert not any(app.run(calls.patched))
    assert not (lab.path / "state").exists()


def test_disabled_is_said_in_the_log_as_on_is(new_lab: NewLab) -> None:
    done = new_lab(SHADOW_ENABLED="false").script("import shadow_mw; shadow_mw.install()")
    assert (done.returncode, done.stderr) == (0, "shadow_mw is off: SHADOW_ENABLED=false\n")


def test_enabled_means_that_both_clients_are_patched_once(lab: Lab) -> None:
    assert all(lab.agent().run(calls.patched))


def test_the_call_limit_holds(new_lab: NewLab, candidate: Model) -> None:
    lab = new_lab(SHADOW_MAX_CALLS="3")
    lab.agent().run(calls.ask, texts=TEXTS[:8])
    funnel = lab.funnel(8)
    assert (funnel["mirrored"], funnel["reasons"]) == (3, {"max_calls": 5})
    assert len(candidate.seen()) == 3


def test_the_budget_holds(new_lab: NewLab, candidate: Model) -> None:
    prices = '{"m": {"request": 2}, "cand": {"request": 1}}'
    lab = new_lab(SHADOW_BUDGET_USD="2.5", SHADOW_PRICES=prices)
    lab.agent().run(calls.ask, texts=TEXTS[:8])
    funnel = lab.funnel(8)
    assert (funnel["mirrored"], funnel["reasons"]) == (2, {"budget_usd": 6})
    assert len(candidate.seen()) == 2
    cost = lab.report()["metrics"]["cost_per_1k_usd"]
    assert (cost["primary"], cost["candidate"], cost["n"]) == (2000.0, 1000.0, 2)


def test_a_candidate_that_cannot_be_reached_spends_no_budget(new_lab: NewLab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
    prices = '{"m": {"request": 2}, "cand": {"request": 1}}'
    lab = new_lab(SHADOW_BUDGET_USD="1.5", SHADOW_PRICES=prices, SHADOW_CANDIDATE_URL=url)
    app = lab.agent()
    for number, text in enumerate(TEXTS[:4], 1):
        app.run(calls.ask, texts=[text])
        lab.drained(number)
    assert lab.funnel(4)["reasons"] == {"candidate_unreachable": 4}
    assert "nothing spent" in lab.cli("status").stdout


@pytest.mark.parametrize(
    ("variable", "value", "accepted"),
    [
        ("SHADOW_SAMPLE_RATE", "1.5", "a number from 0 to 1"),
        ("SHADOW_CANDIDATE_URL", "localhost", "a base URL such as https://host/v1"),
        ("SHADOW_BUDGET_USD", "5", "SHADOW_MAX_CALLS"),
    ],
)
def test_a_wrong_setting_stops_a_script_with_one_line(
    new_lab: NewLab, variable: str, value: str, accepted: str
) -> None:
    lab: Any = new_lab(**{variable: value})
    lab.fails_on_purpose = True
    done = lab.script("import shadow_mw; shadow_mw.install(); print('started')")
    assert done.returncode != 0
    assert done.stdout == ""
    last = done.stderr.splitlines()[-1]
    assert f"{variable}={value}" in last
    assert accepted in last


def test_off_for_another_store_says_what_there_is_instead_of_doing_nothing(lab: Lab) -> None:
    app = lab.agent()
    app.run(calls.ask, texts=["a"])
    lab.drained(1)
    lab.env["SHADOW_STORE"] = str(lab.path / "another.db")
    done = lab.cli("off")
    assert done.returncode == 78
    assert "no app runs with these settings" in done.stderr
    assert str(lab.store) in done.stderr
    lab.env["SHADOW_STORE"] = str(lab.store)


def test_the_runner_as_a_thread_of_the_app(new_lab: NewLab, candidate: Model) -> None:
    lab = new_lab(SHADOW_RUNNER="inline")
    app = lab.agent()
    app.run(calls.ask, texts=["a", "b"])
    funnel = lab.funnel(2)
    assert (funnel["paired"], funnel["reasons"]) == (2, {})
    assert lab.runners() == []
    assert len(candidate.seen()) == 2
