"""What follows from plan and evidence: precedence, every gate's states, and what is missing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from decide.windows import WEEKDAYS, Window, evidence, fields_of, judge, select, with_columns

from shadow_mw.decide.plan import Cost, Gates, Latency, Rate, WinRate
from shadow_mw.decide.presets import ARTICLES, STRICT
from shadow_mw.decide.registered import Registered, plan_name
from shadow_mw.decide.verdict import decide
from shadow_mw.evidence import Likeness, PairedCount
from shadow_mw.standings import Rate as JudgedRate
from shadow_mw.standings import Standings
from shadow_mw.verdicts import Decision, PlanName, State

REGISTERED = PlanName("articles", ARTICLES.hash, True, "registered, before any data")
UNREGISTERED = replace(REGISTERED, registered=False, note="unregistered")


@pytest.fixture(scope="module")
def good():
    return evidence()


def verdict(found, plan=ARTICLES, name=REGISTERED, **signed):
    return decide(plan, found, name, **signed)


def gate(result, name):
    return next(gate for gate in result.gates if gate.name == name)


def unproven(result):
    return {gate.name for gate in result.gates if gate.state is State.UNPROVEN}


def with_gates(**gates):
    return ARTICLES.model_copy(update={"gates": Gates(**gates)})


def test_a_candidate_that_is_better_in_everything_goes(good):
    found = verdict(good)
    assert (found.decision, unproven(found)) == (Decision.GO, set())
    assert found.look == "final"
    assert found.reason == f"all {len(found.gates)} gates pass"


def test_invented_values_are_the_one_reason_against_it():
    found = verdict(evidence(Window(hallucination=(0.003, 0.011), batch=3)))
    assert found.decision is Decision.NO_GO
    assert found.reason.startswith("hallucination on null fields: +0.8")
    failed = {gate.name for gate in found.gates if gate.state is State.FAIL}
    assert failed <= {"hallucination", "hallucination.fields", "segments"}
    assert {"hallucination", "hallucination.fields"} <= failed
    by_field = gate(found, "hallucination.fields")
    assert by_field.reason.startswith("tax_id +1.")
    assert by_field.delta == pytest.approx(2 * gate(found, "hallucination").delta, abs=1e-4)
    assert {row.measure for row in found.segments if row.state == "regressed"} <= {"hallucination"}


@pytest.mark.parametrize(
    ("window", "name", "reason"),
    [
        (Window(errors=(0.002, 0.012)), "errors", "proven beyond the limit, at most 0.1 points"),
        (Window(invalid=(0.002, 0.02)), "invalid_output", "proven beyond the limit"),
        (Window(accuracy=(0.97, 0.93)), "accuracy", "proven beyond the limit, at most 0.5 points"),
        (Window(p95=(400.0, 900.0)), "latency", "proven beyond the limit, at most 1.2x"),
        (Window(cost=(0.0001, 0.0004)), "cost", "at most 1x, or a sign-off"),
    ],
)
def test_what_is_worse_fails_with_its_own_reason(window, name, reason):
    found = verdict(evidence(window))
    assert (found.decision, gate(found, name).state) == (Decision.NO_GO, State.FAIL)
    assert reason in gate(found, name).reason


def test_the_most_harmful_failure_is_the_reason():
    window = Window(hallucination=(0.003, 0.02), errors=(0.002, 0.02), cost=(0.0001, 0.0004))
    found = verdict(evidence(window))
    assert found.reason.startswith("hallucination on null fields: ")


def test_a_check_and_a_likeness_can_fail(good):
    n = len(good.pairs)
    worse = replace(
        good,
        checks=(PairedCount("refused", n, 0, 10, 900),),
        likeness=(Likeness("lexical", 20_000, 0.80, 0.02, 8_000, 0.92, 0.02),),
        standings=Standings((judge(corrected=JudgedRate(0.4, 0.38, 0.42, 5_000)),)),
    )
    found = verdict(worse)
    assert [gate(found, name).state for name in ("checks.refused", "likeness", "win_rate")] == [
        State.FAIL
    ] * 3


def test_likeness_of_the_few_texts_among_documents_is_none_of_the_documents():
    few = Likeness("lexical", 1_900, 0.95, 0.02, 400, 0.92, 0.02)
    found = verdict(evidence(Window(), likeness=(few,)))
    assert gate(found, "likeness").state is State.UNPROVEN
    assert "1,900 of 40,000 pairs are texts" in gate(found, "likeness").reason


def test_too_little_data_is_not_proven_either_way():
    found = verdict(
        evidence(Window(pairs=3_000, errors=(0.004, 0.005), hallucination=(0.003, 0.004)))
    )
    assert found.decision is Decision.INSUFFICIENT
    assert found.reason == "pairs: 3,000 of 10,000 pairs"
    assert {"coverage.pairs", "errors", "hallucination"} <= unproven(found)


MISSING = {
    "coverage.pairs": (Window(pairs=3_000), {}, "3,000 of 10,000 pairs"),
    "coverage.days": (Window(missing=(3, 4)), {}, "12 of 14 days: Thursday 1x, Friday 1x"),
    "coverage.completion": (Window(), {"lost": {"queue_full": 5_000}}, "(queue_full 5,000)"),
    "hallucination": (Window(labelled=False), {}, "no ground truth: shadow-mw label"),
    "accuracy": (Window(labelled=False), {}, "no ground truth: shadow-mw label"),
    "hallucination.fields": (Window(), {"fields": ()}, "no ground truth"),
    "checks": (Window(), {"checks": ()}, "no check found anything to check"),
    "cost": (Window(), {"unpriced": 3_000}, "unpriced: 3,000 of 43,000 calls"),
    "likeness": (
        Window(),
        {"likeness": (Likeness("lexical", 20_000, 0.9, 0.1, 0, 0.0, 0.0),)},
        "no A/A pairs: set SHADOW_REPEAT_RATE",
    ),
    "win_rate": (
        Window(),
        {
            "standings": Standings(
                (judge(qualified=False, agreement_lb=0.81, reasons=("0.90 is needed",)),)
            )
        },
        "judge gpt-4o agrees with people in 0.81 (lower bound): 0.90 is needed",
    ),
}


@pytest.mark.parametrize("name", MISSING)
def test_what_is_missing_is_insufficient_with_its_own_reason(name):
    window, changes, reason = MISSING[name]
    found = verdict(evidence(window, **changes))
    assert found.decision is Decision.INSUFFICIENT
    assert gate(found, name).state is State.UNPROVEN
    assert reason in gate(found, name).reason


def test_nothing_at_all_is_insufficient():
    found = verdict(evidence(Window(pairs=0), standings=Standings(), likeness=(), checks=()))
    assert found.decision is Decision.INSUFFICIENT
    assert all(gate.state is State.UNPROVEN for gate in found.gates)
    assert found.coverage.missing == ("no pair yet",)


def test_calls_without_a_price_and_backfilled_latency_are_unknown(good):
    nothing = np.full(len(good.pairs), np.nan)
    found = verdict(with_columns(good, candidate_cost_usd=nothing, candidate_latency_ms=nothing))
    assert {"cost", "latency"} <= unproven(found)
    assert found.coverage.production_share is None


def test_judges_that_cannot_decide_say_why(good):
    drifted = judge(qualified=None, corrected=None)
    several = judge(), judge(judge="other")
    for standing, reason in (
        (Standings(), "no verdicts of a judge: shadow-mw judge"),
        (Standings((drifted,)), "judge gpt-4o has no labels by people"),
        (Standings(several), "several qualified judges (gpt-4o, other)"),
    ):
        assert reason in gate(verdict(replace(good, standings=standing)), "win_rate").reason
    chosen = ARTICLES.model_copy(
        update={"gates": ARTICLES.gates.model_copy(update={"win_rate": WinRate(judge="other")})}
    )
    found = verdict(replace(good, standings=Standings(several)), chosen)
    assert gate(found, "win_rate").state is State.PASS


def test_an_observed_win_rate_is_taken_at_its_word_and_says_so(good):
    wide = replace(
        good, standings=Standings((judge(corrected=JudgedRate(0.57, 0.5, 0.64, 5_000)),))
    )
    assert gate(verdict(wide), "win_rate").state is State.UNPROVEN
    observed = with_gates(win_rate=WinRate(mode="observed"))
    found = gate(verdict(wide, observed), "win_rate")
    assert found.state is State.PASS
    assert found.interval == pytest.approx((0.5, 0.64), abs=0.002)
    assert "which proves nothing" in found.reason


def test_without_a_registered_plan_go_becomes_insufficient(good):
    found = verdict(good, name=UNREGISTERED)
    assert found.decision is Decision.INSUFFICIENT
    assert found.reason == "would be GO; register a plan (unregistered)"
    bad = evidence(Window(errors=(0.002, 0.02)))
    assert verdict(bad, name=UNREGISTERED).decision is Decision.NO_GO


def test_a_plan_counts_when_it_is_older_than_the_data():
    known = Registered(ARTICLES.hash, 5_000_000_000, 0)
    assert plan_name(ARTICLES, known, 5_000_000_001).registered
    assert (
        plan_name(ARTICLES, known, None).note == "registered 1970-01-01T00:00:05Z, before any data"
    )
    assert not plan_name(ARTICLES, None, None).registered
    assert not plan_name(STRICT, known, None).registered
    for late in (known, replace(known, legs=2)):
        name = plan_name(ARTICLES, late, 5_000_000_000)
        assert (name.registered, "after data had come" in name.note) == (False, True)


def test_a_waiver_lifts_what_is_unproven_and_is_named():
    found = evidence(likeness=())
    waived = verdict(found, waivers={"likeness": "Ann: no A/A pairs can be made"})
    assert waived.decision is Decision.GO
    assert gate(waived, "likeness").state is State.UNPROVEN
    assert gate(waived, "likeness").waived_by == "Ann: no A/A pairs can be made"
    assert waived.signoffs == {"likeness": "Ann: no A/A pairs can be made"}
    assert "1 signed for by people" in waived.reason


def test_a_waiver_never_lifts_a_failure_and_a_sign_off_lifts_cost_alone():
    dear = evidence(Window(cost=(0.0001, 0.0004)))
    assert verdict(dear, waivers={"cost": "Ann: why"}).decision is Decision.NO_GO
    assert verdict(dear, signoffs={"cost": "Bob: worth it"}).decision is Decision.GO
    failing = evidence(Window(errors=(0.002, 0.02)))
    for signed in ({"waivers": {"errors": "A: b"}}, {"signoffs": {"errors": "A: b"}}):
        assert verdict(failing, **signed).decision is Decision.NO_GO


def test_nobody_can_waive_the_rest_of_the_window():
    found = verdict(
        evidence(Window(days=9)),
        waivers=dict.fromkeys(
            ("coverage.days", "coverage.hours", "likeness", "cost", "win_rate"), "Ann: hurry"
        ),
    )
    assert found.decision is Decision.INSUFFICIENT
    assert "no waiver shortens it" in found.reason
    missing = evidence(Window(missing=(3,)))
    waivers = dict.fromkeys(("coverage.days", "coverage.hours"), "Ann: a holiday")
    assert verdict(missing, waivers=waivers).decision is Decision.GO


def test_a_monday_that_is_worse_is_found_though_the_whole_is_better():
    window = Window(accuracy=(0.94, 0.98), worse_on={"monday": 0.91})
    found = verdict(evidence(window))
    assert gate(found, "accuracy").state is State.PASS
    assert found.decision is Decision.NO_GO
    assert found.reason.startswith("segments: proven worse in 1 segment of 7: monday (accuracy -3.")
    assert (found.segments[0].name, found.segments[0].state) == ("monday", "regressed")
    # The app names no segments: weekdays are looked at all the same.
    unnamed = verdict(evidence(replace(window, segments=False)))
    assert (unnamed.segments[0].name, unnamed.segments[0].state) == ("Monday", "regressed")


def test_segments_that_are_too_small_may_have_a_twentieth_of_the_traffic(good):
    n = len(good.pairs)
    codes = np.zeros(n, np.int32)
    codes[: n // 10] = 1 + np.arange(n // 10) // 100
    many = replace(good, segments=("main", *map(str, range(n))))
    found = verdict(with_columns(many, segment=codes))
    assert gate(found, "segments").state is State.UNPROVEN
    assert "10 % of the traffic" in gate(found, "segments").reason
    assert sum(row.share for row in found.segments) == pytest.approx(1)
    codes[n // 25 : n // 10] = 0
    assert gate(verdict(with_columns(many, segment=codes)), "segments").state is State.PASS


def test_caps_are_gates_of_their_own(good):
    plan = with_gates(errors=Rate(margin=0.01, cap=0.003), accuracy=Rate(margin=0.01, cap=0.02))
    found = verdict(good, plan)
    assert gate(found, "errors.cap").state is State.PASS
    assert gate(found, "errors.cap").delta is None
    capped = gate(found, "accuracy.cap")
    assert (capped.state, round(capped.candidate, 2)) == (State.FAIL, 0.03)


def test_a_load_run_can_be_required(good):
    plan = with_gates(latency=Latency(load=True))
    assert gate(verdict(good, plan), "latency.load").state is State.PASS
    slow = replace(good.load, p95_ms=math.inf)
    for load, state, reason in (
        (None, State.UNPROVEN, "shadow-mw load"),
        (replace(good.load, factor=0.5), State.UNPROVEN, "the whole rate was not tried"),
        (slow, State.FAIL, "∞x at 1x"),
        (replace(slow, factor=2.0), State.UNPROVEN, "try 1.0x"),
    ):
        found = gate(verdict(replace(good, load=load), plan), "latency.load")
        assert (found.state, reason in found.reason) == (state, True)


def test_sessions_widen_every_interval():
    """Three pairs that share their luck are one: the naive interval would be too narrow."""
    alone = evidence(Window(batch=1, pairs=60_000))
    together = evidence(Window(batch=3, pairs=60_000))
    names = ("hallucination", "accuracy")
    for name in names:
        narrow, wide = (gate(verdict(found), name).interval for found in (alone, together))
        assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])
    found = gate(verdict(together), "hallucination")
    assert "design effect 3.0" in found.method
    pairwise = ARTICLES.model_copy(update={"cluster": "pair"})
    ignored = gate(verdict(together, pairwise), "hallucination").interval
    assert ignored[1] - ignored[0] < 0.7 * (found.interval[1] - found.interval[0])


def test_weights_give_what_production_saw(good):
    """A tenth of Mondays was mirrored, and all other days: Mondays count ten times."""
    window = Window(accuracy=(0.94, 0.98), worse_on={"monday": 0.91})
    found = evidence(window)
    monday = found.pairs.segment == WEEKDAYS.index("monday")
    keep = ~monday | (np.arange(len(monday)) % 10 == 0)
    thinned = replace(found, pairs=select(found.pairs, np.flatnonzero(keep)))
    weighted = with_columns(thinned, weight=np.where(monday[keep], 10.0, 1.0))
    whole, ours, wrong = (
        gate(verdict(each), "accuracy").delta for each in (found, weighted, thinned)
    )
    assert ours == pytest.approx(whole, abs=0.001)
    assert abs(wrong - whole) > 0.005
    assert verdict(weighted).coverage.production_share < 0.95


def test_a_gate_that_the_plan_leaves_out_is_not_looked_at(good):
    found = verdict(good, with_gates(cost=Cost()))
    assert [g.name for g in found.gates if not g.name.startswith("coverage.")] == ["cost"]
    assert found.segments == ()


def test_fields_that_are_worse_are_found_one_by_one():
    found = evidence(Window(hallucination=(0.003, 0.004)))
    n = found.fields[0].n
    hidden = replace(
        found, fields=(*fields_of(found.pairs), PairedCount("iban", n // 10, 0, 2, 90))
    )
    assert gate(verdict(hidden), "hallucination").state is State.PASS
    assert gate(verdict(hidden), "hallucination.fields").reason.startswith("iban +2.")
    off = ARTICLES.gates.hallucination.model_copy(update={"fields": False})
    plan = with_gates(hallucination=off)
    assert "hallucination.fields" not in {g.name for g in verdict(hidden, plan).gates}
