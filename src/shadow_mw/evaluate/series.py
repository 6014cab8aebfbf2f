"""Which candidate of which experiment a report is about."""

from __future__ import annotations

from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import Bounds
from shadow_mw.exceptions import DataError
from shadow_mw.results import Series
from shadow_mw.types import DOCTOR, REPEAT

SERIES = "(SELECT id FROM series WHERE experiment = ? AND candidate_id = ?)"
"""The row number of a series, inside a statement."""
BACKFILLED = "(NOT timed AND excluded IS NULL)"
"""Pairs whose candidate was asked from the store: nothing else is comparable and not timed."""
PRICED = f"(timed OR {BACKFILLED})"
"""Pairs whose cost compares: it depends on tokens alone, not on when the call was made."""
DATED = "time_ns > 0"
"""Pairs of which it is known when they were: an imported row need not say."""

LEAST_RATE = 1e-6
"""No call stands for more than a million."""
WEIGHT = f"1 / max(coalesce(sample_rate, 1.0), {LEAST_RATE})"
"""How many calls of production a pair stands for."""
CLUSTERS = {
    "session": "coalesce(session, pairs.id)",
    "key": "coalesce(key, pairs.id)",
    "pair": "pairs.id",
}
"""What is independent of one another, by the plan's name for it; a pair without one is its own."""


def dated(until: float | None) -> str:
    """The condition on `pairs` that it was before this unix time, s, as arrays of times tell it."""
    return DATED if until is None else f"({DATED} AND time_ns / 1e9 < {until!r})"


def within(window: Bounds | None) -> str:
    """What is added to conditions on a table with times: in the window, or nowhere in time."""
    if window is None:
        return ""
    start, end = window.start, window.end
    return f" AND (time_ns <= 0 OR time_ns / 1e9 >= {start!r} AND time_ns / 1e9 < {end!r})"


def among(pairs: str) -> str:
    """What is added to conditions on a table with a column `pair`; '' lets all of it through.

    Args:
        pairs: a condition on `pairs`, or ''.
    """
    return pairs and f" AND pair IN (SELECT id FROM pairs WHERE {pairs})"


def choose(
    store: Store, experiment: str | None, candidate: str | None
) -> tuple[Series | None, tuple[Series, ...]]:
    """The one with the newest data among those that fit, and the others that fit.

    The primary against itself is no candidate: it has to be named.

    Raises:
        DataError: a name was given that the store does not have.
    """
    known = all_series(store, repeats=True)
    fitting = [
        series
        for series in known
        if experiment in (None, series.experiment)
        and (series.candidate != REPEAT if candidate is None else series.candidate == candidate)
        # Probes are no data, unless somebody asks for them.
        and (experiment is not None or series.experiment != DOCTOR)
    ]
    if not fitting and (experiment or candidate):
        raise DataError(_unknown(store, known, experiment, candidate))
    return (fitting[0], tuple(fitting[1:])) if fitting else (None, ())


def all_series(store: Store, *, repeats: bool = False) -> list[Series]:
    """Every series, newest data first; last those of which there are only counters yet.

    Args:
        store: whose series.
        repeats: those of the primary against itself too.
    """
    rows = store.query(
        """SELECT experiment, candidate_id, max(newest) FROM (
            SELECT experiment, candidate_id, newest_ns AS newest FROM series
            UNION ALL SELECT experiment, candidate_id, 0 FROM funnel WHERE candidate_id != ''
            UNION ALL SELECT experiment, '', -1 FROM (
                SELECT experiment FROM funnel UNION SELECT experiment FROM waiting
                CROSS JOIN observations ON observations.id = observation
            ) WHERE experiment NOT IN (
                SELECT experiment FROM series
                UNION SELECT experiment FROM funnel WHERE candidate_id != '')
        ) GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2"""
    )
    found = [Series(experiment, candidate) for experiment, candidate, _ in rows]
    return [series for series in found if repeats or series.candidate != REPEAT]


def _unknown(
    store: Store, known: list[Series], experiment: str | None, candidate: str | None
) -> str:
    asked = " and ".join(
        f"{kind} {name!r}"
        for kind, name in (("experiment", experiment), ("candidate", candidate))
        if name
    )
    names = ", ".join(f"{s.experiment}/{s.candidate}" for s in known) or "nothing yet"
    return f"store {store.path}: no data of {asked}; it has {names} (experiment/candidate)"
