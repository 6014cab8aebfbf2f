"""Spans from a provider of our own: the app's sampling decides nothing about evaluation."""

from __future__ import annotations

import os

from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace.span import TraceState

from shadow_mw import semconv
from shadow_mw.types import Exchange
from shadow_mw.version import __version__

SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class _Ids(RandomIdGenerator):
    """Gives a root span the trace id that the app made for it."""

    trace_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id


class _Ended(SpanProcessor):
    """Catches a span as it ends."""

    last: ReadableSpan | None = None

    def on_end(self, span: ReadableSpan) -> None:
        self.last = span


class Tracer:
    """Starts spans under any parent, and hands them over as they end."""

    def __init__(self) -> None:
        self._ids, self._ended = _Ids(), _Ended()
        service = os.environ.get("OTEL_SERVICE_NAME") or "shadow-mw"
        # A switch that is meant for the app's own telemetry.
        disabled = os.environ.pop("OTEL_SDK_DISABLED", None)
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.create({SERVICE_NAME: service}),
            shutdown_on_exit=False,
            id_generator=self._ids,
            # The environment's limits are the app's; a cut record could not be scored.
            span_limits=SpanLimits(
                max_span_attributes=SpanLimits.UNSET,
                max_attribute_length=SpanLimits.UNSET,
                max_span_attribute_length=SpanLimits.UNSET,
            ),
        )
        if disabled is not None:
            os.environ["OTEL_SDK_DISABLED"] = disabled
        provider.add_span_processor(self._ended)
        self._tracer = provider.get_tracer(semconv.SCOPE, __version__)

    def start(self, name: str, parent: SpanContext | None, at: int | None = None) -> Span:
        """A span in its parent's trace; `at` is its start in Unix nanoseconds, or now."""
        assert parent is not None
        self._ids.trace_id = parent.trace_id
        return self._tracer.start_span(name, _bare(parent), SpanKind.CLIENT, start_time=at)

    def end(self, span: Span, at: int | None) -> ReadableSpan:
        """The span, ended; `at` as in `start`."""
        span.end(at)
        ended, self._ended.last = self._ended.last, None
        assert ended is not None
        return ended


def app_span(exchange: Exchange) -> SpanContext:
    """The app's span, or nothing but the trace id that the app made."""
    trace_id = int(exchange.trace_id, 16)
    span_id = int(exchange.parent_span_id, 16) if exchange.parent_span_id else 0
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=SAMPLED)


def _bare(ids: SpanContext) -> Context:
    """A fresh context: no baggage, no suppression keys, no inherited trace state."""
    bare = SpanContext(ids.trace_id, ids.span_id, ids.is_remote, SAMPLED, TraceState())
    return set_span_in_context(NonRecordingSpan(bare), Context())
