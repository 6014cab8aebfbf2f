"""Batches of spans as the runner exports them: made by its own code, with new ids each time."""

from __future__ import annotations

import gzip
import json
import os
import random
import time
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from pydantic import SecretStr

from shadow_mw.demo.invoices import generate
from shadow_mw.runner.candidate import Leg
from shadow_mw.runner.primary import primary_leg
from shadow_mw.runner.redact import Redactor
from shadow_mw.runner.spans import Spans
from shadow_mw.semconv import PAIR_ID
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import Exchange, Outcome, WireFormat
from shadow_mw.wire import format_of

PAIRS = 32
CONTENT = 2000
"""Bytes of each answer; a primary record has its request on top."""
CANDIDATE = Candidate(id="small", url="http://127.0.0.1:9/v1", model="gpt-4o-mini")


class Batches:
    """An endless supply of export requests, no pair twice."""

    def __init__(self, different: int = 16) -> None:
        self._templates = [_batch(seed) for seed in range(different)]
        self._next = 0

    def next(self) -> bytes:
        """One gzipped protobuf request of `PAIRS` new pairs."""
        request = self._templates[self._next % len(self._templates)]
        self._next += 1
        spans = request.resource_spans[0].scope_spans[0].spans
        now = time.time_ns()
        for primary, candidate in zip(spans[::2], spans[1::2], strict=True):
            pair, trace = os.urandom(16).hex(), os.urandom(16)
            for span in (primary, candidate):
                length = span.end_time_unix_nano - span.start_time_unix_nano
                span.start_time_unix_nano, span.end_time_unix_nano = now, now + length
                span.trace_id, span.span_id = trace, os.urandom(8)
                next(a for a in span.attributes if a.key == PAIR_ID).value.string_value = pair
            candidate.parent_span_id = primary.span_id
        return gzip.compress(request.SerializeToString(), 1)


def _batch(seed: int) -> ExportTraceServiceRequest:
    settings = Settings(experiment="bench", mark=SecretStr("0123456789abcdef"), redact=())
    spans = Spans(settings, Redactor.for_store(settings))
    rng = random.Random(seed)
    made: list[ReadableSpan] = []
    for document in generate(PAIRS, seed):
        answers = [_answer(rng, document.truth) for _ in range(2)]
        made += _pair(spans, document.id, document.text, answers)
    return encode_spans(made)


def _pair(spans: Spans, key: str, text: str, answers: list[str]) -> list[ReadableSpan]:
    wire = format_of(WireFormat.OPENAI_CHAT)
    body: dict[str, Any] = {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "Answer with the fields of the document as JSON."},
            {"role": "user", "content": text[:400]},
        ],
        "response_format": {"type": "json_object"},
        "temperature": 0,
        "max_tokens": 800,
    }
    primary, candidate = (_exchange(key, body, answer) for answer in answers)
    call = wire.read_request(body)
    first = spans.primary(primary, call, body, primary_leg(primary, 2**23))
    span = spans.start_candidate(first, primary, call, CANDIDATE)
    now = time.time_ns()
    reply = primary_leg(candidate, 2**23).reply
    leg = Leg(now, now + 190_000_000, Outcome.OK, reply, status=200, ttft_ns=40_000_000)
    return [first, spans.end_candidate(span, leg, 0.012)]


def _exchange(key: str, body: dict[str, Any], answer: str) -> Exchange:
    message = {"role": "assistant", "content": answer}
    response = {
        "id": "chatcmpl-" + os.urandom(12).hex(),
        "object": "chat.completion",
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 410, "completion_tokens": 520, "total_tokens": 930},
    }
    return Exchange(
        pair_id="",
        trace_id=os.urandom(16).hex(),
        parent_span_id=os.urandom(8).hex(),
        format=WireFormat.OPENAI_CHAT,
        seam="outbound",
        host="api.openai.com",
        started_ns=time.time_ns(),
        latency_ns=480_000_000,
        ttft_ns=120_000_000,
        status=200,
        content_type="application/json",
        content_encoding="",
        end="eof",
        error=None,
        request=json.dumps(body).encode(),
        response=json.dumps(response).encode(),
        key=key,
        segment="monday",
    )


def _answer(rng: random.Random, truth: dict[str, str | None]) -> str:
    """The document's fields and as many line items as fill `CONTENT` bytes."""
    items: list[dict[str, Any]] = []
    answer = {**truth, "items": items}
    while len(json.dumps(answer)) < CONTENT:
        description = " ".join(rng.choices(WORDS, k=4))
        quantity, price = rng.randint(1, 40), f"{rng.randint(1, 99_999) / 100:.2f}"
        items.append({"description": description, "quantity": quantity, "price": price})
    return json.dumps(answer)


WORDS = (
    *("bolt", "nut", "washer", "steel", "brass", "hinge", "panel", "cable", "sensor", "valve"),
    *("pump", "filter", "gasket", "bearing", "motor", "bracket", "rail", "clamp", "hose", "seal"),
    *("lamp", "switch", "relay", "fuse", "probe", "plate", "tube", "screw", "anchor", "spring"),
)
