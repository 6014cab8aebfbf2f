"""A summary as the JSON object that programs read; its shape is a promise."""

from __future__ import annotations

import math
from dataclasses import asdict

from shadow_mw.report import noise_table, similarity_table
from shadow_mw.report.breakdown_json import breakdown_json
from shadow_mw.results import FieldCounts, Metric, Series, Summary
from shadow_mw.types import Json


def as_json(summary: Summary) -> dict[str, Json]:
    """Rates are fractions, None is unknown, and a percentile on a failed call is None too."""
    funnel = summary.funnel
    return {
        "experiment": summary.series.experiment if summary.series else None,
        "candidate": summary.series.candidate if summary.series else None,
        "others": [_series(series) for series in summary.others],
        "funnel": {
            "captured": funnel.captured,
            "mirrored": funnel.mirrored,
            "paired": funnel.paired,
            "scored": funnel.scored,
            "reasons": dict(funnel.reasons),
        },
        "metrics": {name: _metric(metric) for name, metric in summary.metrics.items()},
        "fields": {path: _counts(counts) for path, counts in summary.fields.items()},
        "transitions": {
            outcome.value: {theirs.value: n for theirs, n in row.items()}
            for outcome, row in summary.transitions.items()
        },
        "legs": {
            "primary": asdict(summary.primary),
            "candidate": asdict(summary.candidate),
        },
        "labels": summary.labels,
        "backfilled": summary.backfilled,
        "checks": {name: asdict(counts) for name, counts in summary.checks.items()},
        "similarity": similarity_table.as_json(summary.similarity),
        "noise_floor": noise_table.as_json(summary.noise),
        **breakdown_json(summary),
    }


def _series(series: Series) -> dict[str, str]:
    return {"experiment": series.experiment, "candidate": series.candidate}


def _metric(metric: Metric) -> dict[str, Json]:
    return {
        "primary": _finite(metric.primary),
        "candidate": _finite(metric.candidate),
        "delta": metric.delta,
        "n": metric.n,
    }


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value


def _counts(counts: FieldCounts) -> dict[str, dict[str, int]]:
    return {
        "primary": {outcome.value: n for outcome, n in counts.primary.items()},
        "candidate": {outcome.value: n for outcome, n in counts.candidate.items()},
    }
