"""What a request knows about itself: the business key, segment and session of its calls."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar


class RequestContext:
    """Lives as long as one web request (or one task); shared by all its LLM calls.

    Its defaults are the class's: most requests need none of it, and every request makes one.
    """

    key: str | None = None
    segment: str | None = None
    session: str | None = None
    suppressed = False
    """The inbound side has taken this request: outbound calls under it are not captured."""
    implicit = False
    """Made by `annotate` where there is no web request."""
    trace_id: bytes | None = None
    """Of the calls so far; made at the first one where the request has no trace of its own."""

    headers: Iterable[tuple[bytes, bytes]] = ()
    """The request's, as ASGI has them."""
    traceparent: str | None = None


current: ContextVar[RequestContext | None] = ContextVar("shadow_mw_request", default=None)


def annotate(
    *, key: str | None = None, segment: str | None = None, session: str | None = None
) -> None:
    """Name what the LLM calls that follow in this request belong to.

    Outside of a web request each call starts a unit of its own and forgets the one before.

    Args:
        key: the business key under which ground truth will arrive (`shadow-mw label`).
        segment: a low-cardinality group for the report, such as a customer tier.
        session: keeps all calls of a session in or out of the sample together.
    """
    context = current.get()
    if context is None or context.implicit:
        context = RequestContext()
        context.implicit = True
        current.set(context)
    if key is not None:
        context.key = str(key)
    if segment is not None:
        context.segment = str(segment)
    if session is not None:
        context.session = str(session)
