"""One call being recorded: references to bytes, a few times, and how it ended. No protocol here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from zlib import crc32

from shadow_mw.capture.context import RequestContext
from shadow_mw.frames import ENDS, FIXED, HEADER, INBOUND, MAGIC, NO_SPAN, SHARED_TRACE, Kind

KEPT_HEADERS = frozenset((b"anthropic-version", b"anthropic-beta", b"openai-beta"))
_END = {end: number for number, end in enumerate(ENDS)}

EXCHANGE = int(Kind.EXCHANGE)
MOST_NAME = 4096
"""Bytes of a key, segment or session."""

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
    wire = 0
    """The number of the wire format in `FORMATS`."""
    request = b""
    limit = 0
    """Bytes of a response that are worth keeping."""
    context: RequestContext | None = None
    labels: tuple[str | None, str | None, str | None] | None = None
    """What `annotate` said before the call; what it says during it comes second."""
    owner: object = None
    """What is this process's alone: a fork's copy of a recording is not the fork's."""
    wall_ns = started_ns = last_ns = 0
    _size = 0
    chunks: list[bytes]
    pending: list[bool]
    """One item until the leg has ended."""
    on_finish: Callable[[Recording], None]

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

    def finish_whole(self, body: bytes) -> None:
        """The response came in one piece."""
        self.chunks = [body]
        self.overflow = len(body) > self.limit
        self.end = "eof"
        self.last_ns = _now()
        self.on_finish(self)

    def chunk(self, data: bytes) -> None:
        """Keep a reference to a piece of the body, as it passes by."""
        now = self.last_ns = _now()
        if not self.first_ns:
            self.first_ns = now
        self._size += len(data)
        if self._size <= self.limit:
            self.chunks.append(data)
        elif not self.overflow:
            self.overflow = True
            self.chunks.clear()

    def finish(self, end: str, error: str = "") -> None:
        """The primary leg has ended; only the first call counts."""
        try:
            self.pending.pop()
        except IndexError:
            return
        if not self.streamed or error:
            self.last_ns = _now()
        self.end = end
        self.error = error.encode()
        self.on_finish(self)

    @property
    def idle_ns(self) -> int:
        """Nanoseconds since the last piece of the body; a model may think as long as it likes."""
        return _now() - self.last_ns if self.first_ns else 0

    def frame(self, process: bytes, captured: int) -> list[bytes]:
        """Everything that was collected, as the runner reads it."""
        chunks, request, started = self.chunks, self.request, self.started_ns
        response = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        names = b"%b\0%b\0%b\0%b\0%b\0%b\0%b" % (
            process, self.host, self.content_type, self.content_encoding, self.error,
            _labels(self) if self.context is not None else b"\0\0", self.kept,
        )  # fmt: skip
        head = FIXED.pack(
            self.pair_id, self.trace_id, self.parent_id, self.wall_ns, self.last_ns - started,
            self.first_ns - started if self.streamed and self.first_ns else -1,
            self.sample_rate, captured, self.status, self.retry, self.wire, self.flags,
            _END[self.end], len(names), len(request),
        ) + names  # fmt: skip
        checksum = crc32(response, crc32(request, crc32(head)))
        length = len(head) + len(request) + len(response)
        return [HEADER.pack(MAGIC, EXCHANGE, length, checksum), head, request, response]

    def inbound(self) -> None:
        """The call was received, not made."""
        self.flags |= INBOUND


def _labels(recording: Recording) -> bytes:
    context, labels = recording.context, recording.labels
    assert context is not None
    now = (context.key, context.segment, context.session)
    return b"\0".join(map(_name, labels or now, now))


def _name(first: str | None, second: str | None) -> bytes:
    text = first or second
    return text.encode(errors="replace").replace(b"\0", b"")[:MOST_NAME] if text else b""
