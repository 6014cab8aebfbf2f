"""Both legs by segment or day, primary → candidate: where the candidate loses most comes first."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

from rich.table import Table
from rich.text import Text

from shadow_mw.breakdown import Documents, Slice
from shadow_mw.report import numbers

MOST_ROWS = 12
MOST_DAYS = 7
"""More of them are for a plot: `--json` has them all."""


def fill(table: Table, title: str, parts: Mapping[str, Slice]) -> Table:
    """One row each, in the order given, as far as there is room."""
    table.add_column(title, overflow="fold")
    for each in ("pairs", "accuracy", "hallucinated", "errors", "exact match"):
        table.add_column(each, justify="right", no_wrap=True)
    for name, part in list(parts.items())[:MOST_ROWS]:
        ours, theirs = part.primary, part.candidate
        table.add_row(
            Text(numbers.shown_plain(name) or "(none)"),
            f"{part.pairs:,}",
            _accuracy(part),
            f"{ours.hallucinated:,} → {theirs.hallucinated:,} of {part.nulls:,}"
            if part.nulls
            else numbers.NOTHING,
            f"{ours.errors:,} → {theirs.errors:,}",
            _share(part.matches, part.matchable),
        )
    return table


def by_loss(parts: Mapping[str, Slice]) -> dict[str, Slice]:
    """Ordered by how clearly the candidate is behind.

    That is what it does worse than the primary (leaves right, nulls filled in, failed calls,
    whichever is worst), over the square root of how many there are. A share alone would put the
    smallest segments first, a count the largest.
    """
    return dict(sorted(parts.items(), key=_loss))


def rest(parts: Mapping[str, Slice]) -> str | None:
    """What the table has no room for."""
    left = list(parts.values())[MOST_ROWS:]
    if not left:
        return None
    pairs = sum(part.pairs for part in left)
    return (
        f"{numbers.counted(len(left), 'more segment')} with {numbers.counted(pairs, 'pair')};"
        " --json has them all"
    )


def documents_line(documents: Documents) -> str | None:
    """How whole documents fared."""
    if not documents.n:
        return None
    return (
        f"documents with labels {documents.n:,}: all fields right by primary"
        f" {documents.primary_perfect:,}, candidate {documents.candidate_perfect:,}; with a"
        f" hallucination by primary {documents.primary_hallucinated:,}, candidate"
        f" {documents.candidate_hallucinated:,}"
    )


def _loss(item: tuple[str, Slice]) -> tuple[float, int, str]:
    name, part = item
    ours, theirs = part.primary, part.candidate
    losses = (
        (ours.correct - theirs.correct) / sqrt(part.leaves or 1),
        (theirs.hallucinated - ours.hallucinated) / sqrt(part.nulls or 1),
        (theirs.errors - ours.errors) / sqrt(part.pairs),
    )
    return -max(losses), -part.pairs, name


def _share(count: int, n: int) -> str:
    return numbers.rate(count / n) if n else numbers.NOTHING


def _accuracy(part: Slice) -> str:
    if not part.leaves:
        return numbers.NOTHING
    return " → ".join(_share(leg.correct, part.leaves) for leg in (part.primary, part.candidate))
