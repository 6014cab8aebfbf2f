"""How a measure developed: one confidence sequence, at the end of every day."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from shadow_mw.decide import stats
from shadow_mw.decide.calendar import iso
from shadow_mw.decide.case import Case
from shadow_mw.decide.gates.rates import MEASURES, Measure, columns_of
from shadow_mw.decide.segments import NAMES
from shadow_mw.decide.units import Units, units
from shadow_mw.verdicts import TrendPoint

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.signedinteger]


def trends(case: Case) -> dict[str, tuple[TrendPoint, ...]]:
    """By measure; those without data are left out."""
    if not len(case.window):
        return {}
    clusters = units(case.window, case.plan.cluster)
    days, last = _ends(case.when.day)
    found = {name: _trend(case, MEASURES[name], clusters, days, last) for name in NAMES}
    return {name: points for name, points in found.items() if points}


def _ends(day: Ints) -> tuple[Ints, Ints]:
    """Days that have pairs, and how many pairs there are until the end of each."""
    days = np.maximum.accumulate(day)
    distinct = np.unique(days)
    return distinct, np.searchsorted(days, distinct, side="right")


def _trend(
    case: Case, measure: Measure, clusters: Units, days: Ints, last: Ints
) -> tuple[TrendPoint, ...]:
    """A cluster counts on the day of its first pair, so that nothing is ever taken back."""
    pairs = case.window
    changed, of = columns_of(measure, pairs)
    if case.weight is None:
        x, n = clusters.sums(changed), clusters.sums(of)
    else:
        x, n = clusters.sums(changed * pairs.weight), clusters.sums(of * pairs.weight)
    # Clusters are numbered in the order of their first pair.
    begun = np.searchsorted(clusters.first(len(pairs)), last, side="left")
    counting = n > 0
    at = np.cumsum(counting)[begun - 1]
    x, n = x[counting], n[counting]
    seen = np.cumsum([of[first:end].sum() for first, end in pairwise((0, *last.tolist()))])
    used = at > 0
    if not used.any():
        return ()
    found = stats.ratio_sequence(x, n, case.plan.alpha, at[used].tolist())
    return tuple(
        TrendPoint(iso(int(day)), int(count), point.estimate, point.low, point.high)
        for day, count, point in zip(days[used], seen[used], found, strict=True)
    )
