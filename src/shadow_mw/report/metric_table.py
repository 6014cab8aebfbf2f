"""The metrics of a report, one row each, and what a reader has to know to read them right."""

from __future__ import annotations

from collections.abc import Callable

from rich.table import Table
from rich.text import Text

from shadow_mw.report import numbers
from shadow_mw.results import LegTotals, Metric, Summary

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


def fill(table: Table, summary: Summary) -> Table:
    """One row a metric, both models side by side."""
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


def notes(summary: Summary) -> list[str]:
    """What the table does not say."""
    primary, candidate = summary.primary, summary.candidate
    lines = [f"tokens per call: primary {_tokens(primary)}; candidate {_tokens(candidate)}"]
    if primary.unpriced or candidate.unpriced:
        lines.append(
            f"unpriced calls (no price or no usage known, left out of the cost):"
            f" primary {primary.unpriced:,}, candidate {candidate.unpriced:,}"
        )
    if primary.failed or candidate.failed:
        lines.append(
            f"failed calls count as infinitely slow (∞): primary {primary.failed:,},"
            f" candidate {candidate.failed:,}"
        )
    if summary.backfilled:
        lines.append(
            f"backfilled {summary.backfilled:,} of {summary.funnel.paired:,} pairs: the candidate"
            " was asked later, from the store (pseudonyms for personal data); their latency is not"
            " compared"
        )
    if summary.unused_rules:
        shown = ", ".join(map(numbers.shown_plain, summary.unused_rules))
        lines.append(f"rules for fields that neither a truth nor an output has: {shown}")
    if not summary.funnel.scored:
        lines.append(_how_to_label(summary.labels))
    return lines


def _cell(value: float | None, shown: Show) -> str:
    return numbers.NOTHING if value is None else shown(value)


def _how_to_label(labels: int) -> str:
    if labels:
        known = "the one label" if labels == 1 else f"one of the {labels:,} labels"
        return f"no pair is scored: none has the key of {known} in the store"
    return "no ground truth yet, so no field scores: shadow-mw label truth.jsonl adds it"


def _tokens(totals: LegTotals) -> str:
    calls = totals.calls_with_usage
    if not calls:
        return "unknown"
    cached = totals.cache_read_tokens
    cache = f" ({cached / calls:,.0f} cached)" if cached else ""
    return f"{totals.input_tokens / calls:,.0f} in{cache}, {totals.output_tokens / calls:,.0f} out"
