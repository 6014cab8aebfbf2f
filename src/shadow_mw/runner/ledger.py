"""What an experiment has cost, and since when it runs; kept across upgrades of this package."""

from __future__ import annotations

import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from shadow_mw.control import LEDGER, shared
from shadow_mw.runner.progress import identity, open_database

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spent (candidate TEXT PRIMARY KEY, calls INTEGER, micro_usd INTEGER)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS times (name TEXT PRIMARY KEY, unix REAL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a candidate has cost so far, calls under way at a kill included."""

    calls: int
    usd: Decimal


class Ledger:
    """The file; the old and the new side of a rolling deploy may write to it at once."""

    def __init__(self, directory: Path) -> None:
        self._db = open_database(shared(directory, LEDGER), _SCHEMA)
        self.identity = identity(self._db)
        """Whose money this is: all versions of this package spend from it."""

    def charge(self, candidate: str, calls: int, usd: Decimal) -> None:
        """Add to what a candidate has cost; negative amounts settle a reservation."""
        self._db.execute(
            "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
            " calls = calls + excluded.calls, micro_usd = micro_usd + excluded.micro_usd",
            (candidate, calls, int(usd * 1_000_000)),
        )

    def spent(self, candidate: str) -> Spent:
        """What a candidate has cost so far."""
        row = self._db.execute(
            "SELECT calls, micro_usd FROM spent WHERE candidate = ?", (candidate,)
        ).fetchone()
        return Spent(row[0], Decimal(row[1]) / 1_000_000) if row else Spent(0, Decimal(0))

    def first_call(self) -> float:
        """Unix time of the first mirrored call; now, where this is it."""
        self._db.execute("INSERT OR IGNORE INTO times VALUES ('first_call', ?)", (time.time(),))
        row = self._db.execute("SELECT unix FROM times WHERE name = 'first_call'").fetchone()
        return float(row[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()
