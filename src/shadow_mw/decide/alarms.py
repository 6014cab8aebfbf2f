"""What somebody should be told of before the verdict: alarms that hold however often they are read.

The statistical ones are confidence sequences: they hold at all times at once, so that looking at
every minute costs nothing. A false one, in any measure and segment over the whole experiment,
has a probability of at most `ALPHA`: it is shared out (Bonferroni, one-sided) between the measures,
in each of them one half to all traffic, and of the other half 1 / (k (k + 1)) to the k-th segment
in the order in which segments appear. These shares add up to one over any number of segments, so
that a new segment takes nothing from what was tested before, which Holm's procedure over segments
that are still to come would not grant; and Holm raises the first alarm at no other level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shadow_mw.alarms import CLEAR, RAISED, Alarm, Kind
from shadow_mw.decide.plan import Plan
from shadow_mw.evidence import Evidence, PairedCount
from shadow_mw.standings import Standings
from shadow_mw.verdicts import Decision, Verdict

if TYPE_CHECKING:
    from shadow_mw.decide.differences import Sums
    from shadow_mw.decide.stats import Interval
    from shadow_mw.evidence import Bools, Floats, Pairs

ALPHA: Final = 0.01
MOST_SEGMENTS: Final = 50
"""Those that appear later have no alarm of their own: their share would be next to nothing."""
NAMED: Final = 3
"""Fields in a text."""


@dataclass(frozen=True, slots=True)
class _Measure:
    kind: Kind
    margin: float
    segment_margin: float
    primary: Floats
    candidate: Floats
    of: Floats
    text: str
    units: str


def statistical(plan: Plan, evidence: Evidence) -> list[Alarm]:
    """Whether the candidate is proven worse than the plan allows, in all traffic or a segment.

    Args:
        plan: its margins; a gate that is left out has no alarm.
        evidence: all pairs so far. They count alike, whatever share of the traffic was sampled.
    """
    measures = list(_measures(plan, evidence))
    found: list[Alarm] = []
    for measure in measures:
        share = ALPHA / len(measures) / 2
        found.append(_overall(plan, evidence, measure, share))
        if plan.gates.segments is not None:
            found += _segments(plan, evidence, measure, share)
    return found


def _measures(plan: Plan, evidence: Evidence) -> Iterator[_Measure]:
    pairs, gates, segments = evidence.pairs, plan.gates, plan.gates.segments
    if gates.hallucination is not None:
        yield _Measure(
            Kind.HALLUCINATION,
            gates.hallucination.margin,
            segments.hallucination_margin if segments else 0.0,
            pairs.primary_hallucinated.astype(float),
            pairs.candidate_hallucinated.astype(float),
            pairs.nulls.astype(float),
            "invents values for null fields",
            "null fields",
        )
    if gates.errors is not None:
        yield _Measure(
            Kind.ERRORS,
            gates.errors.margin,
            segments.errors_margin if segments else 0.0,
            pairs.primary_failed.astype(float),
            pairs.candidate_failed.astype(float),
            (pairs.nulls >= 0).astype(float),
            "fails",
            "calls",
        )


def _overall(plan: Plan, evidence: Evidence, measure: _Measure, share: float) -> Alarm:
    fields = _worst(evidence.fields) if measure.kind == Kind.HALLUCINATION else ""
    return _alarm(plan, evidence.pairs, measure, None, "", share, fields)


def _segments(plan: Plan, evidence: Evidence, measure: _Measure, share: float) -> Iterator[Alarm]:
    import numpy as np

    codes, first = np.unique(evidence.pairs.segment, return_index=True)
    order = [int(codes[k]) for k in np.argsort(first)]
    if len(order) < 2:
        return  # it is all traffic
    for number, code in enumerate(order[:MOST_SEGMENTS], 1):
        chosen = evidence.pairs.segment == code
        name = evidence.segments[code]
        yield _alarm(
            plan, evidence.pairs, measure, chosen, name, share / (number * (number + 1)), ""
        )


def _alarm(
    plan: Plan,
    pairs: Pairs,
    measure: _Measure,
    chosen: Bools | None,
    segment: str,
    share: float,
    fields: str,
) -> Alarm:
    """Raised where the interval's lower end is above the margin; `share` is one-sided."""
    from shadow_mw.decide import stats

    margin = measure.margin if chosen is None else measure.segment_margin
    found = _sums(plan, pairs, measure, chosen)
    if found is None:
        return Alarm(measure.kind, segment, CLEAR, f"no {measure.units} yet")
    count = len(found.of)
    interval = stats.ratio_sequence(found.differences, found.of, 2 * share, [count])[-1]
    state = RAISED if interval.low > margin else CLEAR
    text = _said(measure, found, interval, margin) + fields
    return Alarm(measure.kind, segment, state, text, interval.low, interval.high)


