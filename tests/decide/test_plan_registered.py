"""Ways in which a verdict might have rested on what nobody had promised beforehand."""

import json
import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from decide.earlier import registered_earlier
from decide.windows import Window, evidence, with_columns
from rows.pair_rows import command, lines, row

from shadow_mw.commands.alert_threads import _look
from shadow_mw.commands.signatures import Signatures, keep, kept
from shadow_mw.decide.case import case_of
from shadow_mw.decide.gates.latency import load_gate
from shadow_mw.decide.phases import PHASES, phase_result
from shadow_mw.decide.presets import ARTICLES, STRICT
from shadow_mw.decide.registered import Registered, plan_name
from shadow_mw.decide.verdict import decide
from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.verdicts import State

REGISTERED_NS = 5_000_000_000
KNOWN = Registered(ARTICLES.hash, REGISTERED_NS, 0)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A plan, then history from before it."""
    directory = tmp_path_factory.mktemp("imported")
    rows = [row(f"p{n}", time=f"2026-11-02T09:0{n}:00Z", experiment="e") for n in range(5)]
    (directory / "rows.jsonl").write_text(lines(*rows))
    plan = ("plan", "--preset", "articles", "--experiment", "e", "--register", "--assumed")
    for arguments in (plan, ("import", "rows.jsonl")):
        done = command(directory, *arguments)
        assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture
def store(imported, tmp_path):
    """The directory of one that may be changed."""
    for file in imported.glob("shadow.db*"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_a_plan_of_a_store_without_a_leg_is_before_any_data(tmp_path):
    with Store.open(tmp_path / "shadow.db", create=True) as store:
        found = gather(store, Series("e", "c"))

    assert found.first_received_ns is None
    assert plan_name(ARTICLES, KNOWN, found.first_received_ns).note.endswith("before any data")


def test_calls_that_were_made_before_the_plan_do_not_count_however_late_they_come():
    later = REGISTERED_NS + 1
    found = plan_name(ARTICLES, KNOWN, later, REGISTERED_NS)

    assert not found.registered
    assert found.note.startswith("unregistered: its calls were made before the plan was registered")
    assert plan_name(ARTICLES, KNOWN, later, later).registered


def test_history_that_is_imported_after_the_plan_does_not_make_it_count(store):
    def note():
        return json.loads(command(store, "verdict", "--json").stdout)["plan"]["note"]

    assert "its calls were made before the plan was registered" in note()
    registered_earlier(store / "shadow.db", "e")
    assert note() == "registered 2026-11-01T00:00:00Z, before any data"


def test_a_plan_for_one_candidate_decides_no_other_one_as_registered():
    plan = ARTICLES.model_copy(update={"candidate": "a"})
    known = Registered(plan.hash, REGISTERED_NS, 0, candidates=2)
    first = REGISTERED_NS + 1

    other = plan_name(plan, known, first, first, "b")
    assert not other.registered
    assert other.note == "unregistered: the registered plan is for candidate a"
    its_own = plan_name(plan, known, first, first, "a")
    assert (its_own.registered, "share" in its_own.note) == (True, False)


def test_a_plan_for_everybody_says_how_many_share_it():
    known = replace(KNOWN, candidates=2)
    found = plan_name(ARTICLES, known, REGISTERED_NS + 1, REGISTERED_NS + 1, "b")

    assert found.registered
    assert found.note.endswith("before any data; 2 candidates of the experiment share it")


def test_a_fault_of_the_program_is_neither_no_go_nor_an_alarm(store, monkeypatch):
    with closing(sqlite3.connect(store / "shadow.db")) as connection, connection:
        connection.execute("UPDATE meta SET value = '{' WHERE name = 'plan:e'")

    done = command(store, "verdict")
    assert done.returncode == 70
    last = done.stderr.decode().splitlines()[-1]
    assert last.startswith("shadow-mw: a fault of its own: JSONDecodeError: ")
    monkeypatch.setenv("SHADOW_STORE", str(store / "shadow.db"))
    assert _look(threading.Event()) == last


@pytest.mark.parametrize(
    ("priced", "budget", "state"),
    [
        (1.0, "10.00", State.PASS),
        (0.995, "10.00", State.PASS),
        (0.5, "10.00", State.UNPROVEN),
        (0.995, "3.99", State.UNPROVEN),
        (0.5, "1.00", State.FAIL),
    ],
)
def test_a_budget_is_not_kept_by_calls_without_a_price(priced, budget, state):
    """All calls cost $4.00: what is left unpriced of them has cost something too."""
    found = evidence()
    n = round(priced * len(found.pairs))
    each = np.full(len(found.pairs), 4.0 / len(found.pairs))
    each[n:] = np.nan
    unpriced = len(found.pairs) - n
    found = replace(with_columns(found, candidate_cost_usd=each), unpriced=unpriced)
    plan = ARTICLES.model_copy(update={"budget_usd": Decimal(budget)})
    verdict = decide(plan, found, plan_name(plan, None, None))

    gates = phase_result(PHASES["5"], plan, found, verdict).gates
    gate = next(gate for gate in gates if gate.name == "phase.budget")
    assert gate.state is state
    assert ("unpriced: " in gate.reason) == (priced < 1 and state is not State.FAIL)


SIGNED = Signatures({"likeness": "Ann: why"}, {"cost": "Bob: why"})


def costing(ratio):
    """The verdict on a candidate that costs so many times as much."""
    name = plan_name(ARTICLES, KNOWN, None)
    return decide(ARTICLES, evidence(Window(pairs=2_000, cost=(0.001, 0.001 * ratio))), name)


def test_signatures_are_for_one_plan_and_one_series(tmp_path):
    series = Series("a/b", "c")
    with Store.open(tmp_path / "shadow.db", create=True) as store:
        keep(store, series, SIGNED, costing(1.2))

        assert kept(store, series, ARTICLES.hash).signatures == SIGNED
        for other, plan in ((series, STRICT), (Series("a", "b/c"), ARTICLES)):
            assert kept(store, other, plan.hash).signatures == Signatures()


def test_who_signed_for_a_cost_did_not_sign_for_a_higher_one(tmp_path):
    series = Series("e", "c")
    with Store.open(tmp_path / "shadow.db", create=True) as store:
        keep(store, series, SIGNED, costing(1.2))
        keep(store, series, Signatures({"errors": "Ann: why"}), costing(3))
        recorded = kept(store, series, ARTICLES.hash)

    assert set(recorded.signatures.waivers) == {"likeness", "errors"}
    held = {ratio: recorded.holds(costing(ratio).gates) for ratio in (1.1, 1.2, 1.3, 3)}
    assert held == {1.1: True, 1.2: True, 1.3: False, 3: False}


def test_a_sign_off_that_holds_no_more_is_left_out_of_the_verdict(store):
    """Its ratio is none that was signed for."""
    sign = ("--sign-off", "cost=Bob:why", "--record")

    def signoffs(*more):
        return json.loads(command(store, "verdict", "--json", *more).stdout)["signoffs"]

    assert signoffs(*sign) == {"cost": "Bob: why"} == signoffs()
    with closing(sqlite3.connect(store / "shadow.db")) as connection, connection:
        connection.execute(
            "UPDATE meta SET value = replace(value, 'null', '0.5') WHERE name LIKE 'signatures:%'"
        )
    assert signoffs() == {}


@pytest.mark.parametrize(
    ("calls", "failed", "state", "reason"),
    [
        (1, 0, State.UNPROVEN, "a load run of 1 call: its p95 takes 100"),
        (100, 0, State.PASS, "0.449x"),
        (100, 1, State.PASS, "0.449x"),
        (5_000, 200, State.FAIL, "failed 4 % (3."),
    ],
)
def test_a_load_run_has_to_be_of_many_calls_that_do_not_fail(calls, failed, state, reason):
    found = evidence(Window(pairs=20_000))
    found = replace(found, load=replace(found.load, calls=calls, failed=failed))
    latency = ARTICLES.gates.latency.model_copy(update={"load": True})
    gates = ARTICLES.gates.model_copy(update={"latency": latency})
    plan = ARTICLES.model_copy(update={"gates": gates})

    (gate,) = load_gate(case_of(plan, found), latency)
    assert (gate.state, reason in gate.reason) == (state, True), gate.reason
