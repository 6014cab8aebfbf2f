"""What says that there is no value, without being null."""

from __future__ import annotations

from shadow_mw.evaluate.strict_json import normal
from shadow_mw.types import Json

NULL_WORDS = frozenset(
    {
        *("", "-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", "?", "n/a", "n.a.", "na", "nil"),
        *("none", "null", "unknown", "undefined", "not available", "not applicable"),
        *("not found", "not specified", "not provided", "not stated"),
    }
)
"""Strings that say there is no value, in lower case."""


def is_blank(value: Json) -> bool:
    """Null, or a way to say null: an empty or dashed string, `N/A`, nothing but blanks inside."""
    if isinstance(value, str):
        return normal(value).casefold() in NULL_WORDS
    if isinstance(value, dict):
        return all(map(is_blank, value.values()))
    if isinstance(value, list):
        return all(map(is_blank, value))
    return value is None
