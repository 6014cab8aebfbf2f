"""What became of the primary's outcomes under the candidate, and how whole documents fared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from shadow_mw.evaluate.fields.judge import FieldScore
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


@dataclass(frozen=True, slots=True)
class DocumentLeg:
    """One leg's labelled leaves of one document."""

    right: int
    hallucinated: int


@dataclass(frozen=True, slots=True)
class DocumentScore:
    """One document: its labelled leaves, and what each leg made of them."""

    leaves: int
    nulls: int
    primary: DocumentLeg
    candidate: DocumentLeg

    @property
    def perfect(self) -> tuple[bool, bool]:
        """Whether primary and candidate have every leaf right."""
        return self.primary.right == self.leaves, self.candidate.right == self.leaves


def document(scores: Iterable[FieldScore]) -> DocumentScore | None:
    """Sum the leaves of one pair; None where the truth labels none that can be decided."""
    known = [score for score in scores if score.truth is not None]
    if not known:
        return None
    return DocumentScore(
        leaves=len(known),
        nulls=sum(score.truth == "null" for score in known),
        primary=_leg([score.primary for score in known]),
        candidate=_leg([score.candidate for score in known]),
    )


def _leg(outcomes: list[FieldOutcome]) -> DocumentLeg:
    right = sum(outcome in RIGHT for outcome in outcomes)
    return DocumentLeg(right, outcomes.count(FieldOutcome.HALLUCINATED))
