"""One call being recorded: references to bytes, a few times, and how it ended. No protocol here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from shadow_mw.capture.context import RequestContext
from shadow_mw.frames import ENDS, FIXED, INBOUND, NO_SPAN, SHARED_TRACE, exchange_frame

KEPT_HEADERS = frozenset((b"anthropic-version", b"anthropic-beta", b"openai-beta"))
_END = {end: number for number, end in enumerate(ENDS)}

_now = time.perf_counter_ns


class Recording:
    """Collects one primary leg; `finish` hands it over exactly once, whoever calls it first.

    Defaults are the class's: what a call does not need costs it nothing.
    """

    pair_id = bytes(16)
    trace_id = bytes(16)
    parent_id = NO_SPAN
    flags = SHARED_TRACE
    sample_rate = 1.0
    host = b""
    kept = b""
    """Of the request's headers, what the candidate may need, as `name:value` lines."""
    retry = 0
    status = 0
    content_type = b""
    content_encoding = b""
    streamed = False
    abandoned = False
    """Nobody holds the body any more; the housekeeping ends it."""
    overflow = False
    first_ns = 0
    end = ""
    error = b""
    _size = 0

    def __init__(
        self,
        on_finish: Callable[[Recording], None],
        owner: object,
        wire: int,
        request: bytes,
        limit: int,
        context: RequestContext | None,
    ) -> None:
        self._on_finish = on_finish
        self.owner = owner
        """What is this process's alone: a fork's copy of a recording is not the fork's."""
        self.wire = wire
        self.request = request
        self._limit = limit
        self._context = context
        # What `annotate` said before the call; what it says during it comes second.
        self._labels = (context.key, context.segment, context.session) if context else None
        self._chunks: list[bytes] = []
        self._open = [True]
        self.wall_ns = time.time_ns()
        self.started_ns = self.last_ns = _now()

    def keep_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Of the request's headers: protocol versions and the SDK's retry counter, no other."""
        for raw, value in headers:
            name = raw.lower()
            if name in KEPT_HEADERS and value.isascii():
                self.kept += name + b":" + value + b"\n"
            elif name == b"x-stainless-retry-count" and value.isdigit():
                self.retry = min(int(value), 255)
            elif name == b"host":
                self.host = value

    def respond(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """The response has begun."""
        self.status = status
        for raw, value in headers:
            name = raw.lower()
            if name == b"content-type":
                self.content_type = value
            elif name == b"content-encoding":
                self.content_encoding = value

    def whole(self, status: int, body: bytes) -> None:
        """The response came in one piece, decoded."""
        self.status = status
        if len(body) <= self._limit:
            self._chunks.append(body)
        else:
            self.overflow = True
        self.finish("eof")

    def chunk(self, data: bytes) -> None:
        """Keep a reference to a piece of the body, as it passes by."""
        now = self.last_ns = _now()
        if not self.first_ns:
            self.first_ns = now
        self._size += len(data)
        if self._size <= self._limit:
            self._chunks.append(data)
        elif not self.overflow:
            self.overflow = True
            self._chunks.clear()

    def finish(self, end: str, error: str = "") -> None:
        """The primary leg has ended; only the first call counts."""
        try:
            self._open.pop()
        except IndexError:
            return
        if not self.streamed or error:
            self.last_ns = _now()
        self.end = end
        self.error = error.encode()
        self._on_finish(self)

    @property
    def idle_ns(self) -> int:
        """Nanoseconds since the last piece of the body; a model may think as long as it likes."""
        return _now() - self.last_ns if self.first_ns else 0

    def frame(self, process: bytes, captured: int) -> list[bytes]:
        """Everything that was collected, as the runner reads it."""
        chunks = self._chunks
        response = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        names = b"\0".join(
            (process, self.host, self.content_type, self.content_encoding, self.error)
        )
        names += b"\0" + self._label_names() + b"\0" + self.kept
        started, request = self.started_ns, self.request
        fixed = FIXED.pack(
            self.pair_id, self.trace_id, self.parent_id, self.wall_ns, self.last_ns - started,
            self.first_ns - started if self.streamed and self.first_ns else -1,
            self.sample_rate, captured, self.status, self.retry, self.wire, self.flags,
            _END[self.end], len(names), len(request),
        )  # fmt: skip
        return exchange_frame(fixed, names, request, response)

    def _label_names(self) -> bytes:
        context = self._context
        if context is None or self._labels is None:
            return b"\0\0"
        now = (context.key, context.segment, context.session)
        return b"\0".join(map(_name, self._labels, now))

    def inbound(self) -> None:
        """The call was received, not made."""
        self.flags |= INBOUND


def _name(first: str | None, second: str | None) -> bytes:
    text = first or second
    return text.encode(errors="replace").replace(b"\0", b"")[:MOST_NAME] if text else b""


MOST_NAME = 4096
"""Bytes of a key, segment or session."""
