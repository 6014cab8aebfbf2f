"""From a span to an observation: one leg of one pair, as columns and content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from shadow_mw import semconv
from shadow_mw.prices import PriceTable
from shadow_mw.records import SpanRecord
from shadow_mw.types import Outcome, Role, Usage, WireFormat
from shadow_mw.wire.lenient import encodable

WITHOUT_ANSWER = frozenset({WireFormat.OPENAI_EMBEDDINGS, WireFormat.OPENAI_COMPLETIONS})
"""Calls of which only latency, usage and errors are compared."""

MAX_COUNT = 2**62

Attributes = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Content:
    """What was said, each as the JSON text of the span; None where it was not recorded."""

    request: str | None = None
    system: str | None = None
    input: str | None = None
    output: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What one leg did; every field but `NO_COLUMNS` is a column of the store."""

    experiment: str
    pair_id: str
    role: str
    candidate_id: str
    """Empty on the primary leg, which all candidates share."""
    trace_id: str
    span_id: str
    time_ns: int
    model: str | None
    outcome: str
    answered: bool
    """The call ended properly with a response that is no error."""
    error_type: str | None
    reason: str | None
    finish_reason: str | None
    latency_ms: float | None
    ttft_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    partial: bool
    truncated: bool
    has_answer: bool
    """False for embeddings and legacy completions: there is no answer to compare."""
    expects_json: bool
    key: str | None
    segment: str | None
    session: str | None
    sample_rate: float | None
    content: Content
    backfilled: bool = False
    """Asked from the store, at another time than the primary; no column: its pair says it."""


NO_COLUMNS = frozenset({"content", "backfilled"})


def record(span: ReadableSpan) -> SpanRecord | None:
    """A span of this process, read; None for one without ids."""
    context = span.context
    if context is None:
        return None
    return SpanRecord(
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        start_ns=span.start_time or 0,
        end_ns=span.end_time,
        failed=span.status.status_code is StatusCode.ERROR,
        attributes=span.attributes or {},
        scope=span.instrumentation_scope.name if span.instrumentation_scope else "",
    )


def observation(span: SpanRecord, prices: PriceTable) -> Observation | None:
    """Read one span; None where it is no leg of a pair. Never raises for what a span holds."""
    attributes = span.attributes
    role, pair_id = _text(attributes, semconv.ROLE), _text(attributes, semconv.PAIR_ID)
    if role not in (Role.PRIMARY, Role.CANDIDATE) or not pair_id:
        return None
    usage = _usage(attributes)
    outcome = _outcome(span, attributes)
    partial = bool(attributes.get(semconv.PARTIAL))
    models = [_text(attributes, name) for name in (semconv.REQUEST_MODEL, semconv.RESPONSE_MODEL)]
    start = min(span.start_ns, MAX_COUNT)
    ttft = _number(attributes, semconv.RESPONSE_TTFC)
    return Observation(
        experiment=_text(attributes, semconv.EXPERIMENT_ID) or "default",
        pair_id=pair_id,
        role=role,
        candidate_id=_candidate_id(role, attributes, models),
        trace_id=span.trace_id,
        span_id=span.span_id,
        time_ns=start,
        model=models[0] or models[1],
        outcome=outcome,
        answered=outcome == Outcome.OK and not partial,
        error_type=None if outcome == Outcome.OK else _text(attributes, semconv.ERROR_TYPE),
        reason=_text(attributes, semconv.REASON),
        finish_reason=_finish_reason(attributes),
        latency_ms=_latency(span),
        ttft_ms=None if ttft is None else ttft * 1000,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        cost_usd=_cost(prices, models, usage),
        partial=partial,
        truncated=bool(attributes.get(semconv.CONTENT_TRUNCATED)),
        has_answer=_has_answer(attributes),
        expects_json=bool(attributes.get(semconv.EXPECTS_JSON)),
        key=_text(attributes, semconv.KEY),
        segment=_text(attributes, semconv.SEGMENT),
        session=_text(attributes, semconv.SESSION),
        # No call was sampled at a rate of 0.
        sample_rate=_number(attributes, semconv.SAMPLE_RATE) or None,
        content=Content(
            request=_text(attributes, semconv.REQUEST),
            system=_text(attributes, semconv.SYSTEM_INSTRUCTIONS),
            input=_text(attributes, semconv.INPUT_MESSAGES),
            output=_text(attributes, semconv.OUTPUT_MESSAGES),
        ),
        backfilled=role == Role.CANDIDATE and bool(attributes.get(semconv.BACKFILL)),
    )


def _latency(span: SpanRecord) -> float | None:
    """Unknown where there is no end, or one before the start."""
    if span.end_ns is None or span.end_ns < span.start_ns:
        return None
    return (span.end_ns - span.start_ns) / 1e6


def _outcome(span: SpanRecord, attributes: Attributes) -> str:
    given = _text(attributes, semconv.OUTCOME)
    if given in list(Outcome):
        return str(given)
    failed = span.failed or _text(attributes, semconv.ERROR_TYPE) is not None
    return Outcome.ERROR if failed else Outcome.OK


def _candidate_id(role: str, attributes: Attributes, models: list[str | None]) -> str:
    if role == Role.PRIMARY:
        return ""
    return _text(attributes, semconv.CANDIDATE_ID) or models[0] or "candidate"


def _usage(attributes: Attributes) -> Usage:
    return Usage(
        input_tokens=_count(attributes, semconv.USAGE_INPUT_TOKENS),
        output_tokens=_count(attributes, semconv.USAGE_OUTPUT_TOKENS),
        cache_read_tokens=_count(attributes, semconv.USAGE_CACHE_READ),
        cache_write_tokens=_count(attributes, semconv.USAGE_CACHE_WRITE),
        reasoning_tokens=_count(attributes, semconv.USAGE_REASONING),
    )


def _cost(prices: PriceTable, models: list[str | None], usage: Usage) -> float | None:
    """By the name that was asked for, which is the one a price list of the user has."""
    for model in models:
        cost = prices.cost(model, usage)
        if cost is not None:
            return float(cost)
    return None


def _has_answer(attributes: Attributes) -> bool:
    operation = _text(attributes, semconv.OPERATION_NAME)
    wire = _text(attributes, semconv.WIRE_FORMAT)
    return operation not in ("embeddings", "text_completion") and wire not in WITHOUT_ANSWER


def _finish_reason(attributes: Attributes) -> str | None:
    reasons = attributes.get(semconv.RESPONSE_FINISH_REASONS)
    if isinstance(reasons, list | tuple) and reasons:
        return str(reasons[0])
    return None


def _text(attributes: Attributes, name: str) -> str | None:
    value = attributes.get(name)
    if not isinstance(value, str) or not value:
        return None
    return encodable(value)


def _number(attributes: Attributes, name: str) -> float | None:
    value = attributes.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < MAX_COUNT else None


def _count(attributes: Attributes, name: str) -> int | None:
    value = _number(attributes, name)
    return None if value is None else int(value)
