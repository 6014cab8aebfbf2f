"""Rows that were checked and wait until all others are: nothing of a bad file is applied.

In a private temporary database of SQLite: it is on disk, has no name, and goes with its process.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from hashlib import blake2b
from operator import attrgetter
from types import TracebackType
from typing import Any, Self

from shadow_mw.evaluate.ingest import NO_COLUMNS, Content, Observation
from shadow_mw.evaluate.judging.imported import Verdicts
from shadow_mw.evaluate.rows.read import Row
from shadow_mw.exceptions import StoreError

_NAMES = tuple(f.name for f in fields(Observation) if f.name not in NO_COLUMNS)
_columns = attrgetter(*_NAMES)
_texts = attrgetter(*(f.name for f in fields(Content)))

CACHE_KB = 1_000
"""Measured: with more, SQLite looks ever longer for a page that it may write out."""

TABLES = """
CREATE TABLE rows (line INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE exchanges (id BLOB PRIMARY KEY, line INTEGER, content BLOB, candidate TEXT)
    WITHOUT ROWID;
-- Of exchanges that have several candidates, all but the first.
CREATE TABLE others (id BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID;
CREATE TABLE truths (key TEXT PRIMARY KEY, line INTEGER, truth TEXT) WITHOUT ROWID;
"""


class Staged:
    """Checked rows, each pair once, in the order of their lines."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._connection.executescript(TABLES)
        self.rows = 0
        self.judged = 0
        self.candidates = Counter[str]()
        """Rows by the candidate's id."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._connection.close()
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"temporary files (SQLITE_TMPDIR, TMPDIR): {error}") from error

    def add(self, row: Row, line: int) -> None:
        """Keep a row.

        Raises:
            ValueError: it contradicts an earlier one, or is there already.
        """
        primary = self._checked(row, line)
        judge = None if row.judge is None else (row.judge.name, row.judge.winners)
        data = pickle.dumps((primary, _plain(row.candidate), judge))
        self._connection.execute("INSERT INTO rows VALUES (?, ?)", (line, data))

    def check(self, row: Row, line: int) -> None:
        """Count a row that is kept elsewhere, as `add` does.

        Raises:
            ValueError: it contradicts an earlier one, or is there already.
        """
        self._checked(row, line)

    def _checked(self, row: Row, line: int) -> Any:
        """The primary, as it is kept."""
        primary = _plain(row.primary)
        self._once(row, line, primary)
        self._same_truth(row, line)
        self.rows += 1
        self.judged += row.judge is not None
        self.candidates[row.candidate.candidate_id] += 1
        return primary

    def truths(self) -> Iterator[tuple[str, str]]:
        """Every key with its truth, as JSON."""
        return self._connection.execute("SELECT key, truth FROM truths ORDER BY line")

    def __iter__(self) -> Iterator[tuple[int, Observation, Observation, Verdicts | None]]:
        for line, data in self._connection.execute("SELECT line, data FROM rows ORDER BY line"):
            primary, candidate, judge = pickle.loads(data)
            verdicts = None if judge is None else Verdicts(*judge)
            yield line, _observation(primary), _observation(candidate), verdicts

    def _once(self, row: Row, line: int, primary: Any) -> None:
        leg = row.candidate
        content = blake2b(pickle.dumps(primary), digest_size=16).digest()
        names = leg.experiment, leg.pair_id
        known = self._first("exchanges", _digest(*names), line, content, leg.candidate_id)
        if not known:
            return
        before, known_content, candidate = known[1:]
        same = before
        if candidate != leg.candidate_id:
            other = self._first("others", _digest(*names, leg.candidate_id), line)
            same = other[1] if other else None
        if same is not None:
            raise ValueError(
                f"pair {leg.pair_id!r} of candidate {leg.candidate_id!r} was on line {same} already"
            )
        if known_content != content:
            raise ValueError(
                f"pair {leg.pair_id!r} has another primary leg on line {before}:"
                " candidates of one pair share it"
            )

    def _same_truth(self, row: Row, line: int) -> None:
        key = row.primary.key
        if row.truth is None or key is None:
            return
        before = self._first("truths", key, line, row.truth)
        if before and before[2] != row.truth:
            raise ValueError(f"key {key!r} has another truth on line {before[1]}")

    def _first(self, table: str, key: bytes | str, *values: Any) -> Any:
        """The row that has the key already; None where this one is the first."""
        marks = ", ".join("?" * (1 + len(values)))
        done = self._connection.execute(
            f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING", (key, *values)
        )
        if done.rowcount:
            return None
        column = "key" if table == "truths" else "id"
        return self._connection.execute(
            f"SELECT * FROM {table} WHERE {column} = ?", (key,)
        ).fetchone()


def _plain(leg: Observation) -> tuple[Any, Any]:
    return _columns(leg), _texts(leg.content)


def _observation(plain: tuple[Any, Any]) -> Observation:
    values: tuple[Any, ...] = (*plain[0], Content(*plain[1]))
    return Observation(*values)


def _digest(*names: str) -> bytes:
    return blake2b("\0".join(names).encode(), digest_size=16).digest()
