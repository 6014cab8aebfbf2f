"""Rows that were checked and wait until all others are: nothing of a bad file is applied.

In a private temporary database of SQLite: it is on disk, has no name, and goes with its process.
"""

from __future__ import annotations

import marshal
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence

from shadow_mw.evaluate.ingest import Observation
from shadow_mw.evaluate.judging.imported import Verdicts
from shadow_mw.evaluate.rows.read import Row
from shadow_mw.evaluate.rows.seen import Contradiction, Numbered, Seen, observation, plain
from shadow_mw.evaluate.store.closing import Closing

CACHE_KB = 1_000
"""Measured: with more, SQLite looks ever longer for a page that it may write out."""


class Staged(Closing):
    """Checked rows, each pair once, in the order of their lines."""

    _named = "temporary files (SQLITE_TMPDIR, TMPDIR)"

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._connection.execute("CREATE TABLE rows (line INTEGER PRIMARY KEY, data BLOB)")
        self._seen = Seen(self._connection)
        self.rows = 0
        self.judged = 0
        self.candidates = Counter[str]()
        """Rows by the candidate's id."""
        self._whose: str | None = None
        self._nobodys: int | None = None

    def add(self, row: Row, line: int) -> None:
        """Keep one row, as `add_all`."""
        self.add_all([(line, row)])

    def add_all(self, rows: Sequence[Numbered]) -> None:
        """Keep rows.

        Args:
            rows: each with its line, in their order.

        Raises:
            Contradiction: one contradicts an earlier one, or is there already.
        """
        self.check(rows)
        self._connection.executemany(
            "INSERT INTO rows VALUES (?, ?)", [(line, _packed(row)) for line, row in rows]
        )

    def check(self, rows: Sequence[Numbered]) -> list[bool]:
        """Count rows that are kept elsewhere; of each, whether its truth is new.

        Args:
            rows: each with its line, in their order.

        Raises:
            Contradiction: one contradicts an earlier one, or is there already.
        """
        news = self._seen.check(rows)
        self._check_names(rows)
        self.rows += len(rows)
        self.judged += sum(row.judge is not None for _, row in rows)
        self.candidates.update(row.candidate.candidate_id for _, row in rows)
        return news

    def _check_names(self, rows: Sequence[Numbered]) -> None:
        """A call that failed without a name is another candidate's, and flatters the one meant."""
        for line, row in rows:
            if row.named:
                self._whose = self._whose or row.candidate.candidate_id
            elif not row.candidate.answered:
                self._nobodys = self._nobodys or line
            if self._nobodys and self._whose:
                raise Contradiction(
                    f"the candidate's failed call on line {self._nobodys} has neither `id` nor"
                    f" `model`, others are of {self._whose!r}: say whose it is",
                    line,
                )

    def truths(self) -> Iterator[tuple[str, str]]:
        """Every key with its truth, as JSON."""
        return self._seen.truths()

    def __iter__(self) -> Iterator[tuple[int, Observation, Observation, Verdicts | None]]:
        for line, data in self._connection.execute("SELECT line, data FROM rows ORDER BY line"):
            primary, candidate, judge = marshal.loads(data)
            verdicts = None if judge is None else Verdicts(*judge)
            yield line, observation(primary), observation(candidate), verdicts


def _packed(row: Row) -> bytes:
    judge = None if row.judge is None else (row.judge.name, row.judge.winners)
    return marshal.dumps((plain(row.primary), plain(row.candidate), judge))