def _sums(plan: Plan, pairs: Pairs, measure: _Measure, chosen: Bools | None) -> Sums | None:
    from shadow_mw.decide.differences import sums
    from shadow_mw.decide.units import clustered, units

    if chosen is None:
        return sums(
            units(pairs, plan.cluster), None, measure.primary, measure.candidate, measure.of
        )
    given = {"session": pairs.session, "key": pairs.key}.get(plan.cluster)
    those = units(pairs, "pair") if given is None else clustered(given[chosen])
    columns = (measure.primary, measure.candidate, measure.of)
    return sums(those, None, *(column[chosen] for column in columns))


def _said(measure: _Measure, found: Sums, interval: Interval, margin: float) -> str:
    worse = "more" if interval.estimate >= 0 else "less"
    return (
        f"{measure.text} {100 * abs(interval.estimate):.2f} points {worse} often than the primary"
        f" ({100 * interval.low:.2f} to {100 * interval.high:.2f}; allowed {100 * margin:g});"
        f" {found.candidate.sum():,.0f} against {found.primary.sum():,.0f} of {found.n:,}"
        f" {measure.units}"
    )


def _worst(fields: tuple[PairedCount, ...]) -> str:
    excess = {f.name: f.candidate_only - f.primary_only for f in fields}
    worst = sorted((name for name, n in excess.items() if n > 0), key=lambda name: -excess[name])
    if not worst:
        return ""
    more = f" and {len(worst) - NAMED} more" if len(worst) > NAMED else ""
    return f"; most in {', '.join(worst[:NAMED])}{more}"


def judges(standings: Standings) -> Alarm | None:
    """Whether a judge no longer judges as it did when its anchors were frozen; None without any."""
    checked = [judge for judge in standings.judges if judge.drift]
    if not checked:
        return None
    moved = [judge for judge in checked if judge.drift and judge.drift.alarm]
    if not moved:
        return Alarm(Kind.JUDGE_DRIFT, "", CLEAR, "judges judge their anchors as they did")
    text = "; ".join(
        f"{judge.judge}: {', '.join(judge.drift.reasons if judge.drift else ())}" for judge in moved
    )
    return Alarm(Kind.JUDGE_DRIFT, "", RAISED, f"{text}; no verdict of theirs counts")


def budget(gauges: Mapping[str, float]) -> list[Alarm]:
    """How much is spent.

    Args:
        gauges: `spend_usd` and `budget_usd`, as runners report them; none without a budget.
    """
    spent, limit = gauges.get("spend_usd", 0.0), gauges.get("budget_usd", 0.0)
    if limit <= 0:
        return []
    text = f"${spent:,.2f} of ${limit:,.2f} is spent"
    return [
        Alarm(kind, "", RAISED if spent >= share * limit else CLEAR, text + more)
        for kind, share, more in (
            (Kind.BUDGET_80, 0.8, ""),
            (Kind.BUDGET_100, 1.0, "; nothing is mirrored to this candidate at the limit"),
        )
    ]


def window(end: float | None, now: float) -> list[Alarm]:
    """Whether the window is over.

    Args:
        end: unix time, s; nothing is said where nobody has reported one.
        now: the same.
    """
    if end is None:
        return []
    state = RAISED if end <= now else CLEAR
    text = "the window is over: nothing is mirrored any more" if end <= now else "the window runs"
    return [Alarm(Kind.WINDOW_ENDED, "", state, text)]


def verdict(found: Verdict) -> Alarm:
    """The verdict, compared without its figures: these change with every pair."""
    rests_on = re.sub(r"[-+]?\d[\d.,]*", "#", found.reason)
    failed = sorted(gate.name for gate in found.gates if gate.state == "fail")
    if found.decision == Decision.NO_GO and failed:
        rests_on = ", ".join(failed)
    state = f"{found.decision.value}: {rests_on}"
    return Alarm(Kind.VERDICT, "", state, f"{found.decision.value}: {found.reason}")
