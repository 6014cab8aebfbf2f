"""What a collector gets from an instrumented app and from the runner, as bytes ready to be sent."""

from __future__ import annotations

import gzip
import os
import time
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from benchmarks.ingest_spans import PAIRS, Batches

MARK = "0123456789abcdef"
APP_SPANS = 8
"""Of one request, besides the two legs."""
PER_BLOCK = PAIRS * (APP_SPANS + 2)

HTTP = {
    "http.request.method": "POST",
    "http.response.status_code": 200,
    "network.protocol.version": "1.1",
    "url.scheme": "http",
    "server.address": "shop.internal",
    "server.port": 8000,
}
SERVER = {
    **HTTP,
    "http.route": "/checkout/{cart}",
    "url.path": "/checkout/0f8fad5b",
    "client.address": "10.2.3.4",
    "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
    "shadow.pair.id": "0123456789abcdef0123456789abcdef",
    "shadow.experiment.id": "bench",
}
CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-0123456789abcdef",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.usage.input_tokens": 812,
    "gen_ai.usage.output_tokens": 211,
    "server.address": "api.openai.com",
}
DB = {
    "db.system.name": "postgresql",
    "db.namespace": "shop",
    "db.operation.name": "SELECT",
    "db.query.text": "SELECT id, sku, amount FROM lines WHERE cart = $1 ORDER BY position",
    "server.address": "db.internal",
    "server.port": 5432,
}
ASGI = {"asgi.event.type": "http.response.body"}


def posts(different: int = 8) -> list[tuple[bytes, bytes]]:
    """Pairs of bodies: an app's batch, and the runner's of the same number of requests."""
    legs = Batches(different)
    return [(_app_batch(), gzip.decompress(legs.next())) for _ in range(different)]


def _app_batch() -> bytes:
    kept = InMemorySpanExporter()
    resource = {"service.name": "shop", "service.version": "1.2", "host.name": "web-1"}
    provider = TracerProvider(resource=Resource(resource), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for _ in range(PAIRS):
        _request(provider)
    # As the batch processor of an SDK hands them over, grouped by scope.
    spans: list[ReadableSpan] = list(kept.get_finished_spans())
    request: bytes = encode_spans(spans).SerializeToString()
    return request


def _request(provider: TracerProvider) -> None:
    def tracer(name: str) -> Any:
        return provider.get_tracer(name, "0.60b0")

    with tracer("asgi").start_as_current_span("POST /checkout/{cart}", kind=SpanKind.SERVER) as top:
        top.set_attributes(SERVER)
        for table in ("carts", "lines"):
            with tracer("db").start_as_current_span(f"SELECT {table}", kind=SpanKind.CLIENT) as one:
                one.set_attributes(DB)
        with tracer("openai").start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT) as chat:
            chat.set_attributes(CHAT)
            with tracer("httpx").start_as_current_span("POST", kind=SpanKind.CLIENT) as post:
                post.set_attributes(HTTP | {"url.full": "https://api.openai.com/v1/chat"})
        with tracer("app").start_as_current_span("price") as inner:
            inner.set_attributes({"lines": 3, "currency": "EUR", "at": time.time()})
        for _ in range(2):
            with tracer("asgi").start_as_current_span("http send") as sent:
                sent.set_attributes(ASGI | {"id": os.urandom(4).hex()})
