"""The runner's figures as OTLP metrics: absolute values, whose order of arrival says nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from shadow_mw import semconv
from shadow_mw.runner.figures import Figures
from shadow_mw.version import __version__

AT_ONCE = 500
"""Sources in one request: each has some ten points of about 300 bytes."""
UNITS = {"spend_usd": "USD", "budget_usd": "USD", "window_end": "s", "pending_bytes": "By"}


def metrics_requests(
    figures: Sequence[Figures], common: Mapping[str, str]
) -> Iterator[ExportMetricsServiceRequest]:
    """As many requests as it takes.

    Args:
        figures: of any number of sources.
        common: attributes of every data point.
    """
    for start in range(0, len(figures), AT_ONCE):
        some = figures[start : start + AT_ONCE]
        now = time.time_ns()
        yield _request([*_funnel(some, common, now), *_gauges(some, common, now)])


def _funnel(figures: Sequence[Figures], common: Mapping[str, str], now: int) -> Iterator[Metric]:
    points = [
        NumberDataPoint(
            attributes=_attributes(common, item, {semconv.COUNT: name}),
            time_unix_nano=now,
            as_int=n,
        )
        for item in figures
        for name, n in item.counts.items()
    ]
    if points:
        total = Sum(
            data_points=points,
            aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE,
            is_monotonic=True,
        )
        yield Metric(name=semconv.FUNNEL_METRIC, unit="{call}", sum=total)


def _gauges(figures: Sequence[Figures], common: Mapping[str, str], now: int) -> Iterator[Metric]:
    for name, metric in semconv.GAUGE_METRICS.items():
        points = [
            NumberDataPoint(
                attributes=_attributes(common, item, {}),
                time_unix_nano=now,
                as_double=item.gauges[name],
            )
            for item in figures
            if name in item.gauges
        ]
        if points:
            yield Metric(name=metric, unit=UNITS[name], gauge=Gauge(data_points=points))


def _attributes(
    common: Mapping[str, str], figures: Figures, more: Mapping[str, str]
) -> list[KeyValue]:
    own = {semconv.CANDIDATE_ID: figures.candidate, semconv.SOURCE: figures.source}
    table = {**common, **own, **more}
    return [KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in table.items()]


def _request(metrics: Sequence[Metric]) -> ExportMetricsServiceRequest:
    scope = InstrumentationScope(name=semconv.SCOPE, version=__version__)
    name = KeyValue(key="service.name", value=AnyValue(string_value="shadow-mw"))
    return ExportMetricsServiceRequest(
        resource_metrics=[
            ResourceMetrics(
                resource=Resource(attributes=[name]),
                scope_metrics=[ScopeMetrics(scope=scope, metrics=metrics)],
            )
        ]
    )
