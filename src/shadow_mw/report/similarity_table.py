"""Cosines of a report: never a verdict, and beside each model what a high one may hide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from shadow_mw.comparisons import ALIKE, Similarity
from shadow_mw.report import numbers
from shadow_mw.types import Json

FLOOR = (
    f"a cosine of {ALIKE} means nothing by itself: read it against the primary asked twice (A/A)"
)


def as_json(similarities: Mapping[str, Similarity]) -> dict[str, Json]:
    """By embedding model; a share that nothing is known of is null."""
    return {
        model: asdict(found) | {"alike_from": ALIKE, "facts_differ_share": found.hidden}
        for model, found in similarities.items()
    }


def fill(table: Table, title: str, similarities: Mapping[str, Similarity]) -> Table:
    """One row for each embedding model."""
    table.add_column(title, overflow="fold")
    for column in ("n", "mean", "p50", "p5", f"{ALIKE} or\nmore", "of these,\nfacts differ"):
        table.add_column(column, justify="right", no_wrap=True)
    for model, found in similarities.items():
        table.add_row(
            Text(numbers.shown_plain(model)),
            f"{found.n:,}",
            *(f"{value:.3f}" for value in (found.mean, found.p50, found.p5)),
            numbers.rate(found.alike / found.n),
            _hidden(found),
        )
    return table


def notes(similarities: Mapping[str, Similarity]) -> list[str]:
    """What to know about the table."""
    lines = [
        f"{numbers.shown_plain(model)}: differ at {ALIKE} or more: "
        + ", ".join(f"{kinds} {n:,}" for kinds, n in found.facts_differ.items())
        for model, found in similarities.items()
        if found.facts_differ
    ]
    return [*lines, FLOOR] if similarities else []


def _hidden(found: Similarity) -> str:
    if found.hidden is None:
        return numbers.NOTHING
    return f"{numbers.rate(found.hidden)} of {found.facts_checked:,}"
