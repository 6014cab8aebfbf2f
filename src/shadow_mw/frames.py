"""The bytes between app and runner: length-prefixed, checksummed frames in segment files.

A frame is `header(magic, kind, length, crc32) + payload`; an exchange's payload is
`sizes(meta, request) + meta JSON + request body + response body`, a counters frame's is JSON.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from shadow_mw.types import Exchange, WireFormat

HEADER = struct.Struct("<4sBII")
SIZES = struct.Struct("<II")
MAGIC = b"SMW1"
SUFFIX = ".seg"

_encode = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


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


def exchange_frame(meta: dict[str, Any], request: bytes, response: bytes) -> list[bytes]:
    """The buffers of one exchange, for a single `writev`."""
    head = _encode(meta).encode()
    sizes = SIZES.pack(len(head), len(request))
    checksum = zlib.crc32(response, zlib.crc32(request, zlib.crc32(head, zlib.crc32(sizes))))
    length = SIZES.size + len(head) + len(request) + len(response)
    return [HEADER.pack(MAGIC, Kind.EXCHANGE, length, checksum), sizes, head, request, response]


def counters_frame(counters: dict[str, Any]) -> list[bytes]:
    """The buffers of a frame that only brings counters."""
    body = _encode(counters).encode()
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
    """Absolute counters of one app process; the highest version is the newest."""

    process: str
    version: int
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
    """The exchange in a payload, and the counters of the process that wrote it.

    Raises:
        FrameError: the payload does not hold an exchange of this version.
    """
    try:
        meta_size, request_size = SIZES.unpack_from(payload)
        body = SIZES.size + meta_size
        meta = json.loads(payload[SIZES.size : body])
        counters = ProcessCounts(**meta.pop("counters"))
        exchange = Exchange(
            **meta | {"format": WireFormat(meta["format"])},
            request=payload[body : body + request_size],
            response=payload[body + request_size :],
        )
    except (struct.error, ValueError, TypeError, KeyError) as error:
        raise FrameError(f"not an exchange: {error}") from None
    return exchange, counters
