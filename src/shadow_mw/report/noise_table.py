"""The noise floor of a report: each similarity beside that of two answers of the primary."""

from __future__ import annotations

from dataclasses import asdict

from rich.table import Table
from rich.text import Text

from shadow_mw.comparisons import LengthBand, NoiseFloor, NoiseRow
from shadow_mw.report import numbers
from shadow_mw.types import Json

TITLES = {
    "exact_match": "same answer",
    "tool_calls": "same tool calls",
    "fields_differ": "fields differ",
    "facts_differ": "facts differ",
    "citation_overlap": "citation overlap",
    "lexical_similarity": "lexical similarity",
    "length_log_ratio": "length, |log ratio|",
}
SHARES = frozenset({"exact_match", "tool_calls", "fields_differ", "facts_differ"})
"""Measures that are a yes or a no for each pair: everything else is a mean."""
ENOUGH = 200
"""Pairs of which the outermost half per cent on either side is at least one."""


def fill(table: Table, noise: NoiseFloor) -> Table:
    """One row for each measure that the primary has against itself."""
    table.add_column("against the primary", overflow="fold")
    for title in ("candidate", "n", "primary\nagain", "n", "delta", "same calls:\ndelta", "n"):
        table.add_column(title, justify="right", no_wrap=True)
    for name in _ordered(noise):
        row = noise.rows[name]
        table.add_row(
            Text(TITLES.get(name) or numbers.shown_plain(name)),
            *(_value(name, row.candidate), f"{row.candidate_n:,}"),
            *(_value(name, row.primary), f"{row.primary_n:,}"),
            _delta(name, row.difference),
            *(_delta(name, row.paired_difference), f"{row.paired_n:,}"),
        )
    return table


def notes(noise: NoiseFloor) -> list[str]:
    """What the table says, in words."""
    lines = []
    if exact := noise.rows.get("exact_match"):
        lines.append(_agreement(exact))
    if noise.length:
        lines.append(_band(noise.length))
    return lines


def as_json(noise: NoiseFloor | None) -> Json:
    """The same for programs; None where the primary was never asked again."""
    if noise is None:
        return None
    return {
        "pairs": noise.pairs,
        "measures": {
            name: asdict(row) | {"difference": row.difference} for name, row in noise.rows.items()
        },
        "length_band": asdict(noise.length) if noise.length else None,
    }


def _ordered(noise: NoiseFloor) -> list[str]:
    known = [name for name in TITLES if name in noise.rows]
    return known + [name for name in noise.rows if name not in TITLES]


def _agreement(row: NoiseRow) -> str:
    if row.primary is None:
        return ""
    text = (
        f"two answers of the primary itself are the same in {numbers.rate(row.primary)} of"
        f" {row.primary_n:,} calls"
    )
    if row.candidate is None:
        return text
    return (
        f"{text}; the candidate's and the primary's in {numbers.rate(row.candidate)} of"
        f" {row.candidate_n:,}"
    )


def _band(band: LengthBand) -> str:
    text = f"length: {band.low:.2f} to {band.high:.2f} times as long is the primary's own noise"
    if band.n < ENOUGH:
        text += f" (the extremes of {band.n:,} pairs; {ENOUGH} are needed for a band of 99 %)"
    if not band.of:
        return text
    return (
        f"{text}; {numbers.rate(band.inside / band.of)} of the candidate's {band.of:,} answers"
        " are within"
    )


def _value(name: str, value: float | None) -> str:
    if value is None:
        return numbers.NOTHING
    return numbers.rate(value) if name in SHARES else f"{value:.3f}"


def _delta(name: str, value: float | None) -> str:
    if value is None:
        return numbers.NOTHING
    return f"{100 * value:+.1f} pp" if name in SHARES else f"{value:+.3f}"
