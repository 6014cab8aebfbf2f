"""What became of the primary's outcomes under the candidate."""

from __future__ import annotations

from collections.abc import Iterable

from shadow_mw.results import UNLABELLED, FieldOutcome

RIGHT = frozenset({FieldOutcome.CORRECT, FieldOutcome.CORRECT_NULL})

Table = dict[FieldOutcome, dict[FieldOutcome, int]]
"""Labelled leaves by the primary's outcome, then the candidate's: every labelled one is there."""


def transitions(rows: Iterable[tuple[FieldOutcome, FieldOutcome, int]]) -> Table:
    """Add up rows of primary's outcome, candidate's outcome, leaves; of all fields or of one."""
    outcomes = [outcome for outcome in FieldOutcome if outcome not in UNLABELLED]
    table: Table = {ours: dict.fromkeys(outcomes, 0) for ours in outcomes}
    for primary, candidate, n in rows:
        if primary in table and candidate in table:
            table[primary][candidate] += n
    return table
