"""A FastAPI app as one runs in production, its telemetry sent over OTLP as `OTEL_*` variables say.

TRACING chooses who makes spans: "" nobody, "built-in" what FastAPI and the anthropic SDK do by
themselves once there is a provider, "genai" OpenTelemetry's instrumentations of both SDKs and of
their HTTP clients besides. SAMPLE is the head sampler's share, decided on the trace id.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import openai
from fastapi import FastAPI
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

import shadow_mw
from shadow_mw.asgi import ShadowMiddleware

logging.basicConfig()
MODE = os.environ.get("TRACING", "")
MESSAGES: Any = [{"role": "user", "content": "hello brave new world"}]

tracing = metering = None
if MODE:
    tracing = TracerProvider(sampler=TraceIdRatioBased(float(os.environ.get("SAMPLE", "1"))))
    tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracing)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=60_000)
    metering = MeterProvider([reader])
    metrics.set_meter_provider(metering)
if MODE == "genai":
    from opentelemetry.instrumentation.genai.anthropic import AnthropicInstrumentor
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPX2ClientInstrumentor

    OpenAIInstrumentor().instrument()
    AnthropicInstrumentor().instrument()
    HTTPX2ClientInstrumentor().instrument()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    yield
    if tracing and metering:
        tracing.shutdown()
        metering.shutdown()


app = FastAPI(lifespan=lifespan)
app.add_middleware(ShadowMiddleware)
client, claude = openai.AsyncOpenAI(max_retries=0), anthropic.AsyncAnthropic(max_retries=0)


@app.post("/openai/{key}")
async def ask_openai(key: str) -> str | None:
    shadow_mw.annotate(key=key)
    answer = await client.chat.completions.create(model="m", messages=MESSAGES)
    return answer.choices[0].message.content


@app.post("/openai-stream/{key}")
async def stream_openai(key: str) -> str:
    shadow_mw.annotate(key=key)
    stream = await client.chat.completions.create(model="m", messages=MESSAGES, stream=True)
    return "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])


@app.post("/anthropic/{key}")
async def ask_anthropic(key: str) -> str:
    shadow_mw.annotate(key=key)
    answer = await claude.messages.create(model="m", max_tokens=9, messages=MESSAGES)
    return str(answer.content[0].text)


@app.post("/anthropic-stream/{key}")
async def stream_anthropic(key: str) -> str:
    shadow_mw.annotate(key=key)
    async with claude.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as stream:
        return "".join([text async for text in stream.text_stream])


@app.get("/health")
async def health() -> str:
    return "fine"
