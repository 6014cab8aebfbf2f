"""What the runner has accounted for: frames done, outcomes, money; in one SQLite file.

The segments are the journal. A frame is done only once its spans have been exported, so that a
killed runner's successor repeats what was under way and nothing else.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from shadow_mw.frames import ProcessCounts
from shadow_mw.runner.tail import Position

FILE = "progress.db"
MIRRORED = "mirrored"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS done (segment TEXT, offset INTEGER, PRIMARY KEY (segment, offset))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outcomes (candidate TEXT, name TEXT, n INTEGER,
  PRIMARY KEY (candidate, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS processes (process TEXT PRIMARY KEY, version INTEGER, counts TEXT)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ledger (candidate TEXT PRIMARY KEY, calls INTEGER, micro_usd INTEGER)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value REAL) WITHOUT ROWID;
"""

Outcomes = Mapping[tuple[str, str], int]
"""How often, by (candidate id, reason or `mirrored`)."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a candidate has cost so far, calls under way at a kill included."""

    calls: int
    usd: Decimal


class Progress:
    """The file; one connection, used by the runner alone."""

    def __init__(self, directory: Path) -> None:
        self._db = sqlite3.connect(
            directory / FILE, isolation_level=None, check_same_thread=False, timeout=10
        )
        # Used by the event loop and by the export thread: a transaction is one of them alone.
        self._lock = threading.Lock()
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

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

    def count_process(self, counters: ProcessCounts) -> None:
        """Keep the newest counters of an app process."""
        self._run(
            "INSERT INTO processes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
            " version = excluded.version, counts = excluded.counts"
            " WHERE excluded.version > version",
            counters.process,
            counters.version,
            json.dumps(counters.counts),
        )

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

    def charge(self, candidate: str, calls: int, usd: Decimal) -> None:
        """Add to what a candidate has cost; negative amounts settle a reservation."""
        self._run(
            "INSERT INTO ledger VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
            " calls = calls + excluded.calls, micro_usd = micro_usd + excluded.micro_usd",
            candidate,
            calls,
            int(usd * 1_000_000),
        )

    def spent(self, candidate: str) -> Spent:
        """What a candidate has cost so far."""
        rows = self._rows("SELECT calls, micro_usd FROM ledger WHERE candidate = ?", candidate)
        return Spent(rows[0][0], Decimal(rows[0][1]) / 1_000_000) if rows else Spent(0, Decimal(0))

    def first_call(self) -> float:
        """Unix time of the first mirrored call; now, where this is it."""
        self._run("INSERT OR IGNORE INTO meta VALUES ('first_call', ?)", time.time())
        return float(self._rows("SELECT value FROM meta WHERE name = 'first_call'")[0][0])

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
