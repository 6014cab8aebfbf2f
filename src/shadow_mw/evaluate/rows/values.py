"""The values of a pair row: what each key accepts, and times to the nanosecond."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from shadow_mw.evaluate.ingest import MAX_COUNT
from shadow_mw.types import Json, Outcome

SECOND = 10**9
BELOW = 2.0**61
"""A number that as a float is above 0 and below this is so itself, and far below `MAX_COUNT`."""
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\d*(Z|z|[+-]\d\d(?::?\d\d)?)?"
)


class Wrong(ValueError):
    """The value is not what its key accepts."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a key accepts, in words and as a function that raises `Wrong`."""

    says: str
    read: Callable[[Json], Json]


def read_all(value: Json, kinds: Mapping[str, Kind], where: str = "") -> dict[str, Json]:
    """Check an object key by key; a null stays a null.

    Raises:
        ValueError: naming the key and what it accepts.
    """
    if not isinstance(value, dict):
        raise ValueError(f"`{where}` must be an object")
    if not value.keys() <= kinds.keys():
        unknown = sorted(value.keys() - kinds.keys())
        raise ValueError(f"unknown key {_name(where, unknown[0])!r}")
    read = {}
    try:
        for key, given in value.items():
            read[key] = None if given is None else kinds[key].read(given)
    except Wrong:
        raise ValueError(f"`{_name(where, key)}` must be {kinds[key].says}") from None
    return read


def _name(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise Wrong
    return value


def _filled(value: Json) -> str:
    if not isinstance(value, str) or not value:
        raise Wrong
    return value


def _flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise Wrong
    return value


def _count(value: Json) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_COUNT:
        return value
    number = _number(value)
    if number != int(number):
        raise Wrong
    return int(number)


def _number(value: Json) -> float:
    if type(value) is Decimal and 0 < (near := float(value)) < BELOW:
        return near
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise Wrong
    if not 0 <= value < MAX_COUNT or not math.isfinite(value):
        raise Wrong
    return float(value)


def _share(value: Json) -> float:
    number = _number(value)
    if not 0 < number <= 1:
        raise Wrong
    return number


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise Wrong
    return value


def _objects(value: Json) -> list[dict[str, Json]]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Wrong
    return value


def _hex(digits: int) -> Callable[[Json], str]:
    pattern = re.compile(f"[0-9a-f]{{{digits}}}")

    def read(value: Json) -> str:
        text = _text(value).lower()
        if not pattern.fullmatch(text):
            raise Wrong
        return text

    return read


def _outcome(value: Json) -> str:
    if value not in list(Outcome):
        raise Wrong
    return str(value)


def nanoseconds(text: Json, *, zone: bool = True) -> int:
    """Unix time of an ISO 8601 time, its fraction to nine digits.

    Args:
        text: as `2026-11-02T09:14:05.25Z`.
        zone: whether one has to be given; else a time without one is UTC.

    Raises:
        Wrong: it is none, or before 1970.
    """
    match = _TIME.fullmatch(_text(text))
    if match is None or (zone and match[4] is None):
        raise Wrong
    offset = (match[4] or "Z").upper().replace("Z", "+00:00")
    try:
        whole = datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}")
        seconds = int(whole.timestamp())
    except (ValueError, OverflowError):
        raise Wrong from None
    if not 0 <= seconds < MAX_COUNT // SECOND:
        raise Wrong
    return seconds * SECOND + int((match[3] or "").ljust(9, "0"))


def time_text(time_ns: int) -> str:
    """What `nanoseconds` reads."""
    seconds, fraction = divmod(time_ns, SECOND)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f".{fraction:09}".rstrip("0") if fraction else ""
    return f"{whole}{digits}Z"


TEXT = Kind("a string", _text)
FILLED = Kind("a string that is not empty", _filled)
FLAG = Kind("true or false", _flag)
COUNT = Kind("a whole number of 0 or more", _count)
NUMBER = Kind("a number of 0 or more", _number)
SHARE = Kind("a number above 0, 1 at most", _share)
OBJECT = Kind("an object", _object)
OBJECTS = Kind("a list of objects", _objects)
TRACE_ID = Kind("32 hex digits", _hex(32))
SPAN_ID = Kind("16 hex digits", _hex(16))
OUTCOME = Kind("one of " + ", ".join(Outcome), _outcome)
TIME = Kind("an ISO 8601 time with its zone, such as 2026-11-02T09:14:05Z", nanoseconds)
