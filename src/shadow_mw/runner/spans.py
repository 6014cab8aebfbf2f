"""Both legs as OpenTelemetry spans: one trace id, the candidate under the primary record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from shadow_mw import semconv
from shadow_mw.runner.candidate import Leg
from shadow_mw.runner.redact import Redactor
from shadow_mw.runner.tracer import Tracer, app_span
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import Call, Exchange, Json, Outcome, Role, WireFormat
from shadow_mw.wire import format_of
from shadow_mw.wire.base import output_messages
from shadow_mw.wire.lenient import encodable


class Spans:
    """Builds the two records of a pair."""

    def __init__(self, settings: Settings, redactor: Redactor) -> None:
        self._experiment = settings.experiment
        self._full = settings.content == "full"
        self._mark = settings.mark.get_secret_value() if settings.mark else None
        self._trace_hosts = frozenset(settings.trace_hosts)
        self._redactor = redactor
        self._tracer = Tracer()

    def primary(self, exchange: Exchange, call: Call, body: Json, leg: Leg) -> ReadableSpan:
        """The record of the primary leg, ended."""
        name = f"{format_of(exchange.format).operation} {call.model}"
        span = self._tracer.start(name, app_span(exchange), leg.started_ns)
        self._common(span, Role.PRIMARY, exchange, call)
        host, _, port = (exchange.host or "").partition(":")
        _set(
            span,
            {
                semconv.REQUEST_MODEL: call.model,
                semconv.EXPECTS_JSON: call.expects_json,
                semconv.SERVER_ADDRESS: host or None,
                semconv.SERVER_PORT: int(port) if port.isdecimal() else None,
                **call.params,
                **(self._input(exchange.format, body) if self._full else {}),
            },
        )
        return self._end(span, leg)

    def start_candidate(
        self, primary: ReadableSpan, exchange: Exchange, call: Call, candidate: Candidate
    ) -> Span:
        """The candidate's span, to be ended by `end_candidate`."""
        name = f"{format_of(exchange.format).operation} {candidate.model}"
        span = self._tracer.start(name, primary.get_span_context())
        self._common(span, Role.CANDIDATE, exchange, call)
        url = urlsplit(candidate.url)
        _set(
            span,
            {
                semconv.CANDIDATE_ID: candidate.id,
                semconv.REQUEST_MODEL: candidate.model,
                semconv.SERVER_ADDRESS: url.hostname,
                semconv.SERVER_PORT: url.port,
                semconv.BACKFILL: exchange.seam == "backfill" or None,
            },
        )
        return span

    def end_candidate(self, span: Span, leg: Leg, queue_delay: float) -> ReadableSpan:
        """The record of the candidate leg."""
        _set(span, {semconv.QUEUE_DELAY: queue_delay, semconv.REASON: leg.reason})
        return self._end(span, leg)

    def headers(self, span: Span, candidate: Candidate) -> dict[str, str]:
        """What links the candidate's own spans to ours; the mark only where its host may see it."""
        ids = span.get_span_context()
        headers = {
            "x-trace-id": f"{ids.trace_id:032x}",
            "traceparent": f"00-{ids.trace_id:032x}-{ids.span_id:016x}-01",
        }
        if self._mark and urlsplit(candidate.url).hostname in self._trace_hosts:
            headers["tracestate"] = f"shadow={self._mark}"
        return headers

    def _common(self, span: Span, role: Role, exchange: Exchange, call: Call) -> None:
        wire = format_of(exchange.format)
        _set(
            span,
            {
                semconv.ROLE: role,
                semconv.PAIR_ID: exchange.pair_id,
                semconv.EXPERIMENT_ID: self._experiment,
                semconv.MARK: self._mark,
                semconv.SAMPLE_RATE: exchange.sample_rate,
                semconv.SEGMENT: self._redacted(exchange.segment),
                semconv.SESSION: self._redacted(exchange.session),
                semconv.KEY: self._redacted(exchange.key),
                semconv.WIRE_FORMAT: exchange.format,
                semconv.OPERATION_NAME: wire.operation,
                semconv.PROVIDER_NAME: wire.provider,
                semconv.REQUEST_STREAM: call.stream,
            },
        )

    def _redacted(self, text: str | None) -> str | None:
        return None if text is None else self._redactor.text(text)

    def _input(self, format: WireFormat, body: Json) -> Mapping[str, AttributeValue | None]:
        """Redacted once, then read anew: a long prompt is looked through one time only."""
        clean = self._redactor.request(body)
        call = format_of(format).read_request(clean)
        system = call.system_instructions
        return {
            semconv.REQUEST: _dumps(clean),
            semconv.INPUT_MESSAGES: _dumps(call.input_messages),
            semconv.SYSTEM_INSTRUCTIONS: _dumps(system) if system else None,
        }

    def _end(self, span: Span, leg: Leg) -> ReadableSpan:
        reply, usage = leg.reply, leg.reply.usage
        _set(
            span,
            {
                semconv.OUTCOME: leg.outcome,
                semconv.PARTIAL: leg.partial or None,
                semconv.CONTENT_TRUNCATED: None if self._full else True,
                semconv.HTTP_STATUS: leg.status,
                semconv.RESPONSE_ID: reply.response_id,
                semconv.RESPONSE_MODEL: reply.model,
                semconv.RESPONSE_FINISH_REASONS: (
                    (reply.finish_reason,) if reply.finish_reason else None
                ),
                semconv.RESPONSE_TTFC: leg.ttft_ns / 1e9 if leg.ttft_ns is not None else None,
                semconv.USAGE_INPUT_TOKENS: usage.input_tokens,
                semconv.USAGE_OUTPUT_TOKENS: usage.output_tokens,
                semconv.USAGE_CACHE_READ: usage.cache_read_tokens,
                semconv.USAGE_CACHE_WRITE: usage.cache_write_tokens,
                semconv.USAGE_REASONING: usage.reasoning_tokens,
                semconv.OUTPUT_MESSAGES: self._output(leg) if self._full else None,
            },
        )
        if leg.outcome in (Outcome.ERROR, Outcome.TIMEOUT):
            _set(span, {semconv.ERROR_TYPE: self._redacted(reply.error) or str(leg.outcome)})
            message = self._redactor.text(reply.error_message or "")
            span.set_status(Status(StatusCode.ERROR, message[:200] or None))
        return self._tracer.end(span, leg.ended_ns)

    def _output(self, leg: Leg) -> str | None:
        messages = output_messages(leg.reply)
        for message in messages:
            for part in message["parts"]:
                self._redact_part(part)
        return _dumps(messages) if messages else None

    def _redact_part(self, part: dict[str, Json]) -> None:
        for name, value in part.items():
            clean = self._redactor.output if isinstance(value, str) else self._redactor.json
            part[name] = clean(value)


def _set(span: Span, attributes: Mapping[str, AttributeValue | None]) -> None:
    for name, value in attributes.items():
        if value is not None:
            span.set_attribute(name, encodable(value) if isinstance(value, str) else value)


def _dumps(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
