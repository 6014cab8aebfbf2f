"""A look at the store from the side, while somebody else writes to it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Final

from shadow_mw.evaluate.figures import figures
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.tables import VERSION
from shadow_mw.figures import Figures, PairState

PATIENCE_MS: Final = 1000
"""For a lock that another process holds: whoever asks wants to know now."""


class Watch:
    """Two connections: figures take their time, everything else is quick. Any thread may ask."""

    def __init__(self, path: Path) -> None:
        self._store, self._slow = Store.open(path), Store.open(path)
        self._store.query(f"PRAGMA busy_timeout = {PATIENCE_MS}")
        self._lock, self._slow_lock = threading.Lock(), threading.Lock()

    def version(self) -> int:
        """Another number after every change that somebody else made."""
        with self._lock:
            return int(self._store.one("PRAGMA data_version")[0])

    def figures(self) -> Figures:
        """What a dashboard shows."""
        with self._slow_lock:
            return figures(self._slow)

    def pair(self, pair_id: str) -> PairState | None:
        """What has come under a pair id; None where nothing has."""
        with self._lock:
            rows = self._store.query(
                "SELECT experiment, trace_id, role, EXISTS ("
                " SELECT 1 FROM pairs WHERE candidate_row = observations.id)"
                " FROM observations WHERE pair_id = ? ORDER BY id",
                (pair_id,),
            )
        if not rows:
            return None
        experiment, trace_id = rows[0][:2]
        legs = {role for _, _, role, _ in rows}
        return PairState(
            pair_id=pair_id,
            experiment=experiment,
            trace_id=trace_id,
            legs=tuple(role for role in ("primary", "candidate") if role in legs),
            paired=any(paired for *_, paired in rows),
        )

    def fault(self) -> str | None:
        """Why nothing can be written to the store; found out by writing what it says already.

        Through the connection that tells the version, which does not change by its own writes.
        """
        try:
            with self._lock, self._store.transaction():
                self._store.query(f"PRAGMA user_version = {VERSION}")
        except sqlite3.Error as error:
            return str(error)
        return None if self._store.is_there else "the store's file was removed"

    def close(self) -> None:
        """Close both connections."""
        with self._lock, self._slow_lock:
            self._store.close()
            self._slow.close()
