"""A summary for people: the funnel, the table of both models, the fields."""

from __future__ import annotations

from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_mw.report import (
    check_table,
    divergence_table,
    noise_table,
    numbers,
    segment_table,
    similarity_table,
)
from shadow_mw.results import FieldCounts, FieldOutcome, LegTotals, Metric, Series, Summary
from shadow_mw.types import CANDIDATE_REASONS, NOT_COMPARED

Show = Callable[[float], str]
Difference = Callable[[Metric], str]

ROWS: dict[str, tuple[str, Show, Difference]] = {
    "field_accuracy": ("field accuracy", numbers.rate, numbers.points),
    "hallucination_rate": ("hallucination rate", numbers.rate, numbers.points),
    "latency_p50_ms": ("latency p50", numbers.milliseconds, numbers.change),
    "latency_p95_ms": ("latency p95", numbers.milliseconds, numbers.change),
    "latency_p99_ms": ("latency p99", numbers.milliseconds, numbers.change),
    "ttft_p50_ms": ("first token p50", numbers.milliseconds, numbers.change),
    "cost_per_1k_usd": ("cost per 1k calls", numbers.dollars, numbers.change),
    "error_rate": ("error rate", numbers.rate, numbers.points),
    "exact_match": ("exact match", numbers.rate, numbers.points),
    "json_valid": ("valid JSON", numbers.rate, numbers.points),
}

FIELD_COLUMNS = {
    "halluci-\nnated": FieldOutcome.HALLUCINATED,
    "correct": FieldOutcome.CORRECT,
    "wrong": FieldOutcome.WRONG_VALUE,
    "missed": FieldOutcome.MISSED,
    "correct\nnull": FieldOutcome.CORRECT_NULL,
    "invalid": FieldOutcome.INVALID_OUTPUT,
    "null-\nlike": FieldOutcome.NULL_LIKE,
}


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
    console.print(_metrics(summary))
    console.print()
    _notes(summary, console)
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


def _metrics(summary: Summary) -> Table:
    table = _table()
    table.add_column("")
    for leg, totals in (("primary", summary.primary), ("candidate", summary.candidate)):
        model = numbers.shown_plain(totals.model)
        table.add_column(Text(f"{leg}\n{model}" if model else leg), justify="right")
    table.add_column("delta", justify="right")
    table.add_column("n", justify="right")
    for name, (title, shown, difference) in ROWS.items():
        metric = summary.metrics[name]
        delta = difference(metric)
        if name == "hallucination_rate" and (metric.delta or 0) > 0:
            delta = f"[bold red]{delta}, worse[/]"
        ours, theirs = _cell(metric.primary, shown), _cell(metric.candidate, shown)
        if name == "hallucination_rate" and metric.n:
            ours += f" ({metric.primary_count:,} of {metric.n:,})"
            theirs += f" ({metric.candidate_count:,} of {metric.n:,})"
        table.add_row(title, ours, theirs, delta, f"{metric.n:,}")
    return table


def _cell(value: float | None, shown: Show) -> str:
    return numbers.NOTHING if value is None else shown(value)


def _notes(summary: Summary, console: Console) -> None:
    """What a reader has to know to read the table right."""
    for note in _note_lines(summary):
        console.print(Text(note))


def _note_lines(summary: Summary) -> list[str]:
    primary, candidate = summary.primary, summary.candidate
    notes = [f"tokens per call: primary {_tokens(primary)}; candidate {_tokens(candidate)}"]
    if primary.unpriced or candidate.unpriced:
        notes.append(
            f"unpriced calls (no price or no usage known, left out of the cost):"
            f" primary {primary.unpriced:,}, candidate {candidate.unpriced:,}"
        )
    if primary.failed or candidate.failed:
        notes.append(
            f"failed calls count as infinitely slow (∞): primary {primary.failed:,},"
            f" candidate {candidate.failed:,}"
        )
    if summary.backfilled:
        notes.append(
            f"backfilled {summary.backfilled:,} of {summary.funnel.paired:,} pairs: the candidate"
            " was asked later, from the store (pseudonyms for personal data); their latency is not"
            " compared"
        )
    if summary.unused_rules:
        shown = ", ".join(map(numbers.shown_plain, summary.unused_rules))
        notes.append(f"rules for fields that neither a truth nor an output has: {shown}")
    if not summary.funnel.scored:
        notes.append(_how_to_label(summary.labels))
    return notes


