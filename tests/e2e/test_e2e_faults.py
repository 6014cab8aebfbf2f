"""Whatever the candidate, the runner or the disk do: counted under a reason, the app as before."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator

import psutil
import pytest
from support import calls
from support.lab import Agent, Lab, Model, until
from support.servers import free_port

NewLab = Callable[..., Lab]

FAULTS = {
    "hang": ("candidate_timeout", "timeout"),
    "error500": ("candidate_error_5xx", "error"),
    "garbage": ("candidate_invalid_response", "error"),
    "gigabyte": ("candidate_response_too_large", "error"),
    "reset": ("candidate_connection_lost", "error"),
    "redirect": ("candidate_redirect", "error"),
    "limited": ("candidate_rate_limited", "error"),
}


class Patient:
    """An app whose candidate falls ill in many ways, and the same app without us."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.app, self.bare = lab, lab.agent(), lab.agent(BARE="1")


@pytest.fixture(scope="module")
def patient(shared_factory: Callable[..., Lab]) -> Patient:
    limits = {"SHADOW_TIMEOUT": "1", "SHADOW_MAX_RESPONSE_BYTES": "100000"}
    return Patient(shared_factory("patient", **limits))


@pytest.fixture
def ill(candidate: Model) -> Iterator[Model]:
    yield candidate
    candidate.reset()


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_of_the_candidate_has_a_reason(
    patient: Patient, ill: Model, mode: str, stream: bool
) -> None:
    reason, outcome = FAULTS[mode]
    key = f"{mode}-{stream}"
    ill.reset()
    ill.mode(mode)
    seen = patient.app.run(calls.ask_raw, texts=[key], stream=stream)
    assert seen == patient.bare.run(calls.ask_raw, texts=[key], stream=stream)
    pair = patient.lab.pair(key)
    assert (pair.candidate.reason, pair.candidate.outcome) == (reason, outcome)
    assert not pair.candidate.answered
    assert pair.primary.answered
    assert {s["path"] for s in ill.seen()} == {"/v1/chat/completions"}
    # A good call in between, or the circuit breaker would open.
    ill.mode("ok")
    patient.app.run(calls.ask_raw, texts=[f"after {key}"])
    assert patient.lab.pair(f"after {key}").candidate.answered


@pytest.mark.parametrize(("mode", "tries"), [("slow", 1), ("ratelimit", 2)])
def test_a_candidate_that_only_takes_its_time_is_fine(
    patient: Patient, ill: Model, mode: str, tries: int
) -> None:
    ill.reset()
    ill.mode(mode)
    patient.app.run(calls.ask_raw, texts=[mode])
    pair = patient.lab.pair(mode)
    assert (pair.candidate.outcome, pair.candidate.reason) == ("ok", None)
    assert len(ill.seen()) == tries


def test_the_funnel_counts_every_fault(patient: Patient) -> None:
    pairs = patient.lab.pairs()
    funnel = patient.lab.funnel(len(pairs))
    assert funnel["mirrored"] == funnel["paired"] == len(pairs)
    failed = [pair.candidate.reason for pair in pairs if pair.candidate.reason]
    assert funnel["reasons"] == {reason: failed.count(reason) for reason in failed}


def test_a_candidate_that_is_down_is_left_alone_after_a_while(new_lab: NewLab) -> None:
    lab = new_lab(f"http://127.0.0.1:{free_port()}/v1")
    texts = [f"text {number}" for number in range(30)]
    assert lab.agent().run(calls.ask, texts=texts) == [f"You said: {text}" for text in texts]
    reasons = lab.funnel(30)["reasons"]
    assert reasons["candidate_unreachable"] >= 5
    assert reasons["circuit_open"] > 0
    assert reasons["candidate_unreachable"] + reasons["circuit_open"] == 30


