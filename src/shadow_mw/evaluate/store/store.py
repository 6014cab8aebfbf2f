"""Legs and pairs, stored and read."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from shadow_mw.evaluate.ingest import Observation
from shadow_mw.evaluate.judgement import COLUMNS as JUDGEMENT_COLUMNS
from shadow_mw.evaluate.judgement import Judgement, JudgementRows, Numbers
from shadow_mw.evaluate.pair import Leg, Pair
from shadow_mw.evaluate.store import facts, file
from shadow_mw.evaluate.store.database import Database
from shadow_mw.evaluate.store.legs import (
    FAST,
    INSERT_OBSERVATION,
    INSERT_PAYLOAD,
    SELECT_KNOWN,
    SELECT_LEGS,
    observation_row,
    payload_row,
    read_leg,
)
from shadow_mw.types import Role

SELECT_PAIR: Final = "SELECT id, primary_row, candidate_row FROM pairs"
_PAIR_COLUMNS: Final = (
    *("id", "series", "primary_row", "candidate_row", "key", "excluded", "timed"),
    *JUDGEMENT_COLUMNS,
    *facts.COLUMNS,
)
INSERT_PAIR: Final = (
    f"INSERT INTO pairs ({', '.join(_PAIR_COLUMNS)}) VALUES ({', '.join('?' * len(_PAIR_COLUMNS))})"
)
UPDATE_PAIR: Final = (
    f"UPDATE pairs SET {', '.join(f'{name} = ?' for name in JUDGEMENT_COLUMNS)} WHERE id = ?"
)
TOUCH_SERIES: Final = (
    "INSERT INTO series (experiment, candidate_id, newest_ns) VALUES (?, ?, ?)"
    " ON CONFLICT DO UPDATE SET newest_ns = max(newest_ns, excluded.newest_ns)"
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is stored of one exchange: the legs that were there, and those that are new."""

    known: list[Leg]
    new: list[Leg]


