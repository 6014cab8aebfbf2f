"""Which pairs somebody means: by the beginning of an id, by a field, by a part of what was said."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

from shadow_mw.evaluate.judging.items import output_text, task_text
from shadow_mw.evaluate.store import Store
from shadow_mw.harms import Filter
from shadow_mw.results import FieldOutcome

LAST: Final = "\U0010ffff"
"""After whatever begins with the same text. No pattern: `%` and `_` are characters here."""

BY_NAME: Final = (
    """SELECT pairs.id AS pair FROM observations c CROSS JOIN pairs ON candidate_row = c.id
    WHERE c.role = 'candidate' AND c.pair_id >= :text AND c.pair_id < :last""",
    """SELECT pairs.id FROM observations p
    CROSS JOIN observations c ON c.pair_id = p.pair_id AND c.experiment = p.experiment
        AND c.role = 'candidate'
    CROSS JOIN pairs ON candidate_row = c.id
    WHERE p.role = 'primary' AND p.trace_id >= :text AND p.trace_id < :last""",
    "SELECT id FROM pairs WHERE key IS NOT NULL AND key >= :text AND key < :last",
)
IDS: Final = " UNION ".join(BY_NAME)
NAMES: Final = """SELECT p.pair_id, p.trace_id, pairs.key FROM pairs
    JOIN observations p ON p.id = primary_row WHERE pairs.id = ?"""

_BAD: Final = ", ".join(
    f"'{outcome}'"
    for outcome in (
        FieldOutcome.HALLUCINATED,
        FieldOutcome.INVALID_OUTPUT,
        FieldOutcome.MISSED,
        FieldOutcome.NULL_LIKE,
        FieldOutcome.WRONG_VALUE,
    )
)
_ANY: Final = f"'correct', 'correct_null', {_BAD}"
_PATH: Final = "path = (SELECT id FROM paths WHERE path = :path)"
# Every column of the index in front of the outcome is named: what is right is not even read.
FIELD: Final = f"""SELECT pair FROM fields WHERE series = :series AND {_PATH}
    AND truth IN ('value', 'null') AND "primary" IN ({_ANY}) AND candidate IN ({_BAD})
UNION SELECT pair FROM divergences WHERE series = :series AND {_PATH}"""
AT_FIELD: Final = f"""AND (EXISTS (SELECT 1 FROM fields WHERE pair = pairs.id AND {_PATH}
        AND truth IS NOT NULL AND candidate IN ({_BAD}))
    OR EXISTS (SELECT 1 FROM divergences WHERE pair = pairs.id AND {_PATH}))"""

MOST_NAMED: Final = 5_000
MOST_HITS: Final = 20_000
"""Pairs that are sorted at once, by their names or by a field; where there are more, the worst are
looked for one by one."""


@dataclass(frozen=True, slots=True)
class Hits:
    """SQL that gives the rows of a few pairs, and what it names."""

    sql: str
    values: dict[str, str | int]


def hits(store: Store, series: int, wanted: Filter) -> Hits | None:
    """The pairs that are meant, where an index knows them and they are few."""
    by_text: dict[str, str | int] = {"text": wanted.text, "last": wanted.text + LAST}
    by_field: dict[str, str | int] = {"path": wanted.field or "", "series": series}
    if not wanted.text:
        if wanted.field is None:
            return None
        (n,) = store.one(f"SELECT count(*) FROM ({FIELD} LIMIT {MOST_HITS + 1})", by_field)
        return None if n > MOST_HITS else Hits(FIELD, by_field)
    # One by one: a UNION would find them all before it counts the first.
    counted = (f"SELECT count(*) FROM ({part} LIMIT {MOST_NAMED + 1})" for part in BY_NAME)
    found = [store.one(sql, by_text)[0] for sql in counted]
    if not any(found) or max(found) > MOST_NAMED:
        return None
    if wanted.field is None:
        return Hits(IDS, by_text)
    return Hits(
        f"SELECT pairs.id AS pair FROM ({IDS}) AS meant CROSS JOIN pairs ON pairs.id = meant.pair"
        f" WHERE true {AT_FIELD}",
        by_text | by_field,
    )


class Reader:
    """Looks into one pair after the other: at its field, and for a text in whatever was said."""

    def __init__(self, store: Store, wanted: Filter) -> None:
        self._store, self._path = store, wanted.field
        self._given, self._text = wanted.text, wanted.text.casefold()
        plain = wanted.text.isascii() and wanted.text.isprintable()
        quotable = set(wanted.text) & set('"\\/')
        self._bytes = wanted.text.lower().encode() if plain and not quotable else None

    def has(self, pair: int) -> bool:
        """Whether a pair is one that is meant; of a text, case is ignored."""
        if not self._has_field(pair):
            return False
        return not self._text or self._has_name(pair) or self._has_text(pair)

    def _has_field(self, pair: int) -> bool:
        if self._path is None:
            return True
        given = {"pair": pair, "path": self._path}
        return bool(
            self._store.query(f"SELECT 1 FROM pairs WHERE pairs.id = :pair {AT_FIELD}", given)
        )

    def _has_name(self, pair: int) -> bool:
        (names,) = self._store.query(NAMES, (pair,))
        return any(name is not None and name.startswith(self._given) for name in names)

    def _has_text(self, pair: int) -> bool:
        if self._bytes is not None and not self._may_have(pair, self._bytes):
            return False
        found = self._store.pair(pair)
        texts = [output_text(leg.answer) for leg in (found.primary, found.candidate)]
        texts.append(task_text(found.primary.observation.content) or "")
        return any(self._text in text.casefold() for text in texts)

    def _may_have(self, pair: int, text: bytes) -> bool:
        """Whether such bytes are there: it takes a tenth of the time to read what they mean."""
        rows = self._store.query(
            "SELECT data FROM pairs JOIN payloads ON observation IN (primary_row, candidate_row)"
            " WHERE pairs.id = ?",
            (pair,),
        )
        return any(text in zlib.decompress(data[1:]).lower() for (data,) in rows)
