"""What the runner has accounted for: frames done and their outcomes, in one SQLite file.

The segments are the journal. A frame is done only once its spans have been exported, so that a
killed runner's successor repeats what was under way and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from shadow_mw.runner.tail import Position

FILE = "progress.db"
MIRRORED = "mirrored"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS done (segment TEXT, offset INTEGER, PRIMARY KEY (segment, offset))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outcomes (candidate TEXT, name TEXT, n INTEGER,
  PRIMARY KEY (candidate, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS processes (process TEXT PRIMARY KEY, counts TEXT)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS untold (process TEXT PRIMARY KEY) WITHOUT ROWID;
"""

Outcomes = Mapping[tuple[str, str], int]
"""How often, by (candidate id, reason or `mirrored`)."""


class Progress:
    """The file; one connection, used by the runner alone."""

    def __init__(self, directory: Path) -> None:
        self._db = open_database(directory / FILE, _SCHEMA)
        # Used by the event loop and by the export thread: a transaction is one of them alone.
        self._lock = threading.Lock()
        self.identity = identity(self._db)
        """Whose counters these are, wherever the file is moved to."""

    def done(self, segment: str) -> set[int]:
        """Offsets of the frames of a segment that need no more work."""
        return {row[0] for row in self._rows("SELECT offset FROM done WHERE segment = ?", segment)}

    def commit(self, positions: Iterable[Position], outcomes: Outcomes) -> None:
        """Account for frames and what became of them, together or not at all."""
        with self._lock, self._db:
            self._db.execute("BEGIN")
            self._db.executemany(
                "INSERT OR IGNORE INTO done VALUES (?, ?)",
                [(position.segment, position.offset) for position in positions],
            )
            self._db.executemany(
                "INSERT INTO outcomes VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET n = n + excluded.n",
                [(candidate, name, n) for (candidate, name), n in outcomes.items()],
            )

    def forget(self, segments: Iterable[str]) -> None:
        """Drop the rows of segments that are gone."""
        for segment in segments:
            self._run("DELETE FROM done WHERE segment = ?", segment)

    def count_process(self, process: str, counts: Mapping[str, int]) -> None:
        """Keep the counters of an app process, which are still to be told."""
        with self._lock, self._db:
            self._db.execute("BEGIN")
            self._keep(process, counts)
            self._db.execute("INSERT OR IGNORE INTO untold VALUES (?)", (process,))

    def told(self, processes: Mapping[str, Mapping[str, int]]) -> None:
        """The counters of these processes were taken, as they are given here."""
        with self._lock, self._db:
            self._db.execute("BEGIN")
            for process, counts in processes.items():
                self._keep(process, counts)
                self._db.execute("DELETE FROM untold WHERE process = ?", (process,))

    def untold(self) -> set[str]:
        """Processes whose counters nobody has taken yet."""
        return {row[0] for row in self._rows("SELECT process FROM untold")}

    def _keep(self, process: str, counts: Mapping[str, int]) -> None:
        statement = "INSERT OR REPLACE INTO processes VALUES (?, ?)"
        self._db.execute(statement, (process, json.dumps(counts)))

    def processes(self) -> dict[str, dict[str, int]]:
        """The counters of every app process that wrote here."""
        return {p: json.loads(counts) for p, counts in self._rows("SELECT * FROM processes")}

    def captured(self) -> int:
        """Calls that all app processes together have seen."""
        rows = self._rows("SELECT total(json_extract(counts, '$.captured')) FROM processes")
        return int(rows[0][0])

    def outcomes(self) -> dict[str, dict[str, int]]:
        """The runner's own counters, by candidate id."""
        table: dict[str, dict[str, int]] = {}
        for candidate, name, n in self._rows("SELECT candidate, name, n FROM outcomes"):
            table.setdefault(candidate, {})[name] = n
        return table

    def _run(self, statement: str, *values: object) -> None:
        with self._lock:
            self._db.execute(statement, values)

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()


def identity(database: sqlite3.Connection) -> str:
    """A name that a file keeps: what it counts is told under it, and never twice."""
    with database:
        database.execute("CREATE TABLE IF NOT EXISTS identity (one INTEGER PRIMARY KEY, id TEXT)")
        database.execute("INSERT OR IGNORE INTO identity VALUES (1, ?)", (uuid.uuid4().hex[:16],))
        return str(database.execute("SELECT id FROM identity").fetchone()[0])


def open_database(path: Path, schema: str) -> sqlite3.Connection:
    """A small SQLite file of the runner's own, which only its user reads."""
    # Only where it is missing: closing a database's file drops this process's locks on it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.executescript(schema)
    return database
