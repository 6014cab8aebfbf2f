"""From the store to the numbers of a dashboard, aggregated in SQL."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any, Final

from shadow_mw.evaluate.alarm_store import AlarmStore
from shadow_mw.evaluate.funnel import funnel
from shadow_mw.evaluate.messages import Messages
from shadow_mw.evaluate.series import PRICED, SERIES, all_series
from shadow_mw.evaluate.store import Store
from shadow_mw.figures import (
    LATENCY_BUCKETS,
    OTHER_LABELS,
    Figures,
    LegFigures,
    NullDay,
    SeriesFigures,
)
from shadow_mw.results import Series
from shadow_mw.types import DOCTOR, Role

DAYS: Final = 31
DAY_NS: Final = 86_400 * 10**9
MOST_LABELS: Final = 25
"""As many as there are classes of both legs in the check of ours that has most."""


def _bucket(first: int, last: int) -> str:
    """Halving: SQLite would try one condition after the other."""
    if first == last:
        return str(first)
    middle = (first + last) // 2
    bound = 1000 * LATENCY_BUCKETS[middle]
    below, above = _bucket(first, middle), _bucket(middle + 1, last)
    return f"iif(leg.latency_ms <= {bound}, {below}, {above})"


BUCKET: Final = f"iif(leg.answered, {_bucket(0, len(LATENCY_BUCKETS))}, {len(LATENCY_BUCKETS)})"


def figures(store: Store) -> Figures:
    """All series but the doctor's probes."""
    with store.transaction(write=False):
        known = [series for series in all_series(store) if series.experiment != DOCTOR]
        return Figures(
            series=tuple(_series(store, series) for series in known),
            experiments=_experiments(store),
            alarms=tuple(AlarmStore(store).kept()),
            told=Messages(store).told(),
        )


def _series(store: Store, series: Series) -> SeriesFigures:
    key = series.experiment, series.candidate
    fields = _fields(store, key)
    costs = _costs(store, key)
    return SeriesFigures(
        series=series,
        funnel=funnel(store, key),
        primary=_leg(store, key, Role.PRIMARY, costs[0], fields[0]),
        candidate=_leg(store, key, Role.CANDIDATE, costs[1], fields[1]),
        nulls=_nulls(store, key),
        gauges=_money(store, key),
        checks=_checks(store, key),
        divergences=_divergences(store, key),
    )


def _leg(
    store: Store, key: tuple[str, str], role: Role, cost: float, fields: dict[str, int]
) -> LegFigures:
    rows = store.query(
        f"""SELECT leg.outcome, timed, {BUCKET}, count(*),
            total(leg.latency_ms) FILTER (WHERE leg.answered)
        FROM pairs JOIN observations leg ON leg.id = {role}_row
        WHERE series = {SERIES} GROUP BY 1, 2, 3""",
        key,
    )
    outcomes: Counter[str] = Counter()
    durations = [0] * (len(LATENCY_BUCKETS) + 1)
    seconds = 0.0
    for outcome, timed, bucket, n, milliseconds in rows:
        outcomes[outcome] += n
        if timed:
            durations[bucket] += n
            seconds += milliseconds / 1000
    return LegFigures(dict(outcomes), tuple(durations), seconds, cost, fields)


def _money(store: Store, key: tuple[str, str]) -> dict[str, float]:
    return dict(
        store.query(
            "SELECT name, sum(value) FROM gauges WHERE experiment = ? AND candidate_id = ?"
            " AND name IN ('spend_usd', 'budget_usd') GROUP BY name",
            key,
        )
    )


def _costs(store: Store, key: tuple[str, str]) -> tuple[Any, ...]:
    return store.one(
        f"""SELECT total(p.cost_usd), total(c.cost_usd) FROM pairs
        JOIN observations p ON p.id = primary_row JOIN observations c ON c.id = candidate_row
        WHERE series = {SERIES} AND {PRICED}
            AND p.cost_usd IS NOT NULL AND c.cost_usd IS NOT NULL""",
        key,
    )


def _fields(store: Store, key: tuple[str, str]) -> tuple[dict[str, int], dict[str, int]]:
    """Grouped by path too, which the index gives without sorting."""
    rows = store.query(
        f"""SELECT "primary", candidate, sum(n) FROM fields
        WHERE series = {SERIES} AND truth IS NOT NULL
        GROUP BY path, truth, "primary", candidate""",
        key,
    )
    primary, candidate = Counter[str](), Counter[str]()
    for ours, theirs, n in rows:
        primary[ours] += n
        candidate[theirs] += n
    return dict(primary), dict(candidate)


def _nulls(store: Store, key: tuple[str, str]) -> tuple[NullDay, ...]:
    since = (time.time_ns() // DAY_NS - DAYS + 1) * DAY_NS
    rows = store.query(
        f"""SELECT time_ns / {DAY_NS}, sum(n),
            sum(n * ("primary" = 'hallucinated')), sum(n * (candidate = 'hallucinated'))
        FROM fields JOIN pairs ON pairs.id = pair
        WHERE fields.series = {SERIES} AND truth = 'null' AND time_ns >= ? GROUP BY 1""",
        (*key, since),
    )
    return tuple(
        NullDay(datetime.fromtimestamp(day * 86_400, UTC).date().isoformat(), *counts)
        for day, *counts in rows
    )


def _checks(store: Store, key: tuple[str, str]) -> dict[str, dict[str, int]]:
    """Never more than `MOST_LABELS` and one for a check: it may be anybody's."""
    rows = store.query(
        f"""SELECT name, check_labels.label, n FROM (
            SELECT label AS number, count(*) AS n FROM check_results
            WHERE series = {SERIES} GROUP BY label
        ) JOIN check_labels ON check_labels.id = number ORDER BY name, n DESC, 2""",
        key,
    )
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for name, label, n in rows:
        labels = found[name]
        known = label if len(labels) < MOST_LABELS else OTHER_LABELS
        labels[known] = labels.get(known, 0) + n
    return dict(found)


def _divergences(store: Store, key: tuple[str, str]) -> dict[tuple[str, str], int]:
    rows = store.query(
        f"SELECT kind, grounded, sum(n) FROM divergences WHERE series = {SERIES} GROUP BY 1, 2",
        key,
    )
    words = {None: "unknown", 0: "false", 1: "true"}
    return {(kind, words[grounded]): n for kind, grounded, n in rows}


def _experiments(store: Store) -> dict[str, dict[str, float]]:
    rows = store.query(
        "SELECT experiment, name, max(value), sum(value) FROM gauges"
        " WHERE name IN ('window_end', 'pending_bytes') AND experiment != ? GROUP BY 1, 2",
        (DOCTOR,),
    )
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for experiment, name, latest, total in rows:
        found[experiment][name] = latest if name == "window_end" else total
    return dict(found)
