"""An OTLP/HTTP endpoint for scores, with what came."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from support.json_server import serving


class Endpoint(ThreadingHTTPServer):
    """An OTLP/HTTP endpoint that answers as it is told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = {}
        self.answer = b""
        self.headers = []
        self.spans = []
        self.records = []
        self.sizes = []
        self.most = 10_000

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, path, data):
        """The status for a request, whose content is kept where it is accepted."""
        if (status := self.status.get(path, 200)) != 200:
            return status
        if path == "/v1/logs":
            for group in ExportLogsServiceRequest.FromString(data).resource_logs:
                self.records += [r for scope in group.scope_logs for r in scope.log_records]
            return 200
        groups = ExportTraceServiceRequest.FromString(data).resource_spans
        spans = [s for group in groups for scope in group.scope_spans for s in scope.spans]
        self.sizes.append(len(spans))
        if len(spans) > self.most:
            return 413
        self.spans += spans
        return 200


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        data = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
        self.server.headers.append(dict(self.headers))
        self.send_response(self.server.take(self.path, data))
        self.send_header("content-length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format, *args):
        pass


@contextmanager
def scores_endpoint() -> Iterator[Endpoint]:
    with serving(Endpoint()) as server:
        yield server


def values(attributes):
    """Attributes as a dictionary."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in attributes}
