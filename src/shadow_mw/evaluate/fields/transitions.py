"""What became of the primary's outcomes under the candidate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shadow_mw.results import UNLABELLED, FieldOutcome

RIGHT = frozenset({FieldOutcome.CORRECT, FieldOutcome.CORRECT_NULL})

Table = dict[FieldOutcome, dict[FieldOutcome, int]]


@dataclass(frozen=True, slots=True)
class Transitions:
    """Labelled leaves by both legs' outcomes."""

    table: Table
    """Primary's outcome, then the candidate's; every labelled outcome is present in both."""

    def of(self, primary: FieldOutcome) -> dict[FieldOutcome, int]:
        """What the candidate did where the primary did this, such as with its correct nulls."""
        return self.table[primary]

    @property
    def gained(self) -> dict[FieldOutcome, int]:
        """By the primary's outcome, the leaves that only the candidate has right."""
        return {
            ours: sum(n for theirs, n in row.items() if theirs in RIGHT)
            for ours, row in self.table.items()
            if ours not in RIGHT
        }

    @property
    def lost(self) -> dict[FieldOutcome, int]:
        """By the candidate's outcome, the leaves that only the primary has right."""
        wrong = [outcome for outcome in self.table if outcome not in RIGHT]
        return {theirs: sum(self.table[ours][theirs] for ours in RIGHT) for theirs in wrong}


def transitions(rows: Iterable[tuple[FieldOutcome, FieldOutcome, int]]) -> Transitions:
    """Add up rows of primary's outcome, candidate's outcome, leaves; of all fields or of one."""
    outcomes = [outcome for outcome in FieldOutcome if outcome not in UNLABELLED]
    table: Table = {ours: dict.fromkeys(outcomes, 0) for ours in outcomes}
    for primary, candidate, n in rows:
        if primary in table and candidate in table:
            table[primary][candidate] += n
    return Transitions(table)
