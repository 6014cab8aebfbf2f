"""What people said of the pairs of a series, in the store: the newest answer of each person."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from shadow_mw.evaluate.calibration.rows import BY_HAND, Choice, Line, Row
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.types import Role

WINNERS = {Choice.A: str(Role.PRIMARY), Choice.B: str(Role.CANDIDATE), Choice.TIE: "tie"}
CHOICES = {winner: choice for choice, winner in WINNERS.items()}
NOBODY = "anonymous"

OF_SERIES = f"""SELECT p.pair_id, p.segment, winner, inclusion FROM preferences
    CROSS JOIN pairs ON pairs.id = pair JOIN observations p ON p.id = primary_row
    WHERE series = {SERIES} ORDER BY preferences.time_ns, person"""
PUT = "INSERT INTO preferences VALUES (?, ?, ?, ?, ?, ?)"
REPLACING = " ON CONFLICT DO UPDATE SET (winner, both_bad, inclusion, time_ns) = (excluded.winner,"
REPLACING += " excluded.both_bad, excluded.inclusion, excluded.time_ns)"


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a file of people's choices."""

    stored: int
    taken_back: int
    """Labels that the store had, and that are null in the file."""
    unmatched: int
    """Pair ids that the series does not have."""


class Preferences:
    """The labels of one series; `rows` has the row of every pair that may be labelled."""

    def __init__(self, store: Store, rows: Mapping[str, int]) -> None:
        self._store, self._rows = store, rows

    def keep(self, line: Line) -> None:
        """Store what one person says of one pair, or take it back; it is on disk on return."""
        with self._store.transaction():
            self._put(line, line.annotator or NOBODY, line.row.humans, REPLACING)

    def keep_missing(self, lines: Iterable[Line]) -> None:
        """Store what the store lacks of a file that it should have followed."""
        last = {(line.row.id, line.annotator): line for line in lines if line.annotator}
        with self._store.transaction():
            for line in last.values():
                if line.row.humans and line.row.id in self._rows:
                    self._put(
                        line, line.annotator or "", line.row.humans, " ON CONFLICT DO NOTHING"
                    )

    def keep_all(self, lines: Iterable[Line], stored_id: Callable[[str], str]) -> Kept:
        """Store a file: all of it, but for the pairs that are not here.

        Args:
            lines: where nobody is named, each label of a pair is another person's.
            stored_id: a pair's id as the store has it.
        """
        stored, taken_back, unmatched = 0, 0, set[str]()
        nobodies = defaultdict[str, int](int)
        with self._store.transaction():
            for line in lines:
                if not (line.row.humans or line.annotator):
                    continue
                pair_id = line.row.id if line.row.id in self._rows else stored_id(line.row.id)
                if pair_id not in self._rows:
                    unmatched.add(line.row.id)
                    continue
                found = replace(line, row=replace(line.row, id=pair_id))
                if not line.row.humans:
                    taken_back += self._put(found, line.annotator or "", (), "")
                first = 0 if line.annotator else nobodies[pair_id]
                for n, human in enumerate(line.row.humans, first):
                    stored += self._put(found, _person(line.annotator, n), (human,), REPLACING)
                if not line.annotator:
                    nobodies[pair_id] += len(line.row.humans)
        return Kept(stored, taken_back, len(unmatched))

    def _put(self, line: Line, person: str, humans: tuple[Choice, ...], on_conflict: str) -> int:
        """How many labels that changed."""
        pair = self._rows[line.row.id]
        if not humans:
            known = (pair, person)
            had = self._store.query(
                "SELECT 1 FROM preferences WHERE pair = ? AND person = ?", known
            )
            self._store.write("DELETE FROM preferences WHERE pair = ? AND person = ?", [known])
            return len(had)
        values = (WINNERS[humans[0]], line.both_bad, line.row.inclusion, time.time_ns())
        self._store.write(PUT + on_conflict, [(pair, person, *values)])
        return 1


def people(store: Store, series: Series) -> dict[str, Row]:
    """Everybody's labels of a series by pair id, without a judge's verdicts.

    A pair that several draws had has the probability of the newest one; people who picked it by
    hand beside them take it out of no sample.
    """
    found: dict[str, Row] = {}
    for pair_id, segment, winner, inclusion in store.query(
        OF_SERIES, (series.experiment, series.candidate)
    ):
        before = found.get(pair_id)
        humans = (*(before.humans if before else ()), CHOICES[winner])
        if before and inclusion == BY_HAND:
            inclusion = before.inclusion
        found[pair_id] = Row(pair_id, (None, None), humans, segment, inclusion)
    return found


def _person(annotator: str | None, n: int) -> str:
    name = annotator or NOBODY
    return f"{name} {n + 1}" if n else name
