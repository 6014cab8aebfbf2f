"""Alarms by what they promise: seldom false however often they are read, and in time where true."""

from dataclasses import replace

import numpy as np
import pytest
from decide.windows import DAY, START, Window, evidence, judge, with_columns

from shadow_mw.alarms import Kind
from shadow_mw.decide import alarms
from shadow_mw.decide.case import before
from shadow_mw.decide.plan import Gates
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.proven_worse import proven_worse
from shadow_mw.evidence import PairedCount
from shadow_mw.standings import JudgeDrift, Standings
from shadow_mw.verdicts import Decision, GateResult, State, Verdict

AT_THE_MARGIN = {"hallucination": (0.003, 0.005), "errors": (0.004, 0.005)}
"""As bad as the plan allows: the hardest case that must raise nothing."""
SMALL = ARTICLES.model_copy(
    update={
        "gates": Gates(hallucination=ARTICLES.gates.hallucination, errors=ARTICLES.gates.errors)
    }
)


def until(found, day):
    return replace(found, pairs=before(found.pairs, START + day * DAY))


def raised(plan, found, days=range(1, 15)):
    """(first day, kind, segment) of all that is raised when somebody looks every day."""
    first = {}
    for day in days:
        for alarm in proven_worse(plan, until(found, day)):
            if alarm.raised:
                first.setdefault((alarm.kind, alarm.segment), day)
    return {(day, *what) for what, day in first.items()}


def test_peeking_every_day_for_two_weeks_raises_nothing_beyond_the_nominal_rate():
    """At 1 %, more than 2 false ones of 16 windows have a probability below 1 in 1,900."""
    false = [
        bool(raised(ARTICLES, evidence(Window(pairs=7_000, seed=seed, **AT_THE_MARGIN))))
        for seed in range(16)
    ]
    assert sum(false) <= 2


def test_sessions_with_one_luck_raise_nothing_either():
    false = [
        bool(raised(SMALL, evidence(Window(pairs=14_000, batch=20, seed=seed, **AT_THE_MARGIN))))
        for seed in range(20)
    ]
    assert sum(false) <= 2


def test_a_real_difference_is_raised_once_it_is_proven_and_not_before():
    """0.3 against 1.1 % from the fifth day on: all pairs so far have to be worse on average."""
    good = evidence(Window(pairs=112_000, hallucination=(0.003, 0.003)))
    bad = evidence(Window(pairs=112_000, hallucination=(0.003, 0.011)))
    later = good.pairs.time_s >= START + 4 * DAY
    columns = np.where(later, bad.pairs.candidate_hallucinated, good.pairs.candidate_hallucinated)
    found = with_columns(good, candidate_hallucinated=columns.astype(np.int32))
    excess = columns - found.pairs.primary_hallucinated
    average = {
        day: excess[found.pairs.time_s < START + day * DAY].sum()
        / found.pairs.nulls[found.pairs.time_s < START + day * DAY].sum()
        for day in range(1, 15)
    }
    crossed = next(day for day, value in average.items() if value > 0.002)
    ((day, *_),) = [one for one in raised(SMALL, found) if one[1] == Kind.HALLUCINATION]
    assert crossed == 6
    assert crossed < day <= crossed + 2


@pytest.mark.parametrize(
    ("worse", "kind", "latest"),
    [
        ({"hallucination": (0.003, 0.011)}, Kind.HALLUCINATION, 3),
        ({"errors": (0.004, 0.012)}, Kind.ERRORS, 3),
    ],
)
def test_what_is_plain_is_raised_within_days(worse, kind, latest):
    ((day, found, segment),) = raised(SMALL, evidence(Window(pairs=218_400, **worse)))
    assert (found, segment) == (kind, "")
    assert day <= latest


def test_a_segment_is_raised_where_the_whole_is_not():
    """Mondays alone invent values."""
    found = evidence(Window(pairs=60_000))
    monday = found.pairs.segment == 0
    rng = np.random.default_rng(1)
    drawn = rng.binomial(found.pairs.nulls, np.where(monday, 0.05, 0.0)).astype(np.int32)
    found = with_columns(found, candidate_hallucinated=drawn)
    assert {(kind, segment) for _, kind, segment in raised(ARTICLES, found)} >= {
        (Kind.HALLUCINATION, "monday")
    }
    assert all(segment == "monday" or not segment for *_, segment in raised(ARTICLES, found))