class Store(Database):
    """One open store; not safe for two threads at once, safe for any number of processes."""

    _compression = FAST

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection, path)
        self._judgements = JudgementRows(connection)
        self._series_numbers = Numbers(connection, "series", "experiment", "candidate_id")
        self._names = Numbers(connection, "names", "name")

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False) -> Store:
        """Open the store at `path`; a missing one is made only where `create` says so.

        Args:
            path: the file.
            create: whether to make it.

        Raises:
            StoreError: it is missing, damaged, newer than this code or no store; it is untouched.
        """
        return cls(file.connect(Path(path), create=create), Path(path))

    def _forget(self) -> None:
        self._judgements.forget()
        self._series_numbers.forget()
        self._names.forget()

    def add(self, legs: Iterable[Observation]) -> list[Exchange]:
        """Store legs: every exchange that gets a new one. What is known stays as it is."""
        wanted: dict[tuple[str, str], dict[tuple[str, str], Observation]] = {}
        for leg in legs:
            exchange = wanted.setdefault((leg.experiment, leg.pair_id), {})
            exchange.setdefault((leg.role, leg.candidate_id), leg)
        known = self._known(wanted)
        (row,) = self.one("SELECT coalesce(max(id), 0) FROM observations")
        found = []
        for names, by_name in wanted.items():
            there = known.get(names, [])
            taken = {(leg.observation.role, leg.observation.candidate_id) for leg in there}
            fresh = [leg for name, leg in by_name.items() if name not in taken]
            if fresh:
                found.append(Exchange(there, [Leg(row + n, leg) for n, leg in enumerate(fresh, 1)]))
                row += len(fresh)
        self._insert_legs([leg for exchange in found for leg in exchange.new])
        return found

    def _known(
        self, exchanges: Mapping[tuple[str, str], Mapping[tuple[str, str], Observation]]
    ) -> dict[tuple[str, str], list[Leg]]:
        """What is stored of these exchanges; they come with the legs that are to be added."""
        found: dict[tuple[str, str], list[Leg]] = {}
        for row in self.looked_up(SELECT_KNOWN, [names[::-1] for names in exchanges], 2):
            leg = read_leg(row)
            names = leg.observation.experiment, leg.observation.pair_id
            found.setdefault(names, []).append(leg)
        return found

    def _insert_legs(self, legs: Sequence[Leg]) -> None:
        now = time.time_ns()
        self.write(INSERT_OBSERVATION, [observation_row(leg, now) for leg in legs])
        self.write(
            INSERT_PAYLOAD, [payload_row(leg, self._compression) for leg in self._said(legs)]
        )
        newest: dict[tuple[str, str], int] = {}
        for leg in (leg.observation for leg in legs):
            if leg.role == Role.CANDIDATE:
                name = leg.experiment, leg.candidate_id
                newest[name] = max(newest.get(name, leg.time_ns), leg.time_ns)
        self.write(TOUCH_SERIES, [(*name, time_ns) for name, time_ns in newest.items()])

    def _said(self, legs: Iterable[Leg]) -> Iterable[Leg]:
        """Those of which is kept what they said."""
        return legs

    def pair(self, row: int) -> Pair:
        """The pair of a row number."""
        return Pair(*map(self._leg, self.one(f"{SELECT_PAIR} WHERE id = ?", (row,))[1:]))

    def legs(self, experiment: str, pair_id: str, before: int) -> list[Leg]:
        """The legs of one exchange that were stored before a row."""
        rows = self.query(
            f"{SELECT_LEGS} WHERE pair_id = ? AND experiment = ? AND id < ?",
            (pair_id, experiment, before),
        )
        return [read_leg(row) for row in rows]

    def set_waiting(self, rows: Iterable[int], *, no_more: Iterable[int]) -> None:
        """Note which legs came alone, and which others are alone no more."""
        self.write("INSERT INTO waiting VALUES (?)", [(row,) for row in rows])
        self.write("DELETE FROM waiting WHERE observation = ?", [(row,) for row in no_more])

    def add_pairs(self, judged: Sequence[tuple[Pair, Judgement]]) -> None:
        """Store pairs that are new, with what is known of them."""
        (last,) = self.one("SELECT coalesce(max(id), 0) FROM pairs")
        rows = [
            (number, self._series(pair), pair, said)
            for number, (pair, said) in enumerate(judged, last + 1)
        ]
        self.write(
            INSERT_PAIR,
            [
                (
                    *(number, series, pair.primary.row, pair.candidate.row, pair.key),
                    *(pair.excluded, pair.timed, *self._judgements.columns(said)),
                    *facts.fact_values(pair, self._names.of),
                )
                for number, series, pair, said in rows
            ],
        )
        self._judgements.insert([(number, series, said) for number, series, _, said in rows])

    def _series(self, pair: Pair) -> int:
        """Its number; never another one once it is committed."""
        candidate = pair.candidate.observation
        return self._series_numbers.of(candidate.experiment, candidate.candidate_id)

    def stale_pairs(self, limit: int) -> list[tuple[int, Pair]]:
        """Pairs whose truth changed since they were judged."""
        rows = self.query(f"{SELECT_PAIR} WHERE stale LIMIT ?", (limit,))
        return [(row, Pair(self._leg(one), self._leg(other))) for row, one, other in rows]

    def _leg(self, row: int) -> Leg:
        return read_leg(self.query(f"{SELECT_LEGS} WHERE id = ?", (row,))[0])

    def save(self, pair: int, said: Judgement) -> None:
        """Replace what is known of a pair."""
        self.change(UPDATE_PAIR, (*self._judgements.columns(said), pair))
        (series,) = self.one("SELECT series FROM pairs WHERE id = ?", (pair,))
        self._judgements.delete([pair])
        self._judgements.insert([(pair, series, said)])
