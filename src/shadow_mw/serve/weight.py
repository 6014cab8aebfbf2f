"""What a request would weigh in memory, told from its bytes before it is decoded.

An element of two bytes on the wire is hundreds of bytes as a message: a body within its limit could
take gigabytes. Everything here counts too much rather than too little.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from shadow_mw.serve.refusals import TooLargeError

MAX_WEIGHT: Final = 256 * 2**20
"""Bytes of messages, without their texts; 18 MiB of a candidate's small spans stay below half."""
MAX_FIELDS: Final = 8_000_000
"""Looked at one by one, which takes two seconds: three times what 18 MiB of small spans have."""
MAX_JSON_ELEMENTS: Final = 500_000
"""Objects and lists; braces within texts count too, since that is quick."""

TOO_MANY: Final = "too many elements for its size: send smaller batches"

OBJECT: Final = 64
FIELD: Final = 16
TEXT: Final = 16
NUMBER: Final = 8

VARINT, EIGHT_BYTES, SIZED, FOUR_BYTES = 0, 1, 2, 5
GROUP: Final = (3, 4)


@dataclass(slots=True)
class Shape:
    """A message as far as its elements go."""

    weight: int = 0
    messages: dict[int, Shape] = field(default_factory=dict)
    """By field number."""
    texts: set[int] = field(default_factory=set)
    """Field numbers of lists of texts."""
    numbers: set[int] = field(default_factory=set)
    """Field numbers of lists of numbers, a byte of which may be one number."""


def check_protobuf(body: bytes, kind: Any) -> None:
    """Refuse a body that would take too much memory.

    Args:
        body: a message on the wire, perhaps malformed: the decoder says that.
        kind: its descriptor.

    Raises:
        TooLargeError: it would.
    """
    if at_most(body, kind) > MAX_WEIGHT and _walked(body, shape(kind)) > MAX_WEIGHT:
        raise TooLargeError(TOO_MANY)


def check_json(body: bytes) -> None:
    """Refuse a body that would take too much memory.

    Raises:
        TooLargeError: it would.
    """
    if body.count(b"{") + body.count(b"[") > MAX_JSON_ELEMENTS:
        raise TooLargeError(TOO_MANY)


def at_most(body: bytes, kind: Any) -> int:
    """A bound that costs next to nothing: as if every byte that may begin an element did."""
    heaviest, others, numbers = _bounds(kind)
    found = (len(body) - len(body.translate(None, others))) if others else 0
    return (len(body) - found) * heaviest + (NUMBER * len(body) if numbers else 0)


@cache
def shape(kind: Any) -> Shape:
    """Of a descriptor; messages may hold themselves."""
    return _shape(kind, {})


def _shape(kind: Any, known: dict[str, Shape]) -> Shape:
    if (found := known.get(kind.full_name)) is not None:
        return found
    made = known[kind.full_name] = Shape(OBJECT + FIELD * len(kind.fields))
    for one in kind.fields:
        if one.message_type is not None:
            made.messages[one.number] = _shape(one.message_type, known)
        elif not _is_list(one):
            continue
        elif one.cpp_type == one.CPPTYPE_STRING:
            made.texts.add(one.number)
        else:
            made.numbers.add(one.number)
    return made


def _is_list(one: Any) -> bool:
    """As every protobuf that OpenTelemetry takes says it."""
    return bool(one.is_repeated if hasattr(one, "is_repeated") else one.label == one.LABEL_REPEATED)


@cache
def _bounds(kind: Any) -> tuple[int, bytes, bool]:
    """The heaviest element, the bytes that can begin none, and whether there are packed numbers."""
    shapes: dict[str, Shape] = {}
    _shape(kind, shapes)
    begins = {
        (number << 3 | SIZED) & 0x7F
        for one in shapes.values()
        for number in (*one.messages, *one.texts)
    }
    others = bytes(byte for byte in range(256) if byte & 0x7F not in begins)
    heaviest = max(one.weight for one in shapes.values())
    return heaviest, others, any(one.numbers for one in shapes.values())


def _walked(body: bytes, top: Shape) -> int:
    """The weight up to where the body ends, breaks, or has become too heavy."""
    weight, at, end, here = 0, 0, len(body), top
    above: list[tuple[int, Shape]] = []
    try:
        for _ in range(MAX_FIELDS):
            while at >= end:
                if not above:
                    return weight
                end, here = above.pop()
            if weight > MAX_WEIGHT:
                return weight
            tag, at = _varint(body, at)
            wire, number = tag & 7, tag >> 3
            if wire == SIZED:
                size, at = _varint(body, at)
                inner = here.messages.get(number)
                if inner is not None:
                    weight += inner.weight
                    above.append((end, here))
                    end, here = min(at + size, end), inner
                    continue
                weight += TEXT * (number in here.texts) + NUMBER * size * (number in here.numbers)
                at += size
            elif wire == VARINT:
                _, at = _varint(body, at)
                weight += NUMBER * (number in here.numbers)
            elif wire == EIGHT_BYTES:
                at += 8
            elif wire == FOUR_BYTES:
                at += 4
            elif wire not in GROUP:
                return weight
    except (IndexError, ValueError):
        return weight  # broken here: the decoder gets no further, and says so
    return MAX_WEIGHT + 1


def _varint(body: bytes, at: int) -> tuple[int, int]:
    byte = body[at]
    if byte < 0x80:
        return byte, at + 1
    value = byte & 0x7F
    for shift in range(7, 70, 7):
        at += 1
        byte = body[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at + 1
    raise ValueError("more than ten bytes")
