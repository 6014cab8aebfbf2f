"""The store's figures as Prometheus has them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from shadow_mw.figures import LATENCY_BUCKETS, Figures, LegFigures, SeriesFigures
from shadow_mw.serve.alarm_families import alarm_families
from shadow_mw.types import Reason

SERIES: Final = ("experiment", "candidate")
LEG: Final = (*SERIES, "role")
BOUNDS: Final = (*(f"{bound:g}" for bound in LATENCY_BUCKETS), "+Inf")

Samples = Iterator[tuple[tuple[str, ...], float]]
Family = type[CounterMetricFamily] | type[GaugeMetricFamily]


def families(figures: Figures) -> Iterator[Metric]:
    """Everything that a dashboard shows."""
    yield from _calls(figures)
    yield from _legs(figures)
    yield from _fields(figures)
    yield from _checks(figures)
    yield from _money(figures)
    yield from alarm_families(figures)


def family(kind: Family, name: str, text: str, labels: tuple[str, ...], samples: Samples) -> Metric:
    """One family with its samples by label values."""
    made = kind(name, text, labels=labels)
    for values, value in samples:
        made.add_metric(values, value)
    return made


def _calls(figures: Figures) -> Iterator[Metric]:
    stages = ("captured", "mirrored", "paired", "scored")
    yield family(
        CounterMetricFamily,
        "shadow_calls",
        "Calls that got to a stage",
        (*SERIES, "stage"),
        (
            ((*_names(item), stage), getattr(item.funnel, stage))
            for item in figures.series
            for stage in stages
        ),
    )
    yield family(
        CounterMetricFamily,
        "shadow_reasons",
        "Calls that got no further, or failed, by reason",
        (*SERIES, "reason"),
        (
            ((*_names(item), reason), n)
            for item in figures.series
            for reason, n in item.funnel.reasons.items()
            if reason != Reason.LEG_AWAITED
        ),
    )
    yield family(
        GaugeMetricFamily,
        "shadow_legs_awaited",
        "Legs whose other half may still come",
        SERIES,
        ((_names(item), item.funnel.reasons.get(Reason.LEG_AWAITED, 0)) for item in figures.series),
    )


def _legs(figures: Figures) -> Iterator[Metric]:
    yield family(
        CounterMetricFamily,
        "shadow_legs",
        "Legs of pairs by how they ended",
        (*LEG, "outcome"),
        (
            ((*names, outcome), n)
            for names, leg in _each_leg(figures)
            for outcome, n in leg.outcomes.items()
        ),
    )
    durations = HistogramMetricFamily(
        "shadow_leg_duration_seconds",
        "Duration of comparable legs; a failed one is in +Inf only",
        labels=LEG,
    )
    for names, leg in _each_leg(figures):
        counts = list(zip(BOUNDS, accumulate(leg.durations), strict=True))
        durations.add_metric(names, counts, leg.seconds)
    yield durations


def _fields(figures: Figures) -> Iterator[Metric]:
    yield family(
        GaugeMetricFamily,
        "shadow_field_outcomes",
        "Labelled fields by what a leg did with them",
        (*LEG, "outcome"),
        (
            ((*names, outcome), n)
            for names, leg in _each_leg(figures)
            for outcome, n in leg.fields.items()
        ),
    )
    yield family(
        GaugeMetricFamily,
        "shadow_null_fields",
        "Fields labelled as null, by the day of the call (UTC)",
        (*SERIES, "day"),
        (
            ((*_names(item), null.day), null.fields)
            for item in figures.series
            for null in item.nulls
        ),
    )
    yield family(
        GaugeMetricFamily,
        "shadow_hallucinated_fields",
        "Of these, the ones that a leg filled in",
        (*LEG, "day"),
        (
            ((*_names(item), role, null.day), n)
            for item in figures.series
            for null in item.nulls
            for role, n in (("primary", null.primary), ("candidate", null.candidate))
        ),
    )


def _checks(figures: Figures) -> Iterator[Metric]:
    """Gauges: what is judged anew moves from one label to another."""
    yield family(
        GaugeMetricFamily,
        "shadow_check_pairs",
        "Pairs by what a check says of them",
        (*SERIES, "check", "label"),
        (
            ((*_names(item), check, label), n)
            for item in figures.series
            for check, labels in item.checks.items()
            for label, n in labels.items()
        ),
    )
    yield family(
        GaugeMetricFamily,
        "shadow_divergent_fields",
        "Fields at which the two outputs differ, and whether the value is in the request",
        (*SERIES, "kind", "grounded"),
        (
            ((*_names(item), *kind), n)
            for item in figures.series
            for kind, n in item.divergences.items()
        ),
    )


def _money(figures: Figures) -> Iterator[Metric]:
    yield family(
        GaugeMetricFamily,
        "shadow_cost_usd",
        "Cost of a leg over the pairs of which both have a price",
        LEG,
        ((names, leg.cost_usd) for names, leg in _each_leg(figures)),
    )
    for name, text in (
        ("spend_usd", "What the calls under this budget have cost, USD"),
        ("budget_usd", "What they may cost, USD"),
    ):
        yield family(
            GaugeMetricFamily,
            f"shadow_{name}",
            text,
            SERIES,
            ((_names(i), i.gauges[name]) for i in figures.series if name in i.gauges),
        )
    for name, metric, text in (
        ("window_end", "window_end_seconds", "When the experiment ends, unix time"),
        ("pending_bytes", "pending_bytes", "Bytes captured and not yet read by a runner"),
    ):
        yield family(
            GaugeMetricFamily,
            f"shadow_{metric}",
            text,
            ("experiment",),
            (
                ((experiment,), values[name])
                for experiment, values in figures.experiments.items()
                if name in values
            ),
        )


def _names(item: SeriesFigures) -> tuple[str, str]:
    return item.series.experiment, item.series.candidate


def _each_leg(figures: Figures) -> Iterator[tuple[tuple[str, str, str], LegFigures]]:
    for item in figures.series:
        yield (*_names(item), "primary"), item.primary
        yield (*_names(item), "candidate"), item.candidate
