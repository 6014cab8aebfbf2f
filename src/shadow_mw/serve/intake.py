"""A request's way in: its headers, its body within limits, and what it holds."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from shadow_mw.serve import otlp
from shadow_mw.serve.refusals import (
    MalformedError,
    TooLargeError,
    UnavailableError,
    UnsupportedError,
)
from shadow_mw.serve.screen import screen
from shadow_mw.serve.writer import Batch

MAX_BODY: Final = 32 * 2**20
"""Bytes of one request as sent; a pair with the largest bodies that are captured fits."""
MAX_DECODED: Final = 64 * 2**20
MAX_JSON: Final = 16 * 2**20
"""Bytes of JSON, which takes many times its size while it is read."""
MAX_WAITING: Final = 64 * 2**20
"""Bytes of all requests that are under way."""

RECEIVE_SECONDS: Final = 60.0
"""A sender that has gone silent holds none of them for longer."""

SMALLER: Final = "send smaller batches"
MOST_MEMBERS: Final = 16
GZIP: Final = 16 + zlib.MAX_WBITS


class Waiting:
    """Counts the bytes that were received and are not answered for."""

    def __init__(self, limit: int = MAX_WAITING) -> None:
        self._limit = limit
        self.bytes = 0

    @contextmanager
    def share(self) -> Iterator[Share]:
        """One request's part of them, given back at its end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.bytes -= share.bytes

    def fits(self, size: int) -> bool:
        """Whether some more may come in."""
        return self.bytes + size <= self._limit


class Share:
    """The bytes of one request."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self.bytes = 0

    def add(self, size: int) -> None:
        """Take some more in.

        Raises:
            TooLargeError: for one request.
            UnavailableError: for all of them together.
        """
        check_size(self.bytes + size)
        if not self._waiting.fits(size):
            raise UnavailableError("the store is behind")
        self.bytes += size
        self._waiting.bytes += size


@dataclass(frozen=True, slots=True)
class Body:
    """A request as it was sent."""

    content_type: str
    gzipped: bool
    data: bytes

    def read_spans(self) -> Batch:
        """What it holds as a trace export."""
        data = self._decoded()
        spans = otlp.read_spans(data, self.content_type)
        found = screen(spans)
        return Batch(spans=found.legs, rejected=found.rejected, received=len(spans), size=len(data))

    def read_readings(self) -> Batch:
        """What it holds as a metrics export."""
        data = self._decoded()
        return Batch(readings=otlp.read_readings(data, self.content_type), size=len(data))

    def _decoded(self) -> bytes:
        data = gunzip(self.data) if self.gzipped else self.data
        if self.content_type == otlp.JSON and len(data) > MAX_JSON:
            raise TooLargeError(f"more than {MAX_JSON} bytes of JSON: {SMALLER}")
        return data


async def receive(request: Request, share: Share) -> Body:
    """Take in a body, never more of it than allowed.

    Raises:
        RefusedError: what its headers say, or its size.
    """
    kind = content_type(request)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", ""):
        raise UnsupportedError(f"content encoding {encoding}: accepted are gzip and none")
    length = request.headers.get("content-length", "")
    if length.isdecimal():
        check_size(int(length))
    data = bytearray()
    try:
        async with asyncio.timeout(RECEIVE_SECONDS):
            async for chunk in request.stream():
                share.add(len(chunk))
                data += chunk
    except TimeoutError:
        raise UnavailableError("the body takes too long to come") from None
    return Body(kind, encoding == "gzip", bytes(data))


def content_type(request: Request) -> str:
    """One of the two that OTLP has.

    Raises:
        UnsupportedError: it is another.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (otlp.PROTOBUF, otlp.JSON):
        raise UnsupportedError(
            f"content type {kind or 'none'}: accepted are {otlp.PROTOBUF} and {otlp.JSON}"
        )
    return kind


def check_size(size: int) -> None:
    """Let no request be larger than one may be."""
    if size > MAX_BODY:
        raise TooLargeError(f"more than {MAX_BODY} bytes: {SMALLER}")


def gunzip(data: bytes) -> bytes:
    """Decompress, never to more than is allowed.

    Raises:
        MalformedError: it is no whole gzip stream.
        TooLargeError: it would become too large.
    """
    parts: list[bytes] = []
    left = MAX_DECODED
    while data or not parts:
        if len(parts) == MOST_MEMBERS:
            # Each costs a copy of the rest, and may be empty.
            raise MalformedError(f"not gzip: more than {MOST_MEMBERS} members")
        stream = zlib.decompressobj(GZIP)
        try:
            parts.append(stream.decompress(data, left + 1))
        except zlib.error as error:
            raise MalformedError(f"not gzip: {error}") from None
        left -= len(parts[-1])
        if left < 0:
            raise TooLargeError(f"more than {MAX_DECODED} bytes decompressed: {SMALLER}")
        if not stream.eof:
            raise MalformedError("not gzip: it ends too early")
        data = stream.unused_data
    return b"".join(parts)
