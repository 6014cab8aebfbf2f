"""Field paths: `tax_id`, `vendor.name`, `items[].price`; keys that would mislead are quoted."""

from __future__ import annotations

import json
import re
from functools import lru_cache

ITEM = object()
"""The part of a path that stands for every item of a list."""

_PART = re.compile(r'\[\]|"(?:[^"\\]|\\.)*"|[^."\[\]]+')


@lru_cache(maxsize=4096)
def join(path: str, key: str) -> str:
    """The path of a key; one that would read as several, or command a terminal, is quoted."""
    bare = key and key.isprintable() and not any(char in key for char in '."[]')
    part = key if bare else json.dumps(key)
    return f"{path}.{part}" if path else part


def split(path: str) -> tuple[object, ...]:
    """The keys of a path, `ITEM` where it goes into a list.

    Raises:
        ValueError: it is no path.
    """
    parts: list[object] = []
    end = 0
    while end < len(path):
        if path[end] == "." and parts:
            end += 1
        found = _PART.match(path, end)
        # A key follows a dot or begins the path, `[]` follows a key: all else is ambiguous.
        if found is None or (found[0] == "[]") == (end == 0 or path[end - 1] == "."):
            raise ValueError
        parts.append(_key(found[0]))
        end = found.end()
        if end < len(path) and path[end] not in ".[":
            raise ValueError
    if not parts or path.endswith("."):
        raise ValueError
    return tuple(parts)


def _key(part: str) -> object:
    if part == "[]":
        return ITEM
    return json.loads(part) if part.startswith('"') else part
