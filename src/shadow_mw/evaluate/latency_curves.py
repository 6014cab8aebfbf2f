"""How many calls were answered within a time: both legs' latency as a curve."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from math import inf
from typing import Final

from shadow_mw.evaluate.pair_sums import BOTH_MS, LEGS
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series

POINTS: Final = 200
AT_ONCE: Final = 2_000

Curve = list[tuple[float, float]]


def latency_curves(store: Store, series: Series) -> dict[str, Curve]:
    """Both legs' empirical distribution, over the pairs whose latency compares.

    Points of milliseconds and the share of calls that took at most so long, at most `POINTS` a leg.
    A call that failed was never answered: the curve of a leg with such calls ends below 1.
    """
    key = series.experiment, series.candidate
    compared = f"FROM pairs NOT INDEXED WHERE series = {SERIES} AND {BOTH_MS}"
    (n,) = store.one(f"SELECT count(*) {compared}", key)
    curves = {}
    for leg in LEGS:
        # SQLite sorts, on disk where there are many.
        rows = store.chunks(f"SELECT {leg}_latency_ms {compared} ORDER BY 1", key, AT_ONCE)
        curves[leg] = _curve((ms for (ms,) in chain.from_iterable(rows)), n)
    return curves


def _curve(ascending: Iterable[float], n: int) -> Curve:
    """A point at every so many calls, with all calls that took just as long."""
    places = {round(step * (n - 1) / (POINTS - 1)) for step in range(POINTS)}
    points: Curve = []
    last = -inf
    for place, ms in enumerate(ascending):
        if ms == inf:
            break
        if ms == last:
            points[-1] = ms, (place + 1) / n
        elif place in places:
            points.append((ms, (place + 1) / n))
            last = ms
    return points