def _how_to_label(labels: int) -> str:
    if labels:
        return f"no pair is scored: none has the key of one of the {labels:,} labels in the store"
    return "no ground truth yet, so no field scores: shadow-mw label truth.jsonl adds it"


def _tokens(totals: LegTotals) -> str:
    calls = totals.calls_with_usage
    if not calls:
        return "unknown"
    cached = totals.cache_read_tokens
    cache = f" ({cached / calls:,.0f} cached)" if cached else ""
    return f"{totals.input_tokens / calls:,.0f} in{cache}, {totals.output_tokens / calls:,.0f} out"


def _checks(summary: Summary, console: Console) -> None:
    if any(counts.n for counts in summary.checks.values()):
        console.print()
        console.print(check_table.fill(_table(), summary.checks))
    notes = check_table.notes(summary.checks)
    if notes:
        console.print()
    for note in notes:
        console.print(Text(note))


def _similarity(summary: Summary, console: Console) -> None:
    found = summary.similarity
    if found:
        console.print()
        console.print(similarity_table.fill(_table(), "cosine of embeddings", found))
    for note in similarity_table.notes(found):
        console.print(Text(note))


def _noise(summary: Summary, console: Console) -> None:
    if summary.noise is None:
        return
    console.print()
    console.print(noise_table.fill(_table(), summary.noise))
    console.print()
    for note in noise_table.notes(summary.noise):
        console.print(Text(note))


def _fields(summary: Summary, console: Console) -> None:
    labelled = {path: counts for path, counts in summary.fields.items() if _labelled(counts)}
    if labelled:
        console.print()
        console.print(_field_table(labelled))
    if became := _became(summary.transitions.get(FieldOutcome.CORRECT_NULL, {})):
        console.print(Text(f"\n{became}"))
    unexpected = [path for path, counts in summary.fields.items() if _unexpected(counts)]
    if unexpected:
        shown = ", ".join(map(numbers.shown_plain, unexpected[:5]))
        rest = f" and {len(unexpected) - 5} more" if len(unexpected) > 5 else ""
        console.print(Text(f"\nnot in the truth, but in outputs: {shown}{rest}"))


def _divergence(summary: Summary, console: Console) -> None:
    notes = divergence_table.notes(summary.divergence)
    if not notes:
        return
    console.print()
    if summary.divergence.divergent:
        console.print(divergence_table.fill(_table(), summary.divergence))
        console.print()
    for note in notes:
        console.print(Text(note))


def _segments(summary: Summary, console: Console) -> None:
    segments = segment_table.by_loss(summary.segments)
    if set(segments) - {""}:
        console.print()
        console.print(segment_table.fill(_table(), "segment", segments))
        console.print("primary → candidate; where the candidate is most clearly behind comes first")
    if 1 < len(summary.days) <= segment_table.MOST_DAYS:
        console.print()
        console.print(segment_table.fill(_table(), "day (UTC)", summary.days))
    lines = (segment_table.rest(segments), segment_table.documents_line(summary.documents))
    for line in filter(None, lines):
        console.print(Text(f"\n{line}"))


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


def _field_table(fields: dict[str, FieldCounts]) -> Table:
    """The fields that the candidate hallucinates most come first."""
    table = _table()
    table.add_column("field", overflow="fold")
    for title in FIELD_COLUMNS:
        table.add_column(title, justify="right", no_wrap=True)
    for path, counts in sorted(fields.items(), key=_harm):
        table.add_row(Text(numbers.shown_plain(path)))
        table.add_row("  primary", *_outcomes(counts.primary))
        table.add_row("  candidate", *_outcomes(counts.candidate))
    return table


def _table() -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold",
    )


def _harm(item: tuple[str, FieldCounts]) -> tuple[int, int, str]:
    path, counts = item
    wrong = counts.candidate[FieldOutcome.WRONG_VALUE] + counts.candidate[FieldOutcome.MISSED]
    return -counts.candidate[FieldOutcome.HALLUCINATED], -wrong, path


def _outcomes(counts: dict[FieldOutcome, int]) -> list[str]:
    return [f"{counts[outcome]:,}" for outcome in FIELD_COLUMNS.values()]


def _labelled(counts: FieldCounts) -> bool:
    return any(counts.primary[outcome] for outcome in FIELD_COLUMNS.values())


def _unexpected(counts: FieldCounts) -> bool:
    outcome = FieldOutcome.UNEXPECTED_FIELD
    return bool(counts.primary[outcome] or counts.candidate[outcome])
