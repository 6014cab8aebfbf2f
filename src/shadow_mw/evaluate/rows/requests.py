"""The requests of many rows: what they share, a prompt or a schema, is read once."""

from __future__ import annotations

import marshal
from collections.abc import Callable
from functools import lru_cache

from shadow_mw.evaluate.rows.json_values import dumps, plain
from shadow_mw.types import Json

REMEMBERED = 1024
LONGEST = 20_000
"""Bytes of a part that is remembered."""

LISTS = frozenset({"messages", "input"})
"""Lists of which some items are the same in many requests, and others new in each."""


class Requests:
    """Reads request bodies under one redaction."""

    def __init__(self, redact: Callable[[Json], Json]) -> None:
        self._redact = redact
        self._remembered = lru_cache(REMEMBERED)(self._unpacked)

    def read(self, body: dict[str, Json]) -> tuple[dict[str, Json], str]:
        """A body as it may be stored, and its canonical JSON; parts of it are not to be changed.

        Raises:
            ValueError: a number in it is beyond what a float holds.
        """
        values: dict[str, Json] = {}
        members: dict[str, str] = {}
        for given, value in body.items():
            if given in LISTS and isinstance(value, list):
                items = [self._part("", item) for item in value]
                name, kept = given, [item[1] for item in items]
                # Each item is written as the member of an object, without a name.
                member = f'"{given}":[{",".join(item[2][3:] for item in items)}]'
            else:
                name, kept, member = self._part(given, value)
            values[name], members[name] = kept, member
        return values, "{" + ",".join([members[name] for name in sorted(members)]) + "}"

    def _part(self, name: str, value: Json) -> tuple[str, Json, str]:
        try:
            # Version 2 writes equal values alike; a `Decimal` it does not write.
            key = marshal.dumps((name, value), 2)
        except ValueError:
            return self._read(name, plain(value))
        return self._remembered(key) if len(key) <= LONGEST else self._read(name, value)

    def _unpacked(self, key: bytes) -> tuple[str, Json, str]:
        return self._read(*marshal.loads(key))

    def _read(self, name: str, value: Json) -> tuple[str, Json, str]:
        """Name, value and the member of an object that they are, as they may be stored."""
        clean = self._redact({name: value})
        ((key, kept),) = clean.items()
        return key, kept, dumps(clean)[1:-1]
