"""Reading JSON that others wrote: a wrong shape is an absent value, never an exception."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NoReturn

from shadow_mw.types import Json

_INT64 = 2**63


def parse(text: str | bytes) -> Json:
    """Parse JSON as Python does, with ValueError as the only failure."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parse_strict(text: str | bytes) -> Json:
    """Parse JSON that can be written again: no NaN, no infinity."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is too large")
    return number


def mapping(value: Json) -> Mapping[str, Json]:
    """Return an object, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: Json) -> list[Mapping[str, Json]]:
    """Return the objects in a list, or none."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def string(value: Json) -> str | None:
    """Return a text that says something, or None."""
    return value if isinstance(value, str) and value else None


def count(value: Json) -> int | None:
    """Return a token count that fits a span attribute, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value < _INT64 or value != int(value):
        return None
    return int(value)


def kind(value: Mapping[str, Json]) -> str:
    """Return the `type` of an object, empty where it has none."""
    return string(value.get("type")) or ""


def as_text(value: Json) -> str:
    """Return a text as it is and any other value as JSON."""
    if value is None:
        return ""
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return ""


def encodable(text: str) -> str:
    """The same text with `?` for halves of surrogate pairs: no encoding and no database takes them.

    A model can write half a pair, and an enum is no plain string.
    """
    return str(text) if text.isascii() else text.encode("utf-8", "replace").decode()


def well_formed(value: Json) -> Json:
    """Return the same value in strings that UTF-8 can hold.

    A stream may cut a character between its two surrogates: whole again where both came.
    """
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [well_formed(item) for item in value]
    if isinstance(value, dict):
        return {well_formed(key): well_formed(item) for key, item in value.items()}
    return value
