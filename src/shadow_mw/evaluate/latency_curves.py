"""How many calls were answered within a time: both legs' latency as a curve."""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.types import Role

POINTS: Final = 200

Curve = list[tuple[float, float]]


def latency_curves(store: Store, series: Series) -> dict[str, Curve]:
    """Both legs' empirical distribution, over the pairs whose latency compares.

    Points of milliseconds and the share of calls that took at most so long, at most `POINTS` a leg.
    A call that failed was never answered: the curve of a leg with such calls ends below 1.
    """
    return {
        role.value: _curve(
            [
                latency
                for (latency,) in store.query(
                    f"SELECT {role}_latency_ms FROM pairs WHERE series = {SERIES}"
                    " AND timed AND primary_latency_ms IS NOT NULL"
                    " AND candidate_latency_ms IS NOT NULL",
                    (series.experiment, series.candidate),
                )
            ]
        )
        for role in (Role.PRIMARY, Role.CANDIDATE)
    }


def _curve(latencies: list[float]) -> Curve:
    latencies.sort()
    n = len(latencies)
    places = (
        dict.fromkeys(round(step * (n - 1) / (POINTS - 1)) for step in range(POINTS)) if n else {}
    )
    answered = [place for place in places if latencies[place] != float("inf")]
    return [(latencies[place], (place + 1) / n) for place in answered]
