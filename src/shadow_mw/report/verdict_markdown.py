"""A verdict as Markdown: for a pull request, a ticket, or the bundle of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shadow_mw.report.numbers import shown_plain
from shadow_mw.report.verdict_cells import COLUMNS, cells, segment_cells
from shadow_mw.report.verdict_table import SEGMENTS, coverage_lines
from shadow_mw.verdicts import Verdict


def verdict_markdown(verdict: Verdict) -> str:
    """The decision and its reason, every gate, segments, coverage, and what it rests on."""
    parts = [
        f"# {verdict.decision.value}: {escaped(verdict.experiment)}/{escaped(verdict.candidate)}",
        escaped(verdict.reason),
        _table(
            (*COLUMNS, "n", "why", "method"),
            (
                (f"{title} ({g.name})", *others, f"{g.n:,}", g.reason, g.method)
                for g in verdict.gates
                for title, *others in (cells(g),)
            ),
        ),
    ]
    if signed := [f"- {escaped(g)}: {escaped(who)}" for g, who in verdict.signoffs.items()]:
        parts += ["## Signed for", "\n".join(signed)]
    if verdict.segments:
        parts += ["## Segments", _table(SEGMENTS, map(segment_cells, verdict.segments))]
    lines = [f"- {escaped(line)}" for line in coverage_lines(verdict.coverage)]
    parts += ["## Coverage", "\n".join(lines)]
    if verdict.sensitivity:
        heads = ("gate", "variation", "outcome")
        parts += ["## Sensitivity", _table(heads, verdict.sensitivity)]
    return "\n\n".join([*parts, "## What it rests on", _base(verdict)]) + "\n"


def _base(verdict: Verdict) -> str:
    plan = verdict.plan
    lines = (
        f"plan `{plan.name}`, sha256 `{plan.hash}`: {escaped(plan.note)}",
        f"data, sha256 `{verdict.data_hash}`",
        f"look: {verdict.look}",
        f"shadow_mw {verdict.version}",
    )
    return "\n".join(f"- {line}" for line in lines)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """A text that others wrote, without anything that Markdown or HTML would obey."""
    plain = shown_plain(text)
    for char in "\\`*_[]<>|#":
        plain = plain.replace(char, f"\\{char}")
    return plain
