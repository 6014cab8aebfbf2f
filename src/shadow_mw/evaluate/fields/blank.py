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

_LONGEST = max(map(len, NULL_WORDS))


def is_blank(value: Json) -> bool:
    """Null, or a way to say null: an empty or dashed string, `N/A`, nothing but blanks inside."""
    if isinstance(value, str):
        text = value.strip()
        # What NFKC makes shorter is not ASCII afterwards, as the words are.
        if len(text) > _LONGEST:
            return False
        return (text.lower() if text.isascii() else normal(text).casefold()) in NULL_WORDS
    if isinstance(value, dict):
        return all(map(is_blank, value.values()))
    if isinstance(value, list):
        return all(map(is_blank, value))
    return value is None
