"""Which pairs and truths earlier lines of a file had, so that none contradicts another."""

from __future__ import annotations

import marshal
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from hashlib import blake2b
from operator import attrgetter
from typing import Any

from shadow_mw.evaluate.ingest import NO_COLUMNS, Content, Observation
from shadow_mw.evaluate.rows.read import Row

LOOKED_UP = 64
"""Keys in one statement."""

TABLES = """
CREATE TABLE exchanges (id BLOB PRIMARY KEY, line INTEGER, content BLOB, candidate TEXT)
    WITHOUT ROWID;
-- Of exchanges that have several candidates, all but the first.
CREATE TABLE others (id BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID;
CREATE TABLE truths (id TEXT PRIMARY KEY, line INTEGER, truth TEXT) WITHOUT ROWID;
"""

_NAMES = tuple(f.name for f in fields(Observation) if f.name not in NO_COLUMNS)
_columns = attrgetter(*_NAMES)
_texts = attrgetter(*(f.name for f in fields(Content)))

Numbered = tuple[int, Row]
"""A line and what it says."""


class Contradiction(ValueError):
    """A row contradicts an earlier one, or is there already."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


class Seen:
    """Remembers rows in tables of a database that nobody else has."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        connection.executescript(TABLES)
        self._connection = connection

    def check(self, rows: Sequence[Numbered]) -> list[bool]:
        """Remember rows; of each, whether it is the first with the truth of its key.

        Args:
            rows: later ones than those of the call before, in their order.

        Raises:
            Contradiction: of the first row that has one.
        """
        ids = [_exchange(row) for _, row in rows]
        if len(set(ids)) < len(ids) or any(self._known("exchanges", ids)):
            return [self._alone(row, line) for line, row in rows]
        # All are new, as almost always: together, which is quicker.
        self._connection.executemany(
            "INSERT INTO exchanges VALUES (?, ?, ?, ?)",
            [
                (id, line, _digest(row.primary), row.candidate.candidate_id)
                for id, (line, row) in zip(ids, rows, strict=True)
            ],
        )
        return self._truths(rows)

    def truths(self) -> Iterator[tuple[str, str]]:
        """Every key with its truth, as JSON."""
        return self._connection.execute("SELECT id, truth FROM truths ORDER BY line")

    def _truths(self, rows: Iterable[Numbered]) -> list[bool]:
        labelled = {row.primary.key for _, row in rows if row.truth is not None}
        known = {id: (line, truth) for id, line, truth in self._known("truths", labelled - {None})}
        fresh: list[tuple[str, int, str]] = []
        news = []
        for line, row in rows:
            key, truth = row.primary.key, row.truth
            is_new = truth is not None and key is not None and key not in known
            if truth is not None and key is not None:
                before = known.setdefault(key, (line, truth))
                _check_truth(key, line, truth, before)
                if is_new:
                    fresh.append((key, line, truth))
            news.append(is_new)
        self._connection.executemany("INSERT INTO truths VALUES (?, ?, ?)", fresh)
        return news

    def _known(self, table: str, ids: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        wanted = list(ids)
        sql = f"SELECT * FROM {table} WHERE id IN ({', '.join('?' * LOOKED_UP)})"
        for start in range(0, len(wanted), LOOKED_UP):
            some = wanted[start : start + LOOKED_UP]
            yield from self._connection.execute(sql, some + [None] * (LOOKED_UP - len(some)))

    def _alone(self, row: Row, line: int) -> bool:
        self._once(row, line)
        return self._truths([(line, row)])[0]

    def _once(self, row: Row, line: int) -> None:
        leg, content = row.candidate, _digest(row.primary)
        known = self._first("exchanges", _exchange(row), line, content, leg.candidate_id)
        if not known:
            return
        before, known_content, candidate = known[1:]
        same = before
        if candidate != leg.candidate_id:
            id = _hash("\0".join((leg.experiment, leg.pair_id, leg.candidate_id)).encode())
            other = self._first("others", id, line)
            same = other[1] if other else None
        if same is not None:
            raise Contradiction(
                f"pair {leg.pair_id!r} of candidate {leg.candidate_id!r} was on line {same}"
                " already",
                line,
            )
        if known_content != content:
            raise Contradiction(
                f"pair {leg.pair_id!r} has another primary leg on line {before}:"
                " candidates of one pair share it",
                line,
            )

    def _first(self, table: str, id: bytes, *values: Any) -> Any:
        """The row that has the id already; None where this one is the first."""
        for known in self._known(table, [id]):
            return known
        marks = ", ".join("?" * (1 + len(values)))
        self._connection.execute(f"INSERT INTO {table} VALUES ({marks})", (id, *values))
        return None


def plain(leg: Observation) -> tuple[Any, Any]:
    """A leg as tuples of what `marshal` writes: equal for equal legs, byte for byte."""
    return _columns(leg), _texts(leg.content)


def observation(plain: tuple[Any, Any]) -> Observation:
    """The leg again."""
    values: tuple[Any, ...] = (*plain[0], Content(*plain[1]))
    return Observation(*values)


def _check_truth(key: str, line: int, truth: str, before: tuple[int, str]) -> None:
    if before[1] != truth:
        raise Contradiction(f"key {key!r} has another truth on line {before[0]}", line)


def _exchange(row: Row) -> bytes:
    return _hash(f"{row.primary.experiment}\0{row.primary.pair_id}".encode())


def _digest(leg: Observation) -> bytes:
    # Version 2: later ones write an object that is met twice otherwise than two equal ones.
    return _hash(marshal.dumps(plain(leg), 2))


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()
