"""Where the two outputs differ, which needs no ground truth; and how often that is a fault."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from shadow_mw.breakdown import DivergenceSummary, FieldDivergence
from shadow_mw.report import numbers

MOST_ROWS = 12


def fill(table: Table, divergence: DivergenceSummary) -> Table:
    """One row for each field that differs anywhere, as far as there is room."""
    table.add_column("field", overflow="fold")
    titles = (
        "candidate\nonly",
        "not in\nrequest",
        "primary\nonly",
        "differ",
        "not in\nrequest",
        "leaves",
    )
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    for path, field in _differing(divergence)[:MOST_ROWS]:
        alone, other = field.candidate_only, field.different
        counts = (alone.n, alone.ungrounded, field.primary_only.n, other.n, other.ungrounded)
        table.add_row(Text(numbers.shown_plain(path)), *(f"{n:,}" for n in (*counts, field.leaves)))
    return table


def notes(divergence: DivergenceSummary) -> list[str]:
    """What the table is about, what it leaves out, and how far its signs can be trusted."""
    if not divergence.pairs:
        return []
    found = [
        f"outputs differ in a field in {divergence.divergent:,} of {divergence.pairs:,} pairs"
        " with two JSON objects"
    ]
    if (more := len(_differing(divergence)) - MOST_ROWS) > 0:
        differ = "1 more field differs" if more == 1 else f"{more:,} more fields differ"
        found.append(f"{differ}; --json has them all")
    return found + _known(divergence)


def _differing(divergence: DivergenceSummary) -> list[tuple[str, FieldDivergence]]:
    return [
        (path, field)
        for path, field in divergence.fields.items()
        if field.candidate_only.n or field.primary_only.n or field.different.n
    ]


def _known(divergence: DivergenceSummary) -> list[str]:
    signs = (
        ("'candidate only' marks", divergence.hallucinated, "hallucinations", "other leaves"),
        ("'primary only' marks", divergence.missed, "missed values", "other leaves"),
        ("of values that differ, 'not in request' marks", divergence.wrong, "wrong", "right ones"),
    )
    return [
        f"by the labels, {sign} {rates.true_positives:,} of {rates.positives:,} {faults},"
        f" and {rates.false_positives:,} of {rates.negatives:,} {others}"
        for sign, rates, faults, others in signs
        if rates.positives or rates.false_positives
    ]
