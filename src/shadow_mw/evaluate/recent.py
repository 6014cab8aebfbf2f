"""Values that this process has just written as JSON: who reads the text next need not parse it."""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate import strict_json
from shadow_mw.types import Json

MOST: Final = 1_024
"""Texts of a few hundred pairs: those that are judged together."""
LONGEST: Final = 10_000
"""Characters of a text."""

_values: dict[str, Json] = {}


def remember(text: str, value: Json) -> None:
    """Keep what a text was written from; nobody is to change it.

    Args:
        text: JSON.
        value: exactly what `strict_json.loads` would give of it: no float is in it.
    """
    if len(text) > LONGEST:
        return
    if len(_values) >= MOST:
        del _values[next(iter(_values))]
    _values[text] = value


def loads(text: str) -> Json:
    """As `strict_json.loads`."""
    value = _values.get(text)
    return strict_json.loads(text) if value is None else value


def loads_or_none(text: str) -> Json:
    """As `strict_json.loads_or_none`."""
    value = _values.get(text)
    return strict_json.loads_or_none(text) if value is None else value
