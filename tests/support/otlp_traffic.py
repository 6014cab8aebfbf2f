"""Spans, metrics and logs made by hand and posted as OTLP: what any SDK, or any forger, could."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from support.waiting import WAIT

MARK = "0123456789.right-mark"
OURS = "shadow_mw"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def trace_id() -> str:
    return os.urandom(16).hex()


def span_id() -> str:
    return os.urandom(8).hex()


@dataclass(frozen=True)
class Made:
    """A span to send."""

    name: str
    trace: str = field(default_factory=trace_id)
    id: str = field(default_factory=span_id)
    parent: str = ""
    scope: str = "app"
    state: str = ""
    kind: int = 2
    error: bool = False
    seconds: float = 0.005
    attributes: Mapping[str, Any] = field(default_factory=dict)
    resource: Mapping[str, Any] = field(default_factory=lambda: {"service.name": "shop"})

    def under(self, parent: Made) -> Made:
        """The same, as a child."""
        return replace(self, trace=parent.trace, parent=parent.id)


def pair(name: str, under: Made, *, mark: str | None = MARK, content: str = "hello") -> list[Made]:
    """Both legs of one call, as the runner makes them."""
    common = {"shadow.pair.id": name, "shadow.experiment.id": "exp"}
    common |= {"shadow.mark": mark} if mark is not None else {}
    ours = {"scope": OURS, "kind": 3, "resource": {"service.name": "shadow-mw"}}
    primary = Made(
        f"{name} primary",
        attributes={
            **common,
            "shadow.role": "primary",
            "shadow.request": content,
            "gen_ai.usage.input_tokens": 12,
        },
        **ours,  # type: ignore[arg-type]
    ).under(under)
    candidate = Made(
        f"{name} candidate",
        attributes={
            **common,
            "shadow.role": "candidate",
            "shadow.candidate.id": "cand",
            "gen_ai.output.messages": content,
        },
        **ours,  # type: ignore[arg-type]
    ).under(primary)
    return [primary, candidate]


def send(base: str, spans: Iterable[Made], **headers: str) -> int:
    """POST spans; the status."""
    return post(base + "/v1/traces", trace_request(spans), **headers)


def trace_request(spans: Iterable[Made]) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    for resource, some in groupby(spans, lambda span: span.resource):
        group = ResourceSpans(resource=Resource(attributes=_attributes(resource)))
        for scope, made in groupby(some, lambda span: span.scope):
            group.scope_spans.append(
                ScopeSpans(scope=InstrumentationScope(name=scope), spans=map(_span, made))
            )
        request.resource_spans.append(group)
    return request


def send_metric(base: str, name: str, points: Iterable[Mapping[str, Any]]) -> int:
    """POST one gauge with a data point for each set of attributes; the status."""
    gauge = Gauge(
        data_points=[
            NumberDataPoint(attributes=_attributes(p), as_double=1, time_unix_nano=time.time_ns())
            for p in points
        ]
    )
    scope = ScopeMetrics(
        scope=InstrumentationScope(name=OURS), metrics=[Metric(name=name, gauge=gauge)]
    )
    resource = Resource(attributes=_attributes({"service.name": "shadow-mw"}))
    metrics = ResourceMetrics(resource=resource, scope_metrics=[scope])
    return post(base + "/v1/metrics", ExportMetricsServiceRequest(resource_metrics=[metrics]))


def send_log(base: str, body: str, scope: str, attributes: Mapping[str, Any]) -> int:
    """POST one log record; the status."""
    record = LogRecord(body=AnyValue(string_value=body), attributes=_attributes(attributes))
    logs = ScopeLogs(scope=InstrumentationScope(name=scope), log_records=[record])
    return post(
        base + "/v1/logs", ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[logs])])
    )


def post(url: str, request: Any, **headers: str) -> int:
    headers["content-type"] = "application/x-protobuf"
    ready = urllib.request.Request(url, request.SerializeToString(), headers)
    try:
        with DIRECT.open(ready, timeout=WAIT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _span(made: Made) -> Span:
    now = time.time_ns()
    return Span(
        name=made.name,
        trace_id=bytes.fromhex(made.trace),
        span_id=bytes.fromhex(made.id),
        parent_span_id=bytes.fromhex(made.parent),
        trace_state=made.state,
        kind=made.kind,  # type: ignore[arg-type]
        start_time_unix_nano=now - round(made.seconds * 1e9),
        end_time_unix_nano=now,
        attributes=_attributes(made.attributes),
        status=Status(code=2 if made.error else 0),  # type: ignore[arg-type]
    )


def _attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_any(value)) for key, value in values.items()]


def _any(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=map(_any, value)))
        case bytes():
            return AnyValue(bytes_value=value)
        case _:
            return AnyValue(string_value=value)
