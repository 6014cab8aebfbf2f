"""A summary for people: the funnel, then a table for each of its topics."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from shadow_mw.report import (
    check_table,
    divergence_table,
    field_table,
    metric_table,
    noise_table,
    numbers,
    segment_table,
    similarity_table,
)
from shadow_mw.report.plain_table import fitting, plain_table
from shadow_mw.results import Series, Summary
from shadow_mw.types import CANDIDATE_REASONS, NOT_COMPARED


def show(summary: Summary, console: Console) -> None:
    """Print the whole report."""
    if summary.series is None:
        console.print("The store is empty: nothing has been mirrored yet.")
        return
    console.print(Text(_title(summary.series, summary.others, summary.funnel.hosts)))
    _funnel(summary, console)
    if not summary.funnel.paired:
        console.print("No pairs yet: nothing to compare.")
        return
    console.print()
    console.print(fitting(console, lambda gap: metric_table.fill(plain_table(gap), summary)))
    console.print()
    for note in metric_table.notes(summary):
        console.print(Text(note))
    _checks(summary, console)
    _similarity(summary, console)
    _noise(summary, console)
    _fields(summary, console)
    _divergence(summary, console)
    _segments(summary, console)


def _title(series: Series, others: tuple[Series, ...], hosts: tuple[str, ...]) -> str:
    title = f"experiment {_name(series)}"
    if hosts:
        title += f", as seen by host {', '.join(map(numbers.shown_plain, hosts))}"
    if not others:
        return title
    rest = "; ".join(map(_name, others))
    return f"{title} (the newest data; choose with --experiment, --candidate; others: {rest})"


def _name(series: Series) -> str:
    experiment, candidate = map(numbers.shown_plain, (series.experiment, series.candidate))
    return f"{experiment}, candidate {candidate or '(none called yet)'}"


def _funnel(summary: Summary, console: Console) -> None:
    funnel = summary.funnel
    console.print(
        f"\ncaptured {funnel.captured:,} → mirrored {funnel.mirrored:,}"
        f" → paired {funnel.paired:,} → scored {funnel.scored:,}",
        highlight=False,
    )
    groups: dict[str, list[str]] = {}
    for reason, n in sorted(funnel.reasons.items(), key=lambda item: -item[1]):
        groups.setdefault(_group(reason), []).append(f"{numbers.shown_plain(reason)} {n:,}")
    for title in ("not mirrored", "candidate failed", "not compared"):
        if title in groups:
            console.print(Text(f"  {title}: {', '.join(groups[title])}"))


def _group(reason: str) -> str:
    if reason in CANDIDATE_REASONS:
        return "candidate failed"
    return "not compared" if reason in NOT_COMPARED else "not mirrored"


def _checks(summary: Summary, console: Console) -> None:
    if any(counts.n for counts in summary.checks.values()):
        console.print()
        console.print(check_table.fill(plain_table(), summary.checks))
    notes = check_table.notes(summary.checks)
    if notes:
        console.print()
    for note in notes:
        console.print(Text(note))


def _similarity(summary: Summary, console: Console) -> None:
    found = summary.similarity
    if found:
        console.print()
        console.print(similarity_table.fill(plain_table(), "cosine of embeddings", found))
    for note in similarity_table.notes(found):
        console.print(Text(note))


def _noise(summary: Summary, console: Console) -> None:
    if summary.noise is None:
        return
    console.print()
    console.print(noise_table.fill(plain_table(), summary.noise))
    console.print()
    for note in noise_table.notes(summary.noise):
        console.print(Text(note))


def _fields(summary: Summary, console: Console) -> None:
    if fields := field_table.labelled(summary):
        console.print()
        console.print(field_table.fill(plain_table(), fields))
    for note in field_table.notes(summary):
        console.print(Text(f"\n{note}"))


def _divergence(summary: Summary, console: Console) -> None:
    notes = divergence_table.notes(summary.divergence)
    if not notes:
        return
    console.print()
    if summary.divergence.divergent:
        console.print(divergence_table.fill(plain_table(), summary.divergence))
        console.print()
    for note in notes:
        console.print(Text(note))


def _segments(summary: Summary, console: Console) -> None:
    segments = segment_table.by_loss(summary.segments)
    if set(segments) - {""}:
        console.print()
        console.print(segment_table.fill(plain_table(), "segment", segments))
        console.print("primary → candidate; where the candidate is most clearly behind comes first")
    if 1 < len(summary.days) <= segment_table.MOST_DAYS:
        console.print()
        console.print(segment_table.fill(plain_table(), "day (UTC)", summary.days))
    lines = (segment_table.rest(segments), segment_table.documents_line(summary.documents))
    for line in filter(None, lines):
        console.print(Text(f"\n{line}"))
