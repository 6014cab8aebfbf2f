"""One open file: its transactions, and the statements that are run in them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from shadow_mw.evaluate.store.closing import Closing

LOOKED_UP: Final = 64
"""Keys in one statement."""

Values = Iterable[Any] | Mapping[str, Any]
"""Of a statement: in their order, or by name."""


class Database(Closing):
    """Not safe for two threads at once, safe for any number of processes."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path
        self._named = f"store {path}"
        status = path.stat()
        self._file = status.st_dev, status.st_ino

    def make_durable(self, patience: float) -> None:
        """Wait for the disk at every commit; without it a power cut may take the last ones.

        Args:
            patience: seconds to wait for a lock that another process holds.
        """
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(f"PRAGMA busy_timeout = {round(1000 * patience)}")

    @property
    def is_there(self) -> bool:
        """False where the file was removed or replaced: what is stored then is gone on closing."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._file

    @contextmanager
    def transaction(self, *, write: bool = True) -> Iterator[None]:
        """All or nothing; a reading one sees one state of the store throughout.

        A reading one inside of another is a part of it.
        """
        if not write and self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            yield
            self._connection.commit()
        except BaseException:
            # Not every failure leaves a transaction open; a failed commit does.
            if self._connection.in_transaction:
                self._connection.rollback()
            self._forget()
            raise

    def _forget(self) -> None:
        """What was remembered of rows that are rolled back."""

    def query(self, sql: str, values: Values = ()) -> list[Any]:
        """All rows of a reading statement."""
        return self._connection.execute(sql, _given(values)).fetchall()

    def chunks(self, sql: str, values: Values, size: int) -> Iterator[list[Any]]:
        """The rows of a reading statement, so many at a time: for more than memory has room for.

        Use it inside a reading transaction: others write in between otherwise.
        """
        cursor = self._connection.execute(sql, _given(values))
        while rows := cursor.fetchmany(size):
            yield rows

    def one(self, sql: str, values: Values = ()) -> tuple[Any, ...]:
        """The only row of a reading statement that always has one."""
        row: tuple[Any, ...] = self.query(sql, values)[0]
        return row

    def write(self, sql: str, rows: Iterable[Iterable[Any]]) -> None:
        """Run a writing statement for every row of values."""
        self._connection.executemany(sql, map(tuple, rows))

    def change(self, sql: str, values: Values = ()) -> int:
        """Run a writing statement once; the number of rows that it changed."""
        return self._connection.execute(sql, _given(values)).rowcount

    def looked_up(
        self, sql: str, keys: Sequence[tuple[str, ...]], width: int
    ) -> Iterator[tuple[Any, ...]]:
        """The rows of many keys, by a statement that takes `LOOKED_UP` of them at once.

        Args:
            sql: a statement of one length is compiled once; the keys that it lacks are NULL.
            keys: what to look up.
            width: texts in a key.
        """
        for start in range(0, len(keys), LOOKED_UP):
            values = [text for key in keys[start : start + LOOKED_UP] for text in key]
            yield from self.query(sql, values + [None] * (width * LOOKED_UP - len(values)))


def _given(values: Values) -> Mapping[str, Any] | tuple[Any, ...]:
    return values if isinstance(values, Mapping) else tuple(values)
