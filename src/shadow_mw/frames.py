"""The bytes between app and runner: length-prefixed, checksummed frames in segment files.

A frame is `header(magic, kind, length, crc32) + payload`. An exchange's payload is a fixed part,
the names (joined by NUL), the request's body and the response's; a counters frame's is JSON.
Packed, not JSON, since an exchange's frame is made on the request path.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from shadow_mw.types import Exchange, WireFormat

HEADER = struct.Struct("<4sBII")
FIXED = struct.Struct("<16s16s8sQQqdQHBBBBHI")
"""Pair id, trace id, parent span id, started (ns), latency (ns), ttft (ns, or -1), sample rate,
captured by the process so far, status (or 0), retry, format, flags, end, size of the names, size
of the request."""
MAGIC = b"SMW1"
SUFFIX = ".seg"

FORMATS = tuple(WireFormat)
ENDS = ("eof", "closed", "gc", "idle", "disconnect", "exit", "error")
INBOUND, SHARED_TRACE = 1, 2
NO_SPAN = bytes(8)
NAMES = 9
"""Process, host, content type, content encoding, error, key, segment, session, headers."""


class Kind(IntEnum):
    """What a frame holds."""

    EXCHANGE = 1
    COUNTERS = 2


class FrameError(ValueError):
    """Bytes that are not a frame: torn, or damaged."""


class Incomplete(FrameError):
    """The rest of the frame has not been written yet, or never will be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as read; `end` is the offset of the next one."""

    kind: Kind
    payload: bytes
    end: int


def counters_frame(process: str, counts: Mapping[str, int]) -> list[bytes]:
    """The buffers of a frame that only brings counters."""
    body = json.dumps({"process": process, "counts": counts}).encode()
    return [HEADER.pack(MAGIC, Kind.COUNTERS, len(body), zlib.crc32(body)), body]


def read_frame(read: Callable[[int, int], bytes], offset: int) -> Frame | None:
    """The frame at an offset; `read(size, offset)` gives the segment's bytes, fewer at its end.

    Returns:
        None where the segment ends here.

    Raises:
        Incomplete: the segment ends before the frame does.
        FrameError: these bytes were never a frame, or have changed since.
    """
    head = read(HEADER.size, offset)
    if not head:
        return None
    if len(head) < HEADER.size:
        raise Incomplete(f"{len(head)} bytes of a header at {offset}")
    magic, kind, length, checksum = HEADER.unpack(head)
    if magic != MAGIC or kind not in (Kind.EXCHANGE, Kind.COUNTERS):
        raise FrameError(f"no frame at {offset}")
    payload = read(length, offset + HEADER.size)
    if len(payload) < length:
        raise Incomplete(f"{len(payload)} of {length} bytes at {offset}")
    if zlib.crc32(payload) != checksum:
        raise FrameError(f"checksum of the frame at {offset}")
    return Frame(Kind(kind), payload, offset + HEADER.size + length)


@dataclass(frozen=True, slots=True)
class ProcessCounts:
    """Absolute counters of one app process; they only grow, so the highest is the newest."""

    process: str
    counts: dict[str, int]


def read_counters(payload: bytes) -> ProcessCounts:
    """The counters in a counters frame.

    Raises:
        FrameError: the payload does not hold counters of this version.
    """
    try:
        return ProcessCounts(**json.loads(payload))
    except (ValueError, TypeError) as error:
        raise FrameError(f"not counters: {error}") from None


def read_exchange(payload: bytes) -> tuple[Exchange, ProcessCounts]:
    """The exchange in a payload, and how many calls its process had seen by then.

    Raises:
        FrameError: the payload does not hold an exchange of this version.
    """
    try:
        return _read_exchange(payload)
    except (struct.error, ValueError, IndexError) as error:
        raise FrameError(f"not an exchange: {error}") from None


def _read_exchange(payload: bytes) -> tuple[Exchange, ProcessCounts]:
    (pair, trace, parent, started, latency, ttft, rate, captured, status, retry, wire, flags, end,
     names_size, request_size) = FIXED.unpack_from(payload)  # fmt: skip
    body = FIXED.size + names_size
    names = [name.decode(errors="replace") for name in payload[FIXED.size : body].split(b"\0")]
    if len(names) != NAMES:
        raise ValueError(f"{len(names)} names")
    process, host, kind, encoding, error, key, segment, session, headers = names
    exchange = Exchange(
        pair_id=pair.hex(),
        trace_id=trace.hex(),
        parent_span_id=None if parent == NO_SPAN else parent.hex(),
        format=FORMATS[wire],
        seam="inbound" if flags & INBOUND else "outbound",
        host=host or None,
        started_ns=started,
        latency_ns=latency,
        ttft_ns=None if ttft < 0 else ttft,
        status=status or None,
        content_type=kind,
        content_encoding=encoding,
        end=ENDS[end],
        error=error or None,
        request=payload[body : body + request_size],
        response=payload[body + request_size :],
        headers=dict(line.split(":", 1) for line in headers.splitlines()),
        retry=retry,
        key=key or None,
        segment=segment or None,
        session=session or None,
        sample_rate=rate,
        traced=bool(flags & SHARED_TRACE),
    )
    return exchange, ProcessCounts(process, {"captured": captured})
