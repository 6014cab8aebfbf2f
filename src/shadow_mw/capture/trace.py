"""Which trace a call belongs to: the active span, else the inbound header, else a new one."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.trace import Span

from shadow_mw.capture.context import RequestContext

_TRACEPARENT = re.compile(
    r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}"
)
# Reseeded in every forked child by the standard library; ids need no more than that.
_bits = random.getrandbits


@dataclass(slots=True)
class Trace:
    """The ids of one call; `span` is the app's own active span, to be stamped."""

    trace_id: str
    parent_span_id: str | None = None
    span: Span | None = None
    shared: bool = True
    """False where the id was made for this call alone."""


def new_id() -> str:
    """32 hex digits: a W3C trace id, or a pair id."""
    return f"{_bits(128) or 1:032x}"


def trace_of(context: RequestContext | None) -> Trace:
    """The trace of a call that starts now in this request."""
    span = trace.get_current_span()
    ids = span.get_span_context()
    if ids.is_valid:
        return Trace(f"{ids.trace_id:032x}", f"{ids.span_id:016x}", span)
    if context is None:
        return Trace(new_id(), shared=False)
    inbound = parse_traceparent(context.traceparent)
    if inbound is not None:
        return inbound
    if context.trace_id is None:
        context.trace_id = new_id()
    return Trace(context.trace_id)


def parse_traceparent(header: str | None) -> Trace | None:
    """The ids of a W3C `traceparent` header; None where there is no valid one."""
    match = _TRACEPARENT.fullmatch(header) if header else None
    return Trace(match[1], match[2]) if match else None
