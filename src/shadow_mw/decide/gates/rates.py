"""Rates of both legs over the same units: hallucination, invalid output, accuracy, errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from shadow_mw.decide import stats, words
from shadow_mw.decide.case import Case
from shadow_mw.decide.differences import Sums, difference, sums
from shadow_mw.decide.gates.result import HIGHER, LOWER, lacking, measured
from shadow_mw.decide.plan import Rate
from shadow_mw.decide.stats import Interval
from shadow_mw.verdicts import GateResult

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.decide.units import Units
    from shadow_mw.evidence import Floats, Pairs

    Ints = npt.NDArray[np.signedinteger]
    Column = npt.NDArray[np.number]

NO_TRUTH = "no ground truth: shadow-mw label"
NO_NULLS = "no field whose truth is null among the labels"


@dataclass(frozen=True, slots=True)
class Measure:
    """One rate: where it is in the pairs' columns."""

    name: str
    title: str
    counts: str
    """`correct` of `primary_correct` and `candidate_correct`."""
    of: str | None
    """The column of what it is out of; None is pairs."""
    better: str = LOWER


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("hallucination", "hallucination on null fields", "hallucinated", "nulls"),
        Measure("invalid_output", "invalid output", "invalid", "leaves"),
        Measure("null_like", "placeholders on null fields", "null_like", "nulls"),
        Measure("accuracy", "field accuracy", "correct", "leaves", HIGHER),
        Measure("errors", "errors", "failed", None),
    )
}


def counted(
    measure: Measure,
    pairs: Pairs,
    units: Units,
    weight: Floats | None,
    chosen: Ints | None = None,
) -> Sums | None:
    """What a measure counts over pairs; None where there is nothing.

    Args:
        measure: which.
        pairs: all that are looked at.
        units: their clusters; those of `chosen`, where it is given, as `weight` is.
        weight: of the pairs; None where all are alike.
        chosen: some of the pairs, by index; None for all.
    """
    n = len(pairs) if chosen is None else len(chosen)
    columns = (f"primary_{measure.counts}", f"candidate_{measure.counts}")
    primary, candidate = (_some(getattr(pairs, name), chosen) for name in columns)
    # As small as it can be: one value for all.
    of = (
        np.broadcast_to(1.0, n) if measure.of is None else _some(getattr(pairs, measure.of), chosen)
    )
    return sums(units, weight, primary, candidate, of) if n else None


def columns_of(measure: Measure, pairs: Pairs) -> tuple[Column, Column]:
    """Of each pair the candidate's count minus the primary's, and what they are out of."""
    legs = (getattr(pairs, f"{leg}_{measure.counts}") for leg in ("candidate", "primary"))
    changed = np.subtract(*legs, dtype=np.int32)
    of = np.broadcast_to(1.0, len(pairs)) if measure.of is None else getattr(pairs, measure.of)
    return changed, of


def _some(column: Floats, chosen: Ints | None) -> Floats:
    return column if chosen is None else column[chosen]


def rate_gate(case: Case, name: str, plan: Rate) -> list[GateResult]:
    """Non-inferiority of one rate, and its cap where the plan has one."""
    measure = MEASURES[name]
    needed = f"at most {words.plain_points(plan.margin)} worse"
    margin = plan.margin if measure.better == LOWER else -plan.margin
    found = counted(measure, case.pairs, case.units, case.weight)
    if found is None:
        reason = _nothing(case, measure)
        results = [
            lacking(
                name, measure.title, reason, needed=needed, margin=margin, better=measure.better
            )
        ]
        return [*results, *_no_cap(measure, plan, reason)]
    delta = difference(found, case.look.alpha, planned=case.look.planned)
    result = measured(
        name,
        measure.title,
        primary=delta.primary,
        candidate=delta.candidate,
        interval=delta.interval,
        margin=margin,
        better=measure.better,
        unit="points",
        needed=needed,
        n=delta.n,
        method=delta.method,
    )
    return [result] if plan.cap is None else [result, _cap(case, measure, found, plan.cap)]


def _nothing(case: Case, measure: Measure) -> str:
    if not len(case.pairs):
        return "no pair yet"
    return NO_NULLS if measure.of == "nulls" and case.pairs.scored.any() else NO_TRUTH


def _no_cap(measure: Measure, plan: Rate, reason: str) -> list[GateResult]:
    if plan.cap is None:
        return []
    needed = f"at most {words.share(plan.cap)}"
    return [
        lacking(
            f"{measure.name}.cap",
            _cap_title(measure),
            reason,
            needed=needed,
            margin=plan.cap,
            unit="share",
        )
    ]


def _cap_title(measure: Measure) -> str:
    return (
        "wrong fields, candidate alone"
        if measure.better == HIGHER
        else f"{measure.title}, candidate alone"
    )


def _cap(case: Case, measure: Measure, found: Sums, cap: float) -> GateResult:
    """The candidate's own rate; of an accuracy, that of what is wrong."""
    if measure.better == HIGHER:
        found = replace(
            found, primary=found.of - found.primary, candidate=found.of - found.candidate
        )
    interval, method = _own_rate(replace(found, primary=np.zeros_like(found.primary)), case)
    return measured(
        f"{measure.name}.cap",
        _cap_title(measure),
        primary=found.rates[0],
        candidate=found.rates[1],
        interval=interval,
        margin=cap,
        better=LOWER,
        unit="share",
        needed=f"at most {words.share(cap)}",
        n=found.n,
        method=method,
        shown=words.in_shares,
        absolute=True,
    )


def _own_rate(found: Sums, case: Case) -> tuple[Interval, str]:
    """Of the candidate alone: the difference from a leg that has none."""
    if case.look.planned and found.plain:
        k = int(found.candidate.sum())
        return stats.clopper_pearson(k, found.n, case.look.alpha), "Clopper & Pearson 1934"
    delta = difference(found, case.look.alpha, planned=case.look.planned)
    return delta.interval, delta.method
