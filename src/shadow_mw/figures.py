"""What the evaluator hands to dashboards."""

from __future__ import annotations

from dataclasses import dataclass, field

from shadow_mw.alarms import Change, Told
from shadow_mw.results import Funnel, Series

LATENCY_BUCKETS = (
    *(0.05, 0.063, 0.08, 0.1, 0.125, 0.16, 0.2, 0.25, 0.315, 0.4, 0.5, 0.63, 0.8),
    *(1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0),
    *(10.0, 12.5, 16.0, 20.0, 25.0, 31.5, 40.0, 50.0, 60.0),
)
"""Upper bounds in seconds; one more holds what is slower, and what failed.

A quarter apart (ISO 3, R10), so that a percentile that is read from them is right within 8 %.
"""


@dataclass(frozen=True, slots=True)
class LegFigures:
    """One role's legs over all pairs of a series."""

    outcomes: dict[str, int]
    durations: tuple[int, ...]
    """Calls in each of `LATENCY_BUCKETS`, not added up."""
    seconds: float
    """Of all calls that were answered."""
    cost_usd: float
    """Over the pairs of which both legs have a price."""
    fields: dict[str, int]
    """Outcomes of labelled fields."""


@dataclass(frozen=True, slots=True)
class NullDay:
    """The labelled nulls of one day's pairs, and how many of them each leg filled in."""

    day: str
    """ISO date, UTC."""
    fields: int
    primary: int
    candidate: int


OTHER_LABELS = "other labels"
"""Of a check whose labels are more than a dashboard takes."""


@dataclass(frozen=True, slots=True)
class SeriesFigures:
    """Everything a dashboard shows about one series."""

    series: Series
    funnel: Funnel
    primary: LegFigures
    candidate: LegFigures
    nulls: tuple[NullDay, ...]
    """The last 31 days that have any."""
    gauges: dict[str, float]
    """What the processes report, added up over them: `spend_usd`, `budget_usd`."""
    checks: dict[str, dict[str, int]] = field(default_factory=dict)
    """Pairs by check, then by label: the most frequent ones, the rest under `OTHER_LABELS`."""
    divergences: dict[tuple[str, str], int] = field(default_factory=dict)
    """Leaves at which the outputs differ, by kind and by `true`, `false` or `unknown`: whether
    the value is in the request."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is measured about a store."""

    series: tuple[SeriesFigures, ...]
    experiments: dict[str, dict[str, float]]
    """`window_end` (the latest) and `pending_bytes` (added up) by experiment."""
    alarms: tuple[Change, ...] = ()
    """As they were worked out last."""
    told: Told = field(default_factory=Told)
    """Messages about alarms."""


@dataclass(frozen=True, slots=True)
class PairState:
    """What has come of one exchange."""

    pair_id: str
    experiment: str
    trace_id: str
    legs: tuple[str, ...]
    """Roles that are stored."""
    paired: bool
