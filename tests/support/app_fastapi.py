"""A FastAPI app with an OpenTelemetry SDK, where OTEL=1 says so; `/spans` tells what it recorded.

FastAPI and the anthropic SDK make spans of their own as soon as there is a tracer provider;
OTEL=instrumented adds the ASGI and HTTP client instrumentations of OpenTelemetry's own.
"""

from __future__ import annotations

import logging
import os
from typing import Any

import anthropic
import httpx
import openai
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shadow_mw.asgi import ShadowMiddleware

logging.basicConfig()
MODE = os.environ.get("OTEL", "")
spans = InMemorySpanExporter()
if MODE:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)

app = FastAPI()
app.add_middleware(ShadowMiddleware)
client, claude = openai.AsyncOpenAI(max_retries=0), anthropic.AsyncAnthropic(max_retries=0)
MESSAGES: Any = [{"role": "user", "content": "hello"}]


@app.post("/openai")
async def ask_openai() -> str | None:
    answer = await client.chat.completions.create(model="m", messages=MESSAGES)
    return answer.choices[0].message.content


@app.post("/anthropic")
async def ask_anthropic() -> str:
    answer = await claude.messages.create(model="m", max_tokens=9, messages=MESSAGES)
    return str(answer.content[0].text)


@app.post("/legacy")
async def ask_legacy() -> Any:
    async with httpx.AsyncClient(base_url=os.environ["OPENAI_BASE_URL"]) as http:
        body = {"model": "m", "messages": MESSAGES}
        return (await http.post("/chat/completions", json=body)).json()


@app.get("/spans")
async def finished() -> list[dict[str, Any]]:
    done = [_table(span) for span in spans.get_finished_spans()]
    spans.clear()
    return done


def _table(span: ReadableSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "scope": span.instrumentation_scope.name if span.instrumentation_scope else None,
        "trace_id": f"{span.context.trace_id:032x}",
        "span_id": f"{span.context.span_id:016x}",
        "kind": span.kind.name,
        "attributes": {name: str(value) for name, value in (span.attributes or {}).items()},
    }


if MODE == "instrumented":
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    HTTPXClientInstrumentor().instrument()
    app.add_middleware(OpenTelemetryMiddleware)
