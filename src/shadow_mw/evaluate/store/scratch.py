"""A store for one report: in a file that nobody else has, and that is not kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Self

from shadow_mw.evaluate.ingest import Observation
from shadow_mw.evaluate.pair import Leg
from shadow_mw.evaluate.store import file
from shadow_mw.evaluate.store.legs import NONE, payload_row
from shadow_mw.evaluate.store.store import Store

Names = tuple[str, str]

UNUSED: Final = ("observations_trace", "pairs_unpublished")
"""Indices by which single legs and pairs are found: no report of all pairs looks for one."""
LATER: Final = (
    *("pairs_harm", "pairs_segment"),
    *("fields_outcomes", "divergences_kinds", "check_results_values"),
)
"""Indices that nobody needs while pairs are added: to make them at once is less work."""
KEEP_TOO: Final = "INSERT INTO payloads VALUES (?, ?) ON CONFLICT DO NOTHING"


class Scratch(Store):
    """Keeps what was said only where it is told to: most pairs are judged when they come, and never
    again. Who adds another candidate to a pair gives the primary once more, as it was.
    """

    _compression = NONE
    _left_out: list[str]
    """Indices."""
    _kept: frozenset[Names] = frozenset()

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        super().__init__(connection, path)
        self._left_out = []

    @classmethod
    def make(cls, path: Path) -> Self:
        """Make it at `path`.

        Raises:
            StoreError: it cannot be made.
        """
        connection = file.connect(path, create=True, kept=False)
        indices = dict(connection.execute("SELECT name, sql FROM sqlite_master"))
        for name in (*UNUSED, *LATER):
            connection.execute(f"DROP INDEX {name}")
        made = cls(connection, path)
        made._left_out = [indices[name] for name in LATER]
        return made

    def complete(self) -> None:
        """All that is added is there: make it as quick to read as any store."""
        for sql in self._left_out:
            self.change(sql)
        self._left_out.clear()

    def keep_said(self, exchanges: Iterable[Names]) -> None:
        """Keep what the legs say that are added next, of these exchanges and of no others.

        Args:
            exchanges: experiment and pair of each.
        """
        self._kept = frozenset(exchanges)

    def _known(
        self, exchanges: Mapping[Names, Mapping[Names, Observation]]
    ) -> dict[Names, list[Leg]]:
        """With what they said, also where it was not kept: it has been given again."""
        found = {
            names: [_as_given(leg, exchanges[names]) for leg in legs]
            for names, legs in super()._known(exchanges).items()
        }
        late = [leg for names in self._kept & found.keys() for leg in found[names]]
        self.write(KEEP_TOO, [payload_row(leg, self._compression) for leg in late])
        return found

    def _said(self, legs: Iterable[Leg]) -> Iterable[Leg]:
        if not self._kept:
            return ()
        return [
            leg
            for leg in legs
            if (leg.observation.experiment, leg.observation.pair_id) in self._kept
        ]


def _as_given(leg: Leg, given: Mapping[Names, Observation]) -> Leg:
    known = leg.observation
    return Leg(leg.row, given.get((known.role, known.candidate_id), known))
