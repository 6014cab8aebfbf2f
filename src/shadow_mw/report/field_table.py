"""The labelled fields of a report: what both legs did with each."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from shadow_mw.report import numbers
from shadow_mw.results import FieldCounts, FieldOutcome, Summary

COLUMNS = {
    "halluci-\nnated": FieldOutcome.HALLUCINATED,
    "correct": FieldOutcome.CORRECT,
    "wrong": FieldOutcome.WRONG_VALUE,
    "missed": FieldOutcome.MISSED,
    "correct\nnull": FieldOutcome.CORRECT_NULL,
    "invalid": FieldOutcome.INVALID_OUTPUT,
    "null-\nlike": FieldOutcome.NULL_LIKE,
}

MOST_PATHS = 5
"""Named in one line."""


def labelled(summary: Summary) -> dict[str, FieldCounts]:
    """The fields that a truth has."""
    return {path: counts for path, counts in summary.fields.items() if _labelled(counts)}


def fill(table: Table, fields: dict[str, FieldCounts]) -> Table:
    """The fields that the candidate hallucinates most come first."""
    table.add_column("field", overflow="fold")
    for title in COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    for path, counts in sorted(fields.items(), key=_harm):
        table.add_row(Text(numbers.shown_plain(path)))
        table.add_row("  primary", *_outcomes(counts.primary))
        table.add_row("  candidate", *_outcomes(counts.candidate))
    return table


def notes(summary: Summary) -> Iterator[str]:
    """What became of the nulls, and what no truth has."""
    if became := _became(summary.transitions.get(FieldOutcome.CORRECT_NULL, {})):
        yield became
    unexpected = [path for path, counts in summary.fields.items() if _unexpected(counts)]
    if unexpected:
        shown = ", ".join(map(numbers.shown_plain, unexpected[:MOST_PATHS]))
        more = len(unexpected) - MOST_PATHS
        rest = f" and {more} more" if more > 0 else ""
        yield f"not in the truth, but in outputs: {shown}{rest}"


def _became(nulls: dict[FieldOutcome, int]) -> str:
    """What the candidate made of the primary's correct nulls; what averages hide."""
    total = sum(nulls.values())
    if not total:
        return ""
    made = [
        f"{n:,} {outcome.value.replace('_', ' ')}"
        for outcome, n in sorted(nulls.items(), key=lambda item: -item[1])
        if n
    ]
    return f"of the primary's {total:,} correct nulls the candidate made: {', '.join(made)}"


def _harm(item: tuple[str, FieldCounts]) -> tuple[int, int, str]:
    path, counts = item
    wrong = counts.candidate[FieldOutcome.WRONG_VALUE] + counts.candidate[FieldOutcome.MISSED]
    return -counts.candidate[FieldOutcome.HALLUCINATED], -wrong, path


def _outcomes(counts: dict[FieldOutcome, int]) -> list[str]:
    return [f"{counts[outcome]:,}" for outcome in COLUMNS.values()]


def _labelled(counts: FieldCounts) -> bool:
    return any(counts.primary[outcome] for outcome in COLUMNS.values())


def _unexpected(counts: FieldCounts) -> bool:
    outcome = FieldOutcome.UNEXPECTED_FIELD
    return bool(counts.primary[outcome] or counts.candidate[outcome])
