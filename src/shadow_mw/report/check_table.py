"""The checks of a report: rates of both legs and where only one differs, then labels by count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.table import Table
from rich.text import Text

from shadow_mw.comparisons import CheckCounts
from shadow_mw.report import numbers

MOST_LABELS = 6
DOCUMENTED = {
    "json": "strict JSON",
    "schema": "follows the schema",
    "empty": "empty",
    "truncated": "truncated",
    "refusal": "refused or blocked",
    "invalid_tool_call": "invalid tool call",
    "invalid_citation": "invalid citation",
    "tool_calls": "same tool calls",
    "facts_differ": "facts differ",
    "citation_overlap": "citation overlap",
    "length": "length ratio",
    "lexical_similarity": "lexical similarity",
    "prompt_tokens": "prompt token ratio",
}
"""What the value of a check is called; of other packages' checks the name is shown."""

LABELLED = ("tool_calls", "facts_differ", "length", "prompt_tokens")
"""Checks whose labels say more than their value."""

UNKNOWN = "context_unknown"
"""No news: nobody said how long the candidate's context is."""

NO_RATES = frozenset({"length", "lexical_similarity", "citation_overlap", "prompt_tokens"})
"""Ratios and similarities: the median says more than the mean."""


REFUSAL = "refusal"
"""Recognised by rules: pairs to read, whose rate would be taken for more than it is."""

REFUSING = frozenset({"refused", "blocked"})


def fill(table: Table, checks: Mapping[str, CheckCounts]) -> Table:
    """One row for each check that has a result."""
    table.add_column("check", overflow="fold")
    for title in ("primary", "candidate", "candidate\nalone", "primary\nalone", "n"):
        table.add_column(title, justify="right", no_wrap=True)
    for name in _ordered(checks):
        counts = checks[name]
        if counts.n:
            table.add_row(Text(_title(name)), *_cells(name, counts), f"{counts.n:,}")
    return table


def notes(checks: Mapping[str, CheckCounts]) -> list[str]:
    """Labels, and what did not run."""
    return [*_refusals(checks.get(REFUSAL)), *_labels(checks), *_faults(checks)]


def _ordered(checks: Mapping[str, CheckCounts]) -> list[str]:
    known = [name for name in DOCUMENTED if name in checks]
    return known + [name for name in checks if name not in DOCUMENTED]


def _title(name: str) -> str:
    return DOCUMENTED.get(name) or numbers.shown_plain(name)


def _cells(name: str, counts: CheckCounts) -> tuple[str, str, str, str]:
    if counts.primary is None:
        return "", _compared(name, counts), "", ""
    ours, theirs = _rate(counts.primary), _rate(counts.candidate)
    if name == REFUSAL:
        ours, theirs = (
            f"{round(counts.n * (x or 0)):,}" for x in (counts.primary, counts.candidate)
        )
    return ours, theirs, f"{counts.higher:,}", f"{counts.lower:,}"


def _compared(name: str, counts: CheckCounts) -> str:
    if name not in NO_RATES or counts.spread is None:
        return _rate(counts.candidate)
    return f"{counts.spread.p50:.2f} ({counts.spread.p5:.2f}-{counts.spread.p95:.2f})"


def _rate(value: float | None) -> str:
    if value is None:
        return numbers.NOTHING
    # Another package's check may count in any unit.
    return numbers.rate(value) if 0 <= value <= 1 else f"{value:,.2f}"


def _refusals(counts: CheckCounts | None) -> Iterator[str]:
    """What only one of the two refused, by name."""
    if counts is None or not counts.higher + counts.lower:
        return
    found: dict[str, dict[str, int]] = {"new": {}, "lost": {}}
    for label, n in counts.labels.items():
        ours, _, theirs = label.partition("/")
        if (ours in REFUSING) != (theirs in REFUSING):
            found["new" if theirs in REFUSING else "lost"][label] = n
    shown = [
        f"{kind} {sum(labels.values()):,}"
        + (f" ({', '.join(f'{label} {n:,}' for label, n in labels.items())})" if labels else "")
        for kind, labels in found.items()
    ]
    yield f"refusals: {', '.join(shown)}; rules recognise them: read the pairs, gate nothing by it"


def _labels(checks: Mapping[str, CheckCounts]) -> Iterator[str]:
    for name in LABELLED:
        known = checks[name].labels if name in checks else {}
        labels = [(label, n) for label, n in known.items() if label != UNKNOWN]
        if labels:
            shown = ", ".join(f"{label} {n:,}" for label, n in labels[:MOST_LABELS])
            more = f" and {len(labels) - MOST_LABELS} more" if len(labels) > MOST_LABELS else ""
            yield f"labels of {DOCUMENTED[name]}: {shown}{more}"


def _faults(checks: Mapping[str, CheckCounts]) -> Iterator[str]:
    for name, counts in checks.items():
        why = "; ".join(map(numbers.shown_plain, counts.reasons))
        if counts.not_run:
            yield f"{_title(name)}: not run on {numbers.counted(counts.not_run, 'pair')} ({why})"
        if counts.errors:
            yield f"{_title(name)}: failed on {numbers.counted(counts.errors, 'pair')} ({why})"
