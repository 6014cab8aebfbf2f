"""Opening compressed bodies, whoever sent them, within a bound."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2

SLICE = 1024
"""Bytes decoded at once: even at the best ratio of gzip (1,032:1) that is one megabyte."""


def decoded(body: bytes, encoding: str, limit: int) -> bytes | None:
    """A body without its content encoding; None where it is damaged, or larger than the limit."""
    if encoding.strip().lower() in ("", "identity"):
        return body
    if "," in encoding:
        # Layers multiply what a slice may become, and no server needs them.
        return None
    response = httpx2.Response(200, headers={"content-encoding": encoding}, content=_slices(body))
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_bytes():
            size += len(part)
            if size > limit:
                return None
            parts.append(part)
    except httpx2.DecodingError:
        return None
    return b"".join(parts)


def _slices(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), SLICE):
        yield body[start : start + SLICE]
