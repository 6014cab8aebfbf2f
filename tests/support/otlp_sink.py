"""An OTLP endpoint that keeps all it gets, over HTTP and gRPC, and fails when it is told to."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs_pb
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics_pb
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace_pb
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from support.servers import free_port

GRPC_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    503: grpc.StatusCode.UNAVAILABLE,
}
LARGEST = 64 << 20


@dataclass(frozen=True)
class Span:
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for a root."""
    trace_state: str
    kind: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str
    scope_attributes: dict[str, Any]
    events: list[dict[str, Any]]
    """Attributes of each event, its name under "name"."""
    start_ns: int
    end_ns: int
    error: bool


@dataclass(frozen=True)
class Point:
    metric: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    scope: str
    value: float
    """A histogram's is its count."""


@dataclass(frozen=True)
class Log:
    body: Any
    attributes: dict[str, Any]
    resource: dict[str, Any]
    event: str


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return _values(value.kvlist_value.values)
    return getattr(value, kind) if kind else None


def _values(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


class Sink:
    """Both servers, and what came."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.points: list[Point] = []
        self.logs: list[Log] = []
        self.headers: list[dict[str, str]] = []
        """Of every HTTP request, names in lower case."""
        self.sizes: list[int] = []
        """Bytes of every request's body, unpacked."""
        self._ports = free_port(), free_port()
        self._status = 200
        self._http: _Http | None = None
        self._grpc: grpc.Server | None = None

    @property
    def otlp_http(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def otlp_grpc(self) -> str:
        """With the scheme that says: no TLS."""
        return f"http://127.0.0.1:{self._ports[1]}"

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def names(self) -> list[str]:
        """Of every span that came, sorted: what came twice is there twice."""
        return sorted(span.name for span in self.spans)

    def clear(self) -> None:
        for kept in (self.spans, self.points, self.logs, self.headers, self.sizes):
            kept.clear()  # type: ignore[attr-defined]

    def fail(self, status: int) -> None:
        """Answer so from now on (an HTTP status; gRPC gives its like)."""
        self._status = status

    def work(self) -> None:
        """Take everything again."""
        self._status = 200

    def start(self) -> None:
        """Listen, on the same ports after a `stop`."""
        self._http = _Http(("127.0.0.1", self._ports[0]), self)
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        self._grpc = _grpc_server(self, f"127.0.0.1:{self._ports[1]}")

    def stop(self) -> None:
        """Be gone: no port, no connection."""
        if self._http is None or self._grpc is None:
            return
        self._grpc.stop(0).wait()
        self._http.gone = True
        self._http.shutdown()
        self._http.server_close()
        self._http = self._grpc = None

    def take(self, request: Any) -> int:
        """Keep a request, or the status to fail it with."""
        if self._status == 200:
            self.sizes.append(request.ByteSize())
            if isinstance(request, trace_pb.ExportTraceServiceRequest):
                self._take_spans(request)
            elif isinstance(request, metrics_pb.ExportMetricsServiceRequest):
                self._take_points(request)
            else:
                self._take_logs(request)
        return self._status

    def _take_spans(self, request: trace_pb.ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            resource_values = _values(resource.resource.attributes)
            for scope in resource.scope_spans:
                self.spans += [
                    Span(
                        name=span.name,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        trace_state=span.trace_state,
                        kind=span.kind,
                        attributes=_values(span.attributes),
                        resource=resource_values,
                        scope=scope.scope.name,
                        scope_attributes=_values(scope.scope.attributes),
                        events=[{"name": e.name, **_values(e.attributes)} for e in span.events],
                        start_ns=span.start_time_unix_nano,
                        end_ns=span.end_time_unix_nano,
                        error=span.status.code == 2,
                    )
                    for span in scope.spans
                ]

    def _take_points(self, request: metrics_pb.ExportMetricsServiceRequest) -> None:
        for resource in request.resource_metrics:
            resource_values = _values(resource.resource.attributes)
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in getattr(metric, metric.WhichOneof("data") or "gauge").data_points:
                        kind = point.WhichOneof("value") if hasattr(point, "as_int") else "count"
                        self.points.append(
                            Point(
                                metric=metric.name,
                                attributes=_values(point.attributes),
                                resource=resource_values,
                                scope=scope.scope.name,
                                value=float(getattr(point, kind or "count")),
                            )
                        )

    def _take_logs(self, request: logs_pb.ExportLogsServiceRequest) -> None:
        for resource in request.resource_logs:
            resource_values = _values(resource.resource.attributes)
            for scope in resource.scope_logs:
                self.logs += [
                    Log(_value(r.body), _values(r.attributes), resource_values, r.event_name)
                    for r in scope.log_records
                ]


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink that listens."""
    one = Sink()
    one.start()
    try:
        yield one
    finally:
        one.stop()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], to: Sink) -> None:
        super().__init__(address, _Handler)
        self.to = to
        self.gone = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    KINDS = {  # noqa: RUF012
        "/v1/traces": (trace_pb.ExportTraceServiceRequest, trace_pb.ExportTraceServiceResponse),
        "/v1/metrics": (
            metrics_pb.ExportMetricsServiceRequest,
            metrics_pb.ExportMetricsServiceResponse,
        ),
        "/v1/logs": (logs_pb.ExportLogsServiceRequest, logs_pb.ExportLogsServiceResponse),
    }

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        if self.server.gone:  # a connection that was kept alive
            self.close_connection = True
            return
        if self.headers.get("content-encoding") == "gzip":
            data = gzip.decompress(data)
        request, response = self.KINDS[self.path]
        self.server.to.headers.append({k.lower(): v for k, v in self.headers.items()})
        status = self.server.to.take(request.FromString(data))
        answer = response().SerializeToString() if status == 200 else b""
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        pass


def _grpc_server(to: Sink, address: str) -> grpc.Server:
    def answer(response: type) -> Any:
        def export(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
            if (status := to.take(request)) != 200:
                context.abort(GRPC_CODES[status], "as the test wants")
            return response()

        return export

    def servicer(base: type, response: type) -> Any:
        return type("Servicer", (base,), {"Export": answer(response)})()

    options = [("grpc.max_receive_message_length", LARGEST), ("grpc.so_reuseport", 0)]
    server = grpc.server(ThreadPoolExecutor(4), options=options)
    trace_grpc.add_TraceServiceServicer_to_server(
        servicer(trace_grpc.TraceServiceServicer, trace_pb.ExportTraceServiceResponse), server
    )
    metrics_grpc.add_MetricsServiceServicer_to_server(
        servicer(metrics_grpc.MetricsServiceServicer, metrics_pb.ExportMetricsServiceResponse),
        server,
    )
    logs_grpc.add_LogsServiceServicer_to_server(
        servicer(logs_grpc.LogsServiceServicer, logs_pb.ExportLogsServiceResponse), server
    )
    server.add_insecure_port(address)
    server.start()
    return server
