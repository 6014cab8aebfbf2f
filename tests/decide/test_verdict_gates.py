"""What once passed a gate, and does not: each is a way to look better than one is."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from decide.windows import DAY, START, Window, evidence, with_columns

from shadow_mw.decide.plan import Checks, Cost, Gates, Latency, Rate, Segments
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.verdict import decide
from shadow_mw.evidence import PairedCount
from shadow_mw.verdicts import PlanName, State

REGISTERED = PlanName("articles", ARTICLES.hash, True, "registered, before any data")
SMALL = Window(pairs=12_000)


@pytest.fixture(scope="module")
def good():
    return evidence(SMALL)


def plan_of(cluster="session", **gates):
    return ARTICLES.model_copy(update={"gates": Gates(**gates), "cluster": cluster})


def gate(found, plan, name):
    gates = decide(plan, found, REGISTERED).gates
    return next(gate for gate in gates if gate.name == name)


def rare(found):
    """One call in 25 was mirrored at a hundredth of the rate."""
    return np.arange(len(found.pairs)) % 25 == 7


def weighted(found, **columns):
    return with_columns(found, weight=np.where(rare(found), 100.0, 1.0), **columns)


def test_rarely_mirrored_calls_cost_what_production_pays(good):
    dear = np.where(rare(good), 3, 0.3) * good.pairs.primary_cost_usd
    plan = plan_of(cost=Cost(ratio=1.0))
    assert gate(with_columns(good, candidate_cost_usd=dear), plan, "cost").state is State.PASS
    found = gate(weighted(good, candidate_cost_usd=dear), plan, "cost")
    assert found.state is State.FAIL
    assert found.delta == pytest.approx((3 * 100 + 0.3 * 24) / 124, rel=0.02)


def test_rarely_mirrored_calls_are_as_slow_as_in_production(good):
    slow = np.where(rare(good), 3.0, 0.3) * good.pairs.primary_latency_ms
    plan = plan_of(latency=Latency())
    assert gate(with_columns(good, candidate_latency_ms=slow), plan, "latency").state is State.PASS
    found = gate(weighted(good, candidate_latency_ms=slow), plan, "latency")
    assert found.state is State.FAIL
    fine = gate(weighted(good), plan, "latency")
    assert (fine.state, "thinned" in fine.method) == (State.PASS, True)
    assert fine.n == pytest.approx(480 + 115, abs=2)


def test_a_few_timed_calls_do_not_speak_for_all(good):
    n = len(good.pairs)
    plan = plan_of(latency=Latency())
    few = np.where(np.arange(n) < 300, good.pairs.candidate_latency_ms, np.nan)
    found = gate(with_columns(good, candidate_latency_ms=few), plan, "latency")
    assert found.state is State.UNPROVEN
    assert "300 of 12,000 pairs have a latency" in found.reason
    most = np.where(np.arange(n) % 25 > 0, good.pairs.candidate_latency_ms, np.nan)
    found = gate(with_columns(good, candidate_latency_ms=most), plan, "latency")
    assert found.state is State.PASS


def lost(found, **reasons):
    return replace(found, lost={**found.lost, **reasons})


def test_calls_that_an_open_breaker_spared_the_candidate_are_failures(good):
    plan = plan_of(errors=Rate(margin=0.001, cap=0.02))
    for reasons, state in (
        ({}, State.PASS),
        ({"circuit_open": 2}, State.PASS),
        ({"circuit_open": 300}, State.UNPROVEN),
    ):
        found = lost(good, **reasons)
        assert gate(found, plan, "errors").state is state
    assert "300 calls not made since the candidate was down" in gate(found, plan, "errors").reason
    assert gate(found, plan, "errors.cap").state is State.UNPROVEN
    bad = lost(evidence(replace(SMALL, errors=(0.002, 0.02))), circuit_open=300)
    assert gate(bad, plan, "errors").state is State.FAIL


@pytest.mark.parametrize("cluster", ["session", "pair"])
def test_calls_for_which_the_candidate_was_too_late_are_endless(cluster):
    together = evidence(replace(SMALL, batch=3))
    plan = plan_of(cluster, latency=Latency())
    for n, state in ((100, State.PASS), (590, State.UNPROVEN), (5_000, State.UNPROVEN)):
        found = gate(lost(together, queue_expired=n), plan, "latency")
        assert (found.state, "fell behind" in found.reason) == (state, True)


def test_faults_of_one_session_are_no_independent_proof():
    n, plan = SMALL.pairs, plan_of(checks=Checks(margin=0.005))
    faults = (PairedCount("refused", n, 0, 150, 160), PairedCount("truncated", n, 0, 10, 300))
    alone, together = (evidence(replace(SMALL, batch=batch), checks=faults) for batch in (1, 20))
    assert gate(alone, plan, "checks.refused").state is State.PASS
    assert gate(together, plan, "checks.refused").state is State.UNPROVEN
    assert "design effect 20.00" in gate(together, plan, "checks.refused").method
    assert gate(alone, plan, "checks.truncated").state is State.FAIL
    narrow, wide = (gate(each, plan, "checks.truncated").interval for each in (alone, together))
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])


def test_a_segment_may_be_called_what_none_is_called(good):
    """The named one has no truth for null fields, and so other measures than the rest."""
    named = np.arange(len(good.pairs)) % 2
    part = with_columns(
        replace(good, segments=("", "(none)")),
        segment=named.astype(np.int32),
        nulls=np.where(named, 0, good.pairs.nulls).astype(np.int32),
        candidate_hallucinated=np.where(named, 0, 1).astype(np.int32),
    )
    rows = decide(plan_of(segments=Segments()), part, REGISTERED).segments
    assert [(row.name, row.state) for row in rows] == [("(none)", "regressed"), ("(none)", "ok")]
    assert [row.pairs for row in rows] == [6_000, 6_000]


def test_thousands_of_small_segments_are_decided_in_seconds(good):
    n = len(good.pairs)
    many = with_columns(
        replace(good, segments=tuple(f"{i:05}" for i in range(n // 2))),
        segment=(np.arange(n) % (n // 2)).astype(np.int32),
    )
    began = time.process_time()
    found = decide(plan_of(segments=Segments()), many, REGISTERED)
    assert time.process_time() - began < 10
    assert len(found.segments) == 101
    assert found.segments[0].interval is None
    assert found.segments[-1].name == "(5,900 more segments)"
    assert sum(row.pairs for row in found.segments) == n


@pytest.mark.parametrize(
    ("checked", "left", "state"),
    [
        (12_000, 0, "pass"),
        (12_000, 200, "pass"),
        (12_000, 300, "unproven"),
        (0, 12_000, "unproven"),
    ],
)
def test_a_check_that_could_not_be_run_is_no_pass(good, checked, left, state):
    counts = (PairedCount("schema_invalid", checked, 0, 5, 5),) if checked else ()
    unchecked = {"schema_invalid": left} if left else {}
    plan = plan_of("pair", checks=Checks(margin=0.005))
    found = gate(replace(good, checks=counts, unchecked=unchecked), plan, "checks.schema_invalid")
    assert found.state == state
    assert (state == "pass") or "check schema_invalid could not be run on" in found.reason


@pytest.mark.parametrize(("rows", "calls", "worth"), [(1, 1e6, 1), (10, 1e4, 13), (480, 2, 11_589)])
def test_a_few_calls_that_stand_for_most_are_a_few_pairs(good, rows, calls, worth):
    n = len(good.pairs)
    heavy = np.isin(np.arange(n), np.linspace(0, n - 1, rows).astype(int))
    plan = plan_of(accuracy=Rate(margin=0.005))
    found = gate(with_columns(good, weight=np.where(heavy, calls, 1.0)), plan, "coverage.pairs")
    assert found.candidate == pytest.approx(worth, abs=1)
    assert (found.state is State.PASS) == (worth >= plan.sample.pairs)
    assert f"{found.candidate:,} of 10,000 pairs: 12,000 stand for" in found.reason
    assert gate(good, plan, "coverage.pairs").reason == "12,000 of 10,000 pairs"


def test_labels_are_not_of_the_easy_calls_alone(good):
    n = len(good.pairs)
    plan, number = plan_of(accuracy=Rate(margin=0.005)), np.arange(n)
    differ = number % 50 == 7

    def gate_of(chosen, exact):
        columns = ("leaves", "primary_correct", "candidate_correct")
        cut = {name: getattr(good.pairs, name) * chosen for name in columns}
        found = with_columns(good, scored=chosen, exact=exact.astype(np.int8), **cut)
        return gate(found, plan, "coverage.labels")

    found = gate_of(~differ, ~differ)
    assert found.state is State.UNPROVEN
    assert "11,760 of 12,000 pairs have a truth" in found.reason
    assert "differ in 0 % of these and in 100 % of the others" in found.reason
    # A random half, the hard ones first, and where nothing is compared.
    for chosen, exact in (
        (number % 2 == 0, number % 101 > 3),
        (differ | (number % 3 == 0), ~differ),
        (~differ, np.full(n, -1)),
    ):
        assert gate_of(chosen, exact).state is State.PASS


def test_labels_are_from_all_of_the_window(good):
    plan, day = plan_of(accuracy=Rate(margin=0.005)), (good.pairs.time_s - START) // DAY
    n = len(day)

    def with_truth(chosen):
        columns = ("leaves", "primary_correct", "candidate_correct")
        cut = {name: getattr(good.pairs, name) * chosen for name in columns}
        return decide(plan, with_columns(good, scored=chosen, **cut), REGISTERED)

    some = np.arange(n) % 10 == 0
    for chosen, state, reason in (
        (some, State.PASS, "100 % of calls lie on days with labels"),
        (day < 3, State.UNPROVEN, "none on any Thursday, Friday, Saturday, Sunday"),
        (some & (day != 9), State.UNPROVEN, "too few on Wednesday 2026-11-11"),
        ((day < 3) | (np.arange(n) % 800 == 0), State.UNPROVEN, "none on any Thursday"),
    ):
        verdict = with_truth(chosen)
        found = next(gate for gate in verdict.gates if gate.name == "coverage.labels")
        assert (found.state, reason in found.reason) == (state, True)
        short = [line for line in verdict.coverage.missing if line.startswith("too few labels: ")]
        assert bool(short) is (state is State.UNPROVEN)
    names = {gate.name for gate in decide(plan_of(cost=Cost()), good, REGISTERED).gates}
    assert "coverage.labels" not in names
