"""A leg as rows: its columns, and what was said, packed."""

from __future__ import annotations

import json
import zlib
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from shadow_mw.evaluate.ingest import NO_COLUMNS, Content, Observation
from shadow_mw.evaluate.pair import Leg
from shadow_mw.evaluate.store.database import LOOKED_UP
from shadow_mw.exceptions import StoreError

PAYLOAD_VERSION: Final = b"\x01"
FAST: Final = 1
"""A third less work than zlib's default, for a twentieth more bytes."""
NONE: Final = 0

COLUMNS: Final = tuple(f.name for f in fields(Observation) if f.name not in NO_COLUMNS)
TEXTS: Final = tuple(f.name for f in fields(Content))
BOOLEANS: Final = frozenset({"answered", "partial", "truncated", "has_answer", "expects_json"})
_VALUES: Final = attrgetter(*COLUMNS)

SELECT_LEGS: Final = (
    f"SELECT id, data, {', '.join(COLUMNS)} FROM observations"
    " LEFT JOIN payloads ON observation = id"
)
SELECT_KNOWN: Final = (
    f"WITH wanted (pair, name) AS (VALUES {', '.join(['(?, ?)'] * LOOKED_UP)})"
    f" SELECT id, data, {', '.join(COLUMNS)} FROM wanted CROSS JOIN observations"
    " ON pair_id = pair AND experiment = name LEFT JOIN payloads ON observation = id"
)
INSERT_OBSERVATION: Final = (
    f"INSERT INTO observations (id, received_ns, {', '.join(COLUMNS)})"
    f" VALUES (?, ?, {', '.join('?' * len(COLUMNS))})"
)
INSERT_PAYLOAD: Final = "INSERT INTO payloads VALUES (?, ?)"


def observation_row(leg: Leg, received_ns: int) -> tuple[Any, ...]:
    """The values of `INSERT_OBSERVATION`."""
    return leg.row, received_ns, *_VALUES(leg.observation)


def payload_row(leg: Leg, compression: int) -> tuple[int, bytes]:
    """The values of `INSERT_PAYLOAD`; zlib's level is the caller's choice."""
    content = leg.observation.content
    known = {name: text for name in TEXTS if (text := getattr(content, name)) is not None}
    return leg.row, PAYLOAD_VERSION + zlib.compress(json.dumps(known).encode(), compression)


def read_leg(row: tuple[Any, ...]) -> Leg:
    """A row of `SELECT_LEGS` or `SELECT_KNOWN`.

    Raises:
        StoreError: a newer version packed what was said.
    """
    number, data, *values = row
    columns: dict[str, Any] = {
        name: bool(value) if name in BOOLEANS else value
        for name, value in zip(COLUMNS, values, strict=True)
    }
    return Leg(number, Observation(**columns, content=_unpack(data)))


def _unpack(data: bytes | None) -> Content:
    if data is None:
        return Content()
    if data[:1] != PAYLOAD_VERSION:
        raise StoreError(f"a payload of version {data[0]} is newer than this shadow-mw reads")
    return Content(**json.loads(zlib.decompress(data[1:])))
