"""A connection to SQLite that is closed at the end of a `with`."""

from __future__ import annotations

import sqlite3
from types import TracebackType
from typing import Self

from shadow_mw.exceptions import StoreError


class Closing:
    """What SQLite cannot do inside of the `with` becomes a `StoreError` of one line."""

    _connection: sqlite3.Connection
    _named: str
    """What messages call it."""

    def close(self) -> None:
        """Close it; closing twice does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        if isinstance(error, sqlite3.Error):
            raise StoreError(f"{self._named}: {error}") from error
