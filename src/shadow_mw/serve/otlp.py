"""OTLP requests, as protobuf or as JSON, read into what the evaluator takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from google.protobuf.json_format import ParseDict, ParseError  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from shadow_mw import semconv
from shadow_mw.records import Reading, SpanRecord
from shadow_mw.serve.refusals import MalformedError, TooLargeError
from shadow_mw.serve.weight import check_json, check_protobuf

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

MAX_SPANS: Final = 250_000
"""An empty one is two bytes on the wire, and hundreds here; a collector's largest batch (18 MiB) of
small spans of a candidate's server stays below."""

M = TypeVar("M", bound=Message)


def read_spans(body: bytes, content_type: str) -> list[SpanRecord]:
    """Every span of a trace export.

    Raises:
        MalformedError: the body is none.
        TooLargeError: it has more spans, or other elements, than one request may.
    """
    request = _parse(body, content_type, ExportTraceServiceRequest())
    scopes = [scope for resource in request.resource_spans for scope in resource.scope_spans]
    if sum(len(scope.spans) for scope in scopes) > MAX_SPANS:
        raise TooLargeError(f"more than {MAX_SPANS} spans: send smaller batches")
    return [_span(span, scope.scope.name) for scope in scopes for span in scope.spans]


def read_readings(body: bytes, content_type: str) -> list[Reading]:
    """What a metrics export says of our own processes; other metrics are nothing to us.

    Raises:
        MalformedError: the body is none.
        TooLargeError: it has more elements than one request may.
    """
    request = _parse(body, content_type, ExportMetricsServiceRequest())
    counts: dict[Source, dict[str, int]] = {}
    values: dict[Source, dict[str, float]] = {}
    metrics = [
        metric
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ]
    for source, name, n in _counters(metrics):
        table = counts.setdefault(source, {})
        table[name] = max(n, table.get(name, 0))
    for source, name, value in _values(metrics):
        values.setdefault(source, {})[name] = value
    return [
        Reading(*source, counts=counts.get(source, {}), values=values.get(source, {}))
        for source in dict.fromkeys([*counts, *values])
    ]


Source = tuple[str, str, str]
"""Experiment, candidate id, source."""


def _parse(body: bytes, content_type: str, message: M) -> M:
    if content_type == JSON:
        check_json(body)
    else:
        check_protobuf(body, message.DESCRIPTOR)
    try:
        if content_type == JSON:
            # Unknown fields are to be ignored, enums may be names or numbers, and so on.
            ParseDict(_canonical(_object(body)), message, ignore_unknown_fields=True)
        else:
            message.ParseFromString(body)
    except (DecodeError, ParseError, ValueError, TypeError, RecursionError) as error:
        raise MalformedError(f"not an OTLP {type(message).__name__}: {_line(error)}") from None
    return message


def _object(body: bytes) -> dict[str, Any]:
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError("no JSON object")
    return value


def _canonical(value: Any) -> Any:
    """OTLP's JSON as protobuf's own: ids are hex in the one and base64 in the other.

    What only events, links and exemplars have is left out; nothing here reads it.
    """
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _base64(item) if name in _IDS else _canonical(item)
        for name, item in value.items()
        if name not in ("events", "links", "exemplars")
    }


_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def _base64(text: Any) -> str:
    """An id that is no hex is left out, as one that is missing: the others are good."""
    try:
        return base64.b64encode(bytes.fromhex(text)).decode()
    except (ValueError, TypeError):
        return ""


def _span(span: Span, scope: str) -> SpanRecord:
    return SpanRecord(
        trace_id=_id(span.trace_id, 16),
        span_id=_id(span.span_id, 8),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano or None,
        failed=span.status.code == Status.STATUS_CODE_ERROR,
        attributes=_attributes(span.attributes),
        scope=scope,
    )


def _id(value: bytes, length: int) -> str:
    """Hex; empty where the id is none."""
    return value.hex() if len(value) == length and any(value) else ""


def _attributes(pairs: Iterable[KeyValue]) -> Mapping[str, object]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> object:
    # Nearly all are strings; asking for one that is not there gives an empty one.
    if text := value.string_value:
        return text
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(item) for item in value.array_value.values)
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind else None


def _counters(metrics: Iterable[Metric]) -> Iterator[tuple[Source, str, int]]:
    for metric in metrics:
        if metric.name != semconv.FUNNEL_METRIC:
            continue
        for point in metric.sum.data_points:
            attributes = _attributes(point.attributes)
            name, n = attributes.get(semconv.COUNT), _number(point)
            if isinstance(name, str) and name and (source := _source(attributes)):
                yield source, name, int(n)


def _values(metrics: Iterable[Metric]) -> Iterator[tuple[Source, str, float]]:
    for metric in metrics:
        name = _GAUGES.get(metric.name)
        for point in metric.gauge.data_points if name else ():
            if source := _source(_attributes(point.attributes)):
                yield source, str(name), _number(point)


_GAUGES = {metric: name for name, metric in semconv.GAUGE_METRICS.items()}


def _source(attributes: Mapping[str, object]) -> Source | None:
    names = (semconv.EXPERIMENT_ID, semconv.CANDIDATE_ID, semconv.SOURCE)
    experiment, candidate, source = (str(attributes.get(name) or "") for name in names)
    return (experiment, candidate, source) if experiment and source else None


def _number(point: NumberDataPoint) -> float:
    """Never more than the store's columns hold, and never not a number."""
    value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
    return min(max(value, 0), 2**53) if value == value else 0


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