def test_a_runner_that_is_killed_three_times_loses_nothing(lab: Lab, candidate: Model) -> None:
    candidate.mode("slow", delay=0.05)
    app = lab.agent()
    texts = [f"text {number}" for number in range(300)]
    load = threading.Thread(target=_ask_slowly, args=(app, texts))
    load.start()
    killed: set[int] = set()
    for _ in range(3):
        runner = until(lambda: _working(lab, killed), "another runner")
        runner.send_signal(signal.SIGKILL)
        killed.add(runner.pid)
    assert load.is_alive()
    load.join()
    funnel = lab.funnel(300)
    assert (funnel["mirrored"], funnel["paired"], funnel["reasons"]) == (300, 300, {})
    assert sorted(p.primary.key or "" for p in lab.pairs()) == sorted(texts)


def _working(lab: Lab, known: set[int]) -> psutil.Process | None:
    """A runner that has calls under way."""
    status = lab.status
    busy = status is not None and status.in_flight > 0
    found = [r for r in lab.runners() if busy and r.pid == status.pid and r.pid not in known]
    return found[0] if found else None


def _ask_slowly(app: Agent, texts: list[str]) -> None:
    for start in range(0, len(texts), 10):
        app.run(calls.ask, texts=texts[start : start + 10])
        threading.Event().wait(0.1)


def test_a_runner_that_stands_still_holds_nobody_up(lab: Lab) -> None:
    app = lab.agent()
    app.run(calls.ask, texts=["first"])
    lab.drained(1)
    (runner,) = lab.runners()
    runner.suspend()
    texts = [f"text {number}" for number in range(20)]
    assert app.run(calls.ask, texts=texts) == [f"You said: {text}" for text in texts]
    assert len(lab.pairs()) == 1
    runner.resume()
    funnel = lab.funnel(21)
    assert funnel["paired"] == 21


def test_a_full_queue_drops_and_counts(new_lab: NewLab) -> None:
    lab = new_lab(SHADOW_QUEUE_BYTES=str(2**20))
    app = lab.agent()
    app.run(calls.ask, texts=["first"])
    lab.drained(1)
    (runner,) = lab.runners()
    runner.suspend()
    texts = [f"{number} " + "x" * 100_000 for number in range(12)]
    assert app.run(calls.ask, texts=texts) == [f"You said: {text}" for text in texts]
    runner.resume()
    lab.drained(13)
    # There is room again.
    app.run(calls.ask, texts=["last"])
    funnel = lab.funnel(14)
    dropped = funnel["reasons"]["queue_full"]
    assert 0 < dropped < 12
    assert funnel["paired"] == 14 - dropped
    assert lab.pair("last")


def test_a_state_directory_that_cannot_be_is_one_line(new_lab: NewLab) -> None:
    lab = new_lab()
    (lab.path / "file").write_text("")
    lab.env["SHADOW_STATE_DIR"] = str(lab.path / "file" / "state")
    app = lab.agent()
    assert app.run(calls.ask, texts=["a"]) == ["You said: a"]
    (line,) = app.log.read_text().splitlines()
    assert "shadow_mw is off" in line
    assert "not writable; set SHADOW_STATE_DIR" in line


@pytest.mark.parametrize("kind", ["garbage", "newer"])
def test_a_store_that_cannot_be_used_stays_as_it_is(lab: Lab, kind: str) -> None:
    content = _bad_store(lab, kind)
    app = lab.agent()
    assert app.run(calls.ask, texts=["a", "b"]) == ["You said: a", "You said: b"]
    until(lambda: "the runner ended with 65" in app.log.read_text(), "the warning")
    warning = app.log.read_text().splitlines()[-1]
    assert f"store {lab.store}" in warning
    assert "left untouched" in warning
    assert lab.store.read_bytes() == content
    report = lab.cli("report")
    assert report.returncode == 65
    assert len(report.stderr.splitlines()) == 1
    assert lab.store.read_bytes() == content
    # Whoever repairs it loses nothing of what was captured meanwhile.
    lab.store.unlink()
    app.close()
    lab.agent().run(calls.ask, texts=["c"])
    assert lab.funnel(3)["paired"] == 3


def _bad_store(lab: Lab, kind: str) -> bytes:
    if kind == "garbage":
        lab.store.write_bytes(b"not a database at all" * 1000)
    else:
        lab.cli("label", "-", stdin="")
        connection = sqlite3.connect(lab.store)
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA user_version=99")
        connection.close()
    return lab.store.read_bytes()
