"""One call being recorded: references to bytes, a few times, and how it ended. No protocol here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from shadow_mw.capture.context import RequestContext
from shadow_mw.capture.trace import Trace
from shadow_mw.types import WireFormat

KEPT_HEADERS = frozenset((b"anthropic-version", b"anthropic-beta", b"openai-beta"))

_now = time.perf_counter_ns


class Recording:
    """Collects one primary leg; `finish` hands it over exactly once, whoever calls it first."""

    __slots__ = (
        "_chunks",
        "_context",
        "_on_finish",
        "_open",
        "_size",
        "abandoned",
        "content_encoding",
        "content_type",
        "end",
        "error",
        "first_ns",
        "format",
        "headers",
        "host",
        "key",
        "last_ns",
        "limit",
        "overflow",
        "owner",
        "pair_id",
        "request",
        "retry",
        "sample_rate",
        "seam",
        "segment",
        "session",
        "started_ns",
        "status",
        "streamed",
        "trace",
        "wall_ns",
    )

    def __init__(
        self,
        on_finish: Callable[[Recording], None],
        format: WireFormat,
        seam: str,
        request: bytes,
        trace: Trace,
        pair_id: str,
        limit: int,
        context: RequestContext | None = None,
    ) -> None:
        self._on_finish = on_finish
        self._open = [True]
        self._chunks: list[bytes] = []
        self._size = 0
        self._context = context
        self.format = format
        self.seam = seam
        self.request = request
        self.trace = trace
        self.pair_id = pair_id
        self.limit = limit
        self.abandoned = False
        """Nobody holds the body any more; the housekeeping ends it."""
        self.overflow = False
        self.owner: object = None
        """What is this process's alone: a fork's copy of a recording is not the fork's."""
        self.host: str | None = None
        self.headers: dict[str, str] = {}
        self.retry = 0
        self.sample_rate = 1.0
        self.status: int | None = None
        self.content_type = ""
        self.content_encoding = ""
        self.streamed = False
        self.first_ns: int | None = None
        self.end = ""
        self.error: str | None = None
        self.key = context.key if context else None
        self.segment = context.segment if context else None
        self.session = context.session if context else None
        self.wall_ns = time.time_ns()
        self.started_ns = self.last_ns = _now()

    def keep_headers(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Of the request's headers: protocol versions and the SDK's retry counter, no other."""
        for raw, value in headers:
            name = raw.lower()
            if name in KEPT_HEADERS and value.isascii():
                self.headers[name.decode()] = value.decode()
            elif name == b"x-stainless-retry-count" and value.isdigit():
                self.retry = int(value)

    def respond(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """The response has begun."""
        self.status = status
        for raw, value in headers:
            name = raw.lower()
            if name == b"content-type":
                self.content_type = value.decode("latin-1")
            elif name == b"content-encoding":
                self.content_encoding = value.decode("latin-1")

    def chunk(self, data: bytes) -> None:
        """Keep a reference to a piece of the body, as it passes by."""
        now = self.last_ns = _now()
        if self.first_ns is None:
            self.first_ns = now
        self._size += len(data)
        if self._size <= self.limit:
            self._chunks.append(data)
        elif not self.overflow:
            self.overflow = True
            self._chunks.clear()

    def finish(self, end: str, error: str | None = None) -> None:
        """The primary leg has ended; only the first call counts."""
        try:
            self._open.pop()
        except IndexError:
            return
        if not self.streamed or end == "error":
            self.last_ns = _now()
        self.end, self.error = end, error
        self._on_finish(self)

    @property
    def idle_ns(self) -> int:
        """Nanoseconds since the last piece of the body; a model may think as long as it likes."""
        return 0 if self.first_ns is None else _now() - self.last_ns

    @property
    def response(self) -> bytes:
        """The body so far."""
        return self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)

    def meta(self, counters: dict[str, Any]) -> dict[str, Any]:
        """Everything but the bodies, under the names of `types.Exchange`."""
        context = self._context
        first = self.first_ns
        return {
            "pair_id": self.pair_id,
            "trace_id": self.trace.trace_id,
            "parent_span_id": self.trace.parent_span_id,
            "traced": self.trace.shared,
            "format": self.format,
            "seam": self.seam,
            "host": self.host,
            "started_ns": self.wall_ns,
            "latency_ns": self.last_ns - self.started_ns,
            "ttft_ns": first - self.started_ns if self.streamed and first is not None else None,
            "status": self.status,
            "content_type": self.content_type,
            "content_encoding": self.content_encoding,
            "end": self.end,
            "error": self.error,
            "headers": self.headers,
            "retry": self.retry,
            "key": self.key or (context.key if context else None),
            "segment": self.segment or (context.segment if context else None),
            "session": self.session or (context.session if context else None),
            "sample_rate": self.sample_rate,
            "counters": counters,
        }
