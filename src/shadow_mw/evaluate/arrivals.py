"""When production's calls came, and how long they took: what a load test has to be held against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, inf

from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series

HOUR_NS = 3_600_000_000_000
WEIGHT = "1 / max(coalesce(sample_rate, 1), 1e-6)"
"""Calls of production that a stored one stands for."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One hour's stored calls of the primary, oldest first."""

    hour_ns: int
    """Unix time of its beginning."""
    times_ns: tuple[int, ...]
    pair_ids: tuple[str, ...]
    production: float
    """Calls that production made in it: more than are stored, where a share was mirrored."""

    @property
    def hour(self) -> str:
        """For people: `2026-11-02T09`, in UTC."""
        return datetime.fromtimestamp(self.hour_ns / 1e9, UTC).strftime("%Y-%m-%dT%H")


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latencies in ms; infinite where one falls on a failed call, None where there is no call."""

    n: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


def peak_hour(store: Store, experiment: str) -> int | None:
    """Beginning of the hour (in UTC) in which production called most, the newest of equals."""
    rows = store.query(
        f"SELECT time_ns / {HOUR_NS} AS hour FROM observations"
        " WHERE role = 'primary' AND experiment = ?"
        f" GROUP BY hour ORDER BY sum({WEIGHT}) DESC, hour DESC LIMIT 1",
        (experiment,),
    )
    return rows[0][0] * HOUR_NS if rows else None


def arrivals(store: Store, experiment: str, hour_ns: int) -> Arrivals:
    """What came in the hour that begins at `hour_ns`."""
    rows = store.query(
        f"SELECT time_ns, pair_id, {WEIGHT} FROM observations"
        " WHERE role = 'primary' AND experiment = ? AND time_ns >= ? AND time_ns < ?"
        " ORDER BY time_ns, id",
        (experiment, hour_ns, hour_ns + HOUR_NS),
    )
    return Arrivals(
        hour_ns,
        tuple(time_ns for time_ns, _, _ in rows),
        tuple(pair_id for _, pair_id, _ in rows),
        sum(weight for _, _, weight in rows),
    )


def primary_in_hour(store: Store, experiment: str, hour_ns: int) -> Percentiles:
    """How fast the primary was in an hour."""
    rows = store.query(
        "SELECT answered, latency_ms FROM observations WHERE role = 'primary' AND experiment = ?"
        " AND time_ns >= ? AND time_ns < ? AND latency_ms IS NOT NULL",
        (experiment, hour_ns, hour_ns + HOUR_NS),
    )
    return percentiles([ms if answered else inf for answered, ms in rows])


def candidate_in_shadow(store: Store, series: Series) -> Percentiles:
    """How fast the candidate was at the rate of live shadow calls, over all of them."""
    rows = store.query(
        "SELECT answered, latency_ms FROM pairs"
        " JOIN observations ON observations.id = candidate_row"
        f" WHERE series = {SERIES} AND timed AND excluded IS NULL AND latency_ms IS NOT NULL",
        (series.experiment, series.candidate),
    )
    return percentiles([ms if answered else inf for answered, ms in rows])


def percentiles(latencies: list[float]) -> Percentiles:
    """Nearest rank, of failed calls as infinite ones."""
    if not latencies:
        return Percentiles(0)
    ranked = sorted(latencies)
    at = [ranked[ceil(percent / 100 * len(ranked)) - 1] for percent in (50, 95, 99)]
    return Percentiles(len(ranked), *at)
