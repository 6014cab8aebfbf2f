"""Calls that the app receives, where it is an LLM gateway itself; shared by ASGI, WSGI, Django."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from shadow_mw.capture import outbound
from shadow_mw.capture.context import RequestContext, current
from shadow_mw.capture.failsafe import failsafe
from shadow_mw.types import Reason

if TYPE_CHECKING:
    from shadow_mw.capture.recorder import Recording
    from shadow_mw.capture.shadow import Shadow

RECURSION_HEADER = b"x-shadow-role"
"""Set by every runner: a candidate call that comes back to a shadowed app goes no further."""


@failsafe
def inbound_call(
    shadow: Shadow,
    path: str,
    context: RequestContext,
    headers: Iterable[tuple[bytes, bytes]],
) -> Inbound | None:
    """The recording of a POST to this app; None where it is no LLM call, or refused."""
    if not shadow.inbound:
        return None
    wire = shadow.wire_of(path.encode(errors="replace"))
    if wire is None:
        return None
    # Even where the gate refuses: the same call must not come in by the outbound side.
    context.suppressed = True
    kept = list(headers)
    if outbound.capturing.get():
        return None
    reason = shadow.refuse()
    if any(name.lower() == RECURSION_HEADER for name, _ in kept):
        reason = Reason.RECURSION
    if reason is not None:
        shadow.counters.refused(reason)
        return None
    return Inbound(shadow, wire, context, kept)


class Inbound:
    """One call at the inbound side: collects the request, then records the response."""

    __slots__ = (
        "_arrived",
        "_body",
        "_headers",
        "_recording",
        "_refused",
        "_shadow",
        "_size",
        "_wire",
        "context",
    )

    def __init__(
        self,
        shadow: Shadow,
        wire: int,
        context: RequestContext,
        headers: list[tuple[bytes, bytes]],
    ) -> None:
        self.context = context
        self._shadow = shadow
        self._wire = wire
        self._headers = headers
        self._arrived = time.perf_counter_ns()
        self._recording: Recording | None = None
        self._refused = False
        self._body: list[bytes] = []
        self._size = 0

    def refuse(self, reason: Reason) -> None:
        """Record nothing of this call, counted."""
        self._refused = True
        self._shadow.counters.refused(reason)
        self._body.clear()

    @failsafe
    def request(self, data: bytes) -> None:
        """A piece of the request's body."""
        if self._refused or self._recording is not None:
            return
        self._size += len(data)
        if self._size > self._shadow.gate.max_request:
            self.refuse(Reason.REQUEST_TOO_LARGE)
        else:
            self._body.append(data)

    @failsafe
    def begin(self) -> None:
        """The request is complete: the primary's clock starts."""
        if self._refused or self._recording is not None:
            return
        body = b"".join(self._body)
        self._body.clear()
        recording = self._shadow.admit(self._wire, body, self.context)
        if recording is None:
            self._refused = True
            return
        recording.inbound()
        recording.keep_headers(self._headers)
        self._shadow.watch(recording)
        self._recording = recording

    @failsafe
    def respond(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """The app has begun its answer."""
        if self._recording is None:
            # The app answers before it has read the whole request.
            self.begin()
            if self._recording is None:
                return
            self._recording.started_ns = self._arrived
        self._recording.respond(status, headers)
        self._recording.streamed = b"event-stream" in self._recording.content_type

    @failsafe
    def chunk(self, data: bytes) -> None:
        """A piece of the answer's body, on its way to the client."""
        if self._recording is not None and data:
            self._recording.chunk(data)

    @failsafe
    def finish(self, end: str, error: str = "") -> None:
        """The answer has ended, one way or another."""
        if self._recording is not None:
            self._recording.finish(end, error)
        elif not self._refused:
            # The client went away while it sent, or the app failed before it read.
            self.refuse(Reason.REQUEST_INCOMPLETE)

    @failsafe
    def unseen(self) -> None:
        """The answer's body goes to the client by a way that cannot be recorded."""
        if self._recording is not None:
            self._shadow.drop(self._recording, Reason.RESPONSE_NOT_READABLE)
            self._recording = None
            self._refused = True


class Body:
    """A response body on its way to the server: recorded, and run in its request's context.

    A streamed body is often produced after the handler has returned, its LLM call included.
    """

    def __init__(
        self, inner: Iterable[bytes], context: RequestContext, call: Inbound | None
    ) -> None:
        self._inner = inner
        self._iterator = iter(inner)
        self._context = context
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        token = current.set(self._context)
        try:
            data = next(self._iterator)
        except StopIteration:
            self._finish("eof")
            raise
        except BaseException as error:
            self._finish("error", type(error).__name__)
            raise
        finally:
            current.reset(token)
        if self._call is not None:
            self._call.chunk(data)
        return data

    def close(self) -> None:
        """Close the inner body, as the server asks; an unfinished one was cut short."""
        token = current.set(self._context)
        try:
            if (close := getattr(self._inner, "close", None)) is not None:
                close()
        finally:
            current.reset(token)
            self._finish("closed")

    def _finish(self, end: str, error: str = "") -> None:
        if self._call is not None:
            self._call.finish(end, error)
