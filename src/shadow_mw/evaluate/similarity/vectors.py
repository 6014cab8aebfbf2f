"""Vectors: read strictly from an answer, kept as float32, compared by their angle."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from operator import mul

from shadow_mw.types import Json
from shadow_mw.wire.lenient import mapping, parse_strict

MAX_DIMENSION = 16_384


def read(content: bytes, n: int, dimension: int | None) -> list[bytes]:
    """The vectors of an answer to `n` texts, packed, in the order of the texts.

    Raises:
        ValueError: there is anything wrong with one of them; the message says what.
    """
    data = mapping(parse_strict(content)).get("data")
    if not isinstance(data, list):
        raise ValueError("no list of embeddings in it")
    if len(data) != n:
        raise ValueError(f"{len(data)} embeddings for {n} texts")
    by_index = {item.get("index"): item for item in map(mapping, data) if _is_index(item)}
    if by_index.keys() != set(range(n)):
        raise ValueError(f"indexes that are not 0 to {n - 1}")
    vectors = [_vector(by_index[index]) for index in range(n)]
    for length in map(len, vectors):
        if length != (dimension or len(vectors[0])):
            raise ValueError(f"a vector of {length} numbers, not {dimension or len(vectors[0])}")
    return list(map(pack, vectors))


def _is_index(item: Mapping[str, Json]) -> bool:
    return type(item.get("index")) is int


def _vector(item: Mapping[str, Json]) -> list[float]:
    vector = item.get("embedding")
    if not isinstance(vector, list) or not 0 < len(vector) <= MAX_DIMENSION:
        raise ValueError("an embedding that is no list of numbers")
    if not all(type(number) in (int, float) for number in vector):
        raise ValueError("an embedding with something else than numbers")
    return vector


def pack(vector: Sequence[float]) -> bytes:
    """As it is stored.

    Raises:
        ValueError: a number is no float32, or all of them are 0, which has no direction.
    """
    try:
        packed = struct.pack(f"<{len(vector)}f", *vector)
    except (OverflowError, struct.error):
        raise ValueError("a number too large for an embedding") from None
    if not any(unpack(packed)):
        raise ValueError("a vector of zeros")
    return packed


def unpack(packed: bytes) -> tuple[float, ...]:
    """The numbers of a stored vector."""
    return struct.unpack(f"<{len(packed) // 4}f", packed)


def cosine(one: bytes, other: bytes) -> float:
    """Of the angle between two stored vectors, from -1 to 1."""
    ours, theirs = unpack(one), unpack(other)
    if len(ours) != len(theirs):
        raise ValueError(f"vectors of {len(ours)} and {len(theirs)} numbers")
    value: float = sum(map(mul, ours, theirs)) / (math.hypot(*ours) * math.hypot(*theirs))
    return max(-1.0, min(1.0, value))