def test_the_interval_is_the_one_that_decides_and_the_text_has_counts_and_names_only():
    found = evidence(
        Window(hallucination=(0.003, 0.02)),
        fields=(
            PairedCount("po_number", 9, 0, 0, 1),
            PairedCount("vendor.tax_id", 9, 0, 1, 8),
            PairedCount("iban", 9, 0, 5, 5),
        ),
    )
    first = proven_worse(SMALL, found)[0]
    assert (first.kind, first.segment, first.raised) == (Kind.HALLUCINATION, "", True)
    assert 0.002 < first.low < 0.017 < first.high
    assert first.text.startswith("invents values for null fields 1.")
    assert first.text.endswith(" null fields; most in vendor.tax_id, po_number")
    assert "allowed 0.2" in first.text


def test_without_a_gate_labels_or_pairs_there_is_nothing_to_raise():
    gates = Gates(errors=ARTICLES.gates.errors)
    only = ARTICLES.model_copy(update={"gates": gates})
    assert [alarm.kind for alarm in proven_worse(only, evidence())] == [Kind.ERRORS]
    unlabelled = proven_worse(SMALL, evidence(Window(labelled=False)))
    assert next((a.raised, a.text) for a in unlabelled) == (False, "no null fields yet")
    nothing = proven_worse(ARTICLES, until(evidence(Window(pairs=100)), 0))
    assert [(a.kind, a.raised) for a in nothing] == [
        (Kind.HALLUCINATION, False),
        (Kind.ERRORS, False),
    ]


def test_segments_that_come_later_change_nothing_for_those_that_were_there():
    found = evidence(Window(pairs=20_000))
    by_name = [
        {(a.kind, a.segment): a for a in proven_worse(ARTICLES, one)}
        for one in (until(found, 3), until(found, 7))
    ]
    early, late = by_name
    assert set(early) < set(late)
    monday = (Kind.HALLUCINATION, "monday")
    assert (early[monday].low, early[monday].high) == (late[monday].low, late[monday].high)


def test_a_judge_that_moved_is_named():
    still = JudgeDrift(3, 0, 50, 50, 2, 1, 1, 0, 1.0, True, ())
    moved = replace(still, reasons=("12 of 50 anchors moved to the candidate",))
    assert alarms.judges(Standings((judge(),))) is None
    assert not alarms.judges(Standings((judge(drift=still),))).raised
    both = alarms.judges(Standings((judge(drift=still), judge(judge="b", drift=moved))))
    assert both.raised
    assert both.text == "b: 12 of 50 anchors moved to the candidate; no verdict of theirs counts"


def test_budget_and_window_are_what_is_so_now():
    def states(found):
        return [alarm.raised for alarm in found]

    assert alarms.budget({}) == alarms.budget({"spend_usd": 3.0}) == []
    assert states(alarms.budget({"spend_usd": 7.9, "budget_usd": 10.0})) == [False, False]
    assert states(alarms.budget({"spend_usd": 8.0, "budget_usd": 10.0})) == [True, False]
    assert states(alarms.budget({"spend_usd": 10.0, "budget_usd": 10.0})) == [True, True]
    assert alarms.window(None, 5.0) == []
    assert states(alarms.window(5.1, 5.0)) == [False]
    assert states(alarms.window(5.0, 5.0)) == [True]


def verdict(decision, reason, *failed):
    def gate(name):
        return GateResult(
            *(name, name, None, None, None, None, None, "lower", "points", "", State.FAIL, 1),
            *("", ""),
        )

    gates = tuple(gate(name) for name in failed)
    return Verdict(decision, reason, None, "", "", "e", "c", "final", gates, (), None, {})


def test_a_verdict_changes_by_what_it_says_not_by_its_figures():
    before = alarms.verdict(verdict(Decision.INSUFFICIENT, "Pairs: 3,120 of 10,000"))
    after = alarms.verdict(verdict(Decision.INSUFFICIENT, "Pairs: 3,121 of 10,000"))
    other = alarms.verdict(verdict(Decision.INSUFFICIENT, "Days: no Monday"))
    assert before.state == after.state != other.state
    assert before.text != after.text
    no_go = alarms.verdict(verdict(Decision.NO_GO, "Errors: 1 %", "errors", "accuracy"))
    assert (no_go.decision, no_go.state) == ("NO-GO", "NO-GO: accuracy, errors")
    assert not no_go.raised
