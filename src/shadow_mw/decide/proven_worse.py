"""Whether the candidate is proven worse than the plan allows: alarms that may be read at any time.

They are confidence sequences, which hold at all times at once: looking every minute costs nothing.
The probability of a false alarm, in any measure or segment over the whole experiment, is at most
`ALPHA`. It is shared out between the measures; in each of them one half goes to all traffic, and of
the other half 1 / (k (k + 1)) to the k-th segment in the order in which segments appear. These
shares add up to one over any number of segments: one that appears later takes nothing from what was
tested before. Holm's procedure needs to know how many there will be, and gains on equal shares only
after its first rejection, when somebody has been told already.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shadow_mw.alarms import CLEAR, RAISED, Alarm, Kind
from shadow_mw.decide.plan import Plan
from shadow_mw.evidence import Evidence, PairedCount

if TYPE_CHECKING:
    from shadow_mw.decide.differences import Sums
    from shadow_mw.decide.stats import Interval
    from shadow_mw.evidence import Bools, Floats, Pairs

ALPHA: Final = 0.01
MOST_SEGMENTS: Final = 50
"""Those that appear later have no alarm of their own: their share would be next to nothing."""
UNNAMED: Final = "(none)"
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


@dataclass(frozen=True, slots=True)
class _Part:
    segment: str
    chosen: Bools | None
    """Pairs; None is all of them."""
    margin: float
    share: float
    """Of `ALPHA`, one-sided."""


def proven_worse(plan: Plan, evidence: Evidence) -> list[Alarm]:
    """Every such alarm, of all traffic and of each segment, also those that are clear.

    Args:
        plan: its margins; a gate that is left out has no alarm.
        evidence: all pairs so far. They count alike, whatever share of the traffic was sampled.
    """
    measures = list(_measures(plan, evidence))
    return [
        _alarm(plan, evidence, measure, part)
        for measure in measures
        for part in _parts(plan, evidence, measure, ALPHA / len(measures))
    ]


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


def _parts(plan: Plan, evidence: Evidence, measure: _Measure, share: float) -> Iterator[_Part]:
    """All traffic, then each segment in the order in which they appear."""
    import numpy as np

    yield _Part("", None, measure.margin, share / 2)
    codes, first = np.unique(evidence.pairs.segment, return_index=True)
    if plan.gates.segments is None or len(codes) < 2:
        return
    for number, code in enumerate(codes[np.argsort(first)][:MOST_SEGMENTS], 1):
        name = evidence.segments[int(code)] or UNNAMED
        chosen = evidence.pairs.segment == code
        yield _Part(name, chosen, measure.segment_margin, share / 2 / (number * (number + 1)))


def _alarm(plan: Plan, evidence: Evidence, measure: _Measure, part: _Part) -> Alarm:
    """Raised where the interval's lower end is above the margin."""
    from shadow_mw.decide import stats

    found = _sums(plan, evidence.pairs, measure, part.chosen)
    if found is None:
        return Alarm(measure.kind, part.segment, CLEAR, f"no {measure.units} yet")
    # The sequence is two-sided, the alarm is not.
    level, count = 2 * part.share, len(found.of)
    interval = stats.ratio_sequence(found.differences, found.of, level, [count])[-1]
    state = RAISED if interval.low > part.margin else CLEAR
    text = _said(measure, found, interval, part.margin)
    if measure.kind == Kind.HALLUCINATION and not part.segment:
        text += _worst(evidence.fields)
    return Alarm(measure.kind, part.segment, state, text, interval.low, interval.high)


def _sums(plan: Plan, pairs: Pairs, measure: _Measure, chosen: Bools | None) -> Sums | None:
    from shadow_mw.decide.differences import sums
    from shadow_mw.decide.units import Units, clustered, units

    columns = (measure.primary, measure.candidate, measure.of)
    if chosen is None:
        return sums(units(pairs, plan.cluster), None, *columns)
    if plan.cluster == "pair":
        those = Units(None, int(chosen.sum()))
    else:
        those = clustered((pairs.session if plan.cluster == "session" else pairs.key)[chosen])
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
