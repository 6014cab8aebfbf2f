"""Parts of the traffic one by one: no average hides what a Monday is like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from shadow_mw.decide.calendar import WEEKDAYS
from shadow_mw.decide.case import Case
from shadow_mw.decide.differences import Sums, difference
from shadow_mw.decide.gates.rates import MEASURES, counted
from shadow_mw.decide.gates.result import LOWER, finite
from shadow_mw.decide.plan import Segments
from shadow_mw.decide.segment_tests import SegmentTest, tested
from shadow_mw.decide.units import Units, clustered
from shadow_mw.verdicts import SegmentRow

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.signedinteger]

NAMES: Final = ("hallucination", "accuracy", "errors")
"""Measures in the order of harm."""
UNNAMED: Final = "(none)"
MOST_SMALL: Final = 100
"""Segments that are too small and yet have a row; the rest share one."""
OK, REGRESSED, INSUFFICIENT = "ok", "regressed", "insufficient"


@dataclass(frozen=True, slots=True)
class Part:
    """One segment."""

    code: int
    """Unlike its name its own: an app may well call a segment what none is called here."""
    name: str
    share: float
    pairs: int
    small: bool
    chosen: Ints
    """Its pairs."""


def segment_rows(case: Case, plan: Segments) -> tuple[SegmentRow, ...]:
    """Every segment; those that are proven worse first, then by traffic.

    A segment is `regressed` where a measure is proven worse than its margin, of all segments and
    measures (`segment_tests`). It is `insufficient` where it has too few pairs, or too few with a
    truth.
    """
    parts = list(_parts(case, plan))
    tests: list[tuple[Part, str]] = []
    of_tests = _tests(case, plan, (part for part in parts if not part.small), tests)
    found = tested(of_tests, case.look.alpha, planned=case.look.planned)
    nearest: dict[int, list[tuple[bool, float, str]]] = {}
    for (part, name), one in zip(tests, found, strict=True):
        # Of measures that fell, the one with the most harm; else the one that is nearest to it.
        distance = 0.0 if one.worse else one.distance
        nearest.setdefault(part.code, []).append((not one.worse, distance, name))
    rows = [_row(case, part, nearest[part.code]) for part in parts if not part.small]
    rows += _small(case, [part for part in parts if part.small])
    order = {REGRESSED: 0, INSUFFICIENT: 1, OK: 2}
    # The row that many small ones share is the last.
    rows.sort(key=lambda row: (not row.measure, order[row.state], -row.share, row.name))
    return tuple(rows)


def _tests(
    case: Case, plan: Segments, parts: Iterable[Part], names: list[tuple[Part, str]]
) -> Iterator[SegmentTest]:
    """One after the other, for their counts are as long as the segments; `names` says whose."""
    for part in parts:
        for name, counts in counts_of(case, part.chosen).items():
            names.append((part, name))
            yield SegmentTest(counts, _margin(plan, name), MEASURES[name].better == LOWER)


def _row(case: Case, part: Part, tests: list[tuple[bool, float, str]]) -> SegmentRow:
    stands, _, measure = min(tests, key=lambda t: t[:2])
    counts = counts_of(case, part.chosen, (measure,))[measure]
    shown = difference(counts, case.plan.alpha, planned=case.look.planned)
    return SegmentRow(
        name=part.name,
        share=part.share,
        pairs=part.pairs,
        state=OK if stands else REGRESSED,
        measure=measure,
        primary=shown.primary,
        candidate=shown.candidate,
        delta=shown.interval.estimate,
        interval=(finite(shown.interval.low), finite(shown.interval.high)),
        n=shown.n,
    )


def _margin(plan: Segments, name: str) -> float:
    return float(getattr(plan, f"{name}_margin"))


def _parts(case: Case, plan: Segments) -> Iterator[Part]:
    pairs = case.pairs
    if not len(pairs):
        return
    codes, names = segments_of(case)
    if len(names) <= np.iinfo(np.int16).max:
        # Numbers of two bytes are sorted by counting.
        codes = codes.astype(np.int16)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    del codes
    total, labelled = float(pairs.weight.sum()), bool(pairs.scored.any())
    for code, (first, last) in enumerate(pairwise(bounds)):
        if first == last:
            continue
        chosen = order[first:last]
        known = int(pairs.scored[chosen].sum()) if labelled else len(chosen)
        small = known < plan.smallest
        yield Part(
            code,
            names[code],
            float(pairs.weight[chosen].sum()) / total,
            len(chosen),
            small,
            chosen,
        )


def counts_of(case: Case, chosen: Ints, names: Sequence[str] = NAMES) -> dict[str, Sums]:
    """What each measure counts over some of the pairs; measures without anything are left out."""
    given = None if case.units.codes is None else case.units.codes[chosen]
    units = Units(None, len(chosen)) if given is None else clustered(given)
    weight = None if case.weight is None else case.weight[chosen]
    found = {name: counted(MEASURES[name], case.pairs, units, weight, chosen) for name in names}
    return {name: counts for name, counts in found.items() if counts is not None}


def segments_of(case: Case) -> tuple[Ints, tuple[str, ...]]:
    """The segment of each pair, and their names: weekdays where the app has given none."""
    codes, names = case.pairs.segment, case.evidence.segments
    if not any(names[code] for code in np.unique(codes).tolist()):
        return (case.when.day[: len(codes)] - 1) % 7, WEEKDAYS
    return codes, tuple(name or UNNAMED for name in names)


def _small(case: Case, parts: list[Part]) -> Iterator[SegmentRow]:
    """Segments too small to say have no interval; the smallest of too many share one row."""
    parts = sorted(parts, key=lambda part: (-part.share, part.name))
    for part in parts[:MOST_SMALL]:
        counts = counts_of(case, part.chosen)
        measure, found = next(iter(counts.items()))
        ours, theirs = found.rates
        yield SegmentRow(
            part.name,
            part.share,
            part.pairs,
            INSUFFICIENT,
            measure,
            ours,
            theirs,
            theirs - ours,
            None,
            found.n,
        )
    if rest := parts[MOST_SMALL:]:
        name = f"({len(rest):,} more segments)"
        share, pairs = sum(part.share for part in rest), sum(part.pairs for part in rest)
        yield SegmentRow(name, share, pairs, INSUFFICIENT, "", None, None, None, None, pairs)
