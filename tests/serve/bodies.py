"""OTLP bodies: spans of the tests' tracer, and any message as OTLP's JSON."""

from __future__ import annotations

import base64
import gzip
import json
import os
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from support.serve import Serve

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
GZIP = {"content-encoding": "gzip"}


def traces(*spans: ReadableSpan) -> ExportTraceServiceRequest:
    """An export of spans."""
    return encode_spans(spans)


def metrics(
    funnel: dict[str, int] | None = None,
    *,
    candidate: str = "c",
    source: str = "runner:h",
    experiment: str = "e",
    **gauges: float,
) -> ExportMetricsServiceRequest:
    """What one process of ours says of itself."""
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    names = {"experiment.id": experiment, "candidate.id": candidate, "source": source}
    attributes = [_text(f"shadow.{name}", value) for name, value in names.items()]
    metric = scope.metrics.add(name="shadow.funnel")
    for name, n in (funnel or {}).items():
        point = metric.sum.data_points.add(as_int=n)
        point.attributes.extend([*attributes, _text("shadow.count", name)])
    for name, value in gauges.items():
        metric = scope.metrics.add(name=f"shadow.{name.replace('_', '.')}")
        metric.gauge.data_points.add(as_double=value).attributes.extend(attributes)
    return request


def as_json(message: Message, *, numbers: bool = False) -> bytes:
    """OTLP's JSON: ids in hex, and with `numbers` integers and enums as numbers."""
    table = MessageToDict(message, use_integers_for_enums=numbers)
    return json.dumps(_otlp(table, numbers)).encode()


def zipped(message: Message) -> bytes:
    return gzip.compress(message.SerializeToString(), 1)


def exporter(serve: Serve, *, token: str | None = None, **options: Any) -> OTLPSpanExporter:
    """The SDK's own, to a running service."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    options = {"compression": Compression.Gzip, "timeout": 20} | options
    return OTLPSpanExporter(f"{serve.url}/v1/traces", headers=headers, **options)


def send(serve: Serve, *spans: ReadableSpan, **options: Any) -> SpanExportResult:
    """One export through it."""
    one = exporter(serve, **options)
    try:
        return one.export(spans)
    finally:
        one.shutdown()


def _otlp(value: Any, numbers: bool, name: str = "") -> Any:
    if isinstance(value, list):
        return [_otlp(item, numbers) for item in value]
    if isinstance(value, dict):
        found = {key: _otlp(item, numbers, key) for key, item in value.items()}
        return found | {"aFieldOfTheFuture": {"deep": [1]}} if "scopeSpans" in found else found
    if name in ("traceId", "spanId", "parentSpanId"):
        return base64.b64decode(value).hex()
    if numbers and name in ("intValue", "startTimeUnixNano", "endTimeUnixNano", "asInt"):
        return int(value)
    return value


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def noise(size: int) -> bytes:
    """Bytes that no reader takes and no compression shrinks."""
    return b"\xff" + os.urandom(size - 1)
