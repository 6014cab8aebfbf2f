"""What tokenisers make of prompts, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_mw.evaluate.preflight.preflight import Preflight, Ratios, Side
from shadow_mw.report.numbers import NOTHING, rate, shown_plain
from shadow_mw.report.plain_table import plain_table
from shadow_mw.types import Json


def as_json(found: Preflight, measured: Ratios) -> dict[str, Json]:
    """Figures by leg; a primary without its tokeniser is null."""
    sides = {"candidate": found.candidate, "primary": found.primary}
    return {
        "round_trip": {leg: _round_trip(side) for leg, side in sides.items()},
        "control_tokens": {leg: _control(side) for leg, side in sides.items()},
        "tokens_per_character": {
            segment: {
                "inputs": n,
                "characters": found.characters[segment],
                **{leg: _density(found, side, segment) for leg, side in sides.items()},
            }
            for segment, n in found.segments.most_common()
        },
        "prompt_tokens_ratio": {
            "over": "primary_usage" if found.primary is None else "primary_tokenizer",
            **asdict(found.ratio),
        },
        "measured_ratio": asdict(measured),
        "context": {
            "context_tokens": found.context_tokens,
            "largest": found.largest,
            "overflow": None if found.context_tokens is None else found.overflow,
        },
    }


def _round_trip(side: Side | None) -> Json:
    if side is None:
        return None
    return {"texts": side.texts, "same": side.same, "share": side.same / side.texts}


def _control(side: Side | None) -> Json:
    if side is None:
        return None
    return {"inputs": side.prompts_with_control, "tokens": dict(side.control.most_common())}


def _density(found: Preflight, side: Side | None, segment: str) -> float | None:
    characters = found.characters[segment]
    return None if side is None or not characters else side.tokens[segment] / characters


def show(found: Mapping[str, Any], console: Console) -> None:
    """Print the figures as tables."""
    inputs = found["inputs"]
    title = (
        f"{shown_plain(found['experiment'])}/{shown_plain(found['candidate'])}:"
        f" {inputs['read']:,} of {inputs['population']:,} stored inputs"
    )
    console.print(Text(title))
    if inputs["left_out"]:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in inputs["left_out"].items())
        console.print(Text(f"  left out: {reasons}"))
    console.print()
    console.print(_figures(found))
    console.print()
    console.print(_segments(found["tokens_per_character"]))
    console.print()
    for note in _notes(found):
        console.print(Text(note))


def _figures(found: Mapping[str, Any]) -> Table:
    table = _table("")
    for leg in ("candidate", "primary"):
        table.add_column(leg, justify="right")
    trips, control = found["round_trip"], found["control_tokens"]
    table.add_row("texts that decode to themselves", *_cells(trips, lambda t: rate(t["share"])))
    table.add_row(
        "inputs whose outside text makes control tokens",
        *_cells(control, lambda c: f"{c['inputs']:,} of {found['inputs']['read']:,}"),
    )
    return table


def _cells(legs: Mapping[str, Any], shown: Any) -> list[str]:
    return [NOTHING if legs[leg] is None else shown(legs[leg]) for leg in ("candidate", "primary")]


def _segments(segments: Mapping[str, Any]) -> Table:
    table = _table("tokens per character")
    for column in ("candidate", "primary", "inputs"):
        table.add_column(column, justify="right")
    for segment, row in segments.items():
        name = Text(shown_plain(segment) or "(no segment)")
        densities = [row["candidate"], row["primary"]]
        shown = [NOTHING if value is None else f"{value:.3f}" for value in densities]
        table.add_row(name, *shown, f"{row['inputs']:,}")
    return table


def _table(title: str) -> Table:
    table = plain_table()
    table.add_column(title, overflow="fold")
    return table


def _notes(found: Mapping[str, Any]) -> list[str]:
    ratio, context = found["prompt_tokens_ratio"], found["context"]
    over = {
        "primary_tokenizer": "the primary's tokeniser on the same texts",
        "primary_usage": "what the primary's server counted, its template included",
    }[ratio["over"]]
    notes = [
        f"prompt tokens, candidate over {over}: {_ratio(ratio)}",
        f"the same as both servers counted: {_ratio(found['measured_ratio'])}",
    ]
    if context["context_tokens"] is None:
        notes.append(
            f"largest need {context['largest']:,} tokens; how long the context is nobody said:"
            " --context-tokens, or context_tokens of the candidate"
        )
    else:
        notes.append(
            f"context {context['context_tokens']:,}: {context['overflow']:,} inputs do not fit"
            f" (largest need {context['largest']:,} tokens, output limit included)"
        )
    for leg in ("candidate", "primary"):
        tokens = (found["control_tokens"][leg] or {}).get("tokens")
        if tokens:
            shown = ", ".join(f"{shown_plain(name)} {n:,}" for name, n in tokens.items())
            notes.append(f"control tokens from outside text, {leg}: {shown}")
    if found["inputs"]["other_parts"]:
        notes.append(
            f"{found['inputs']['other_parts']:,} inputs have images or other parts without text:"
            " counted without them, and in no ratio"
        )
    return notes


def _ratio(ratio: Mapping[str, Any]) -> str:
    if not ratio["n"]:
        return "unknown"
    figures = ", ".join(f"{name} {ratio[name]:.2f}" for name in ("p50", "p95", "max"))
    return f"{figures} (n {ratio['n']:,})"
