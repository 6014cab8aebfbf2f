"""Which trace a call belongs to: the active span, else the inbound header, else a new one."""

from __future__ import annotations

import random
import re

from opentelemetry.context import get_current
from opentelemetry.trace import Span, get_current_span

from shadow_mw.capture.context import RequestContext
from shadow_mw.frames import NO_SPAN

_TRACEPARENT = re.compile(
    r"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}"
)

# Reseeded in every forked child by the standard library; ids need no more than that.
_bits = random.getrandbits


def new_ids() -> bytes:
    """32 bytes: a pair id, and a W3C trace id in case the call has none."""
    return _bits(256).to_bytes(32, "big")


def active_span() -> tuple[bytes, bytes, Span] | None:
    """Trace id, span id and span that are active in the app now."""
    context = get_current()
    if not context:
        return None
    span = get_current_span(context)
    ids = span.get_span_context()
    if not ids.is_valid:
        return None
    return ids.trace_id.to_bytes(16, "big"), ids.span_id.to_bytes(8, "big"), span


def request_trace(context: RequestContext, new_id: bytes) -> tuple[bytes, bytes]:
    """Trace id and parent of a request without an active span: its header's, or its own."""
    header = context.traceparent
    if header is None:
        for name, value in context.headers:
            if name == b"traceparent":
                header = context.traceparent = value.decode("latin-1")
    inbound = parse_traceparent(header) if header else None
    return inbound or (context.trace_id or new_id, NO_SPAN)


def parse_traceparent(header: str) -> tuple[bytes, bytes] | None:
    """The ids of a W3C `traceparent` header; None where there is no valid one."""
    match = _TRACEPARENT.fullmatch(header)
    return (bytes.fromhex(match[1]), bytes.fromhex(match[2])) if match else None
