"""The primary leg, read from what was captured."""

from __future__ import annotations

from shadow_mw.runner.candidate import Leg
from shadow_mw.runner.decode import decoded
from shadow_mw.runner.retries import CANCELLED
from shadow_mw.types import Exchange, Outcome, Reply
from shadow_mw.wire import format_of


def primary_leg(exchange: Exchange, limit: int) -> Leg:
    """What the primary did; a body that was cut short by the app or its client says so.

    Args:
        exchange: as captured; a streamed body is still as it came over the wire.
        limit: bytes that the body may have once it is decoded.
    """
    content = decoded(exchange.response, exchange.content_encoding, limit) or b""
    reply = format_of(exchange.format).read_reply(exchange.status, exchange.content_type, content)
    outcome = _outcome(exchange, reply)
    return Leg(
        started_ns=exchange.started_ns,
        ended_ns=exchange.started_ns + exchange.latency_ns,
        outcome=outcome,
        reply=reply,
        status=exchange.status,
        ttft_ns=exchange.ttft_ns,
        partial=outcome is Outcome.CANCELLED,
    )


def _outcome(exchange: Exchange, reply: Reply) -> Outcome:
    error = exchange.error
    if error in CANCELLED:
        return Outcome.CANCELLED
    if error is not None:
        return Outcome.TIMEOUT if "Timeout" in error else Outcome.ERROR
    if exchange.status is None:
        return Outcome.CANCELLED
    if exchange.status >= 400:
        return Outcome.ERROR
    if exchange.end != "eof" and (not reply.complete or reply.error == "invalid_response"):
        return Outcome.CANCELLED
    return Outcome.OK if reply.error is None and reply.complete else Outcome.ERROR
