"""`shadow-mw preflight`: what a candidate's tokeniser makes of stored prompts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click
from rich.console import Console

from shadow_mw import settings
from shadow_mw.commands.options import sample_options
from shadow_mw.commands.preflight_card import as_json, show
from shadow_mw.commands.progress import progress
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.preflight.preflight import counted, encode_all
from shadow_mw.evaluate.preflight.prompts import draw, prompts
from shadow_mw.evaluate.preflight.tokenizer import LocalTokenizer
from shadow_mw.evaluate.series import choose
from shadow_mw.evaluate.store.declared import contexts
from shadow_mw.exceptions import DataError

A_FILE = click.Path(path_type=Path)


@click.command()
@click.option("--tokenizer", type=A_FILE, required=True, help="The candidate's tokenizer.json.")
@click.option("--primary-tokenizer", type=A_FILE, help="The primary's, where there is one.")
@click.option("--context-tokens", type=click.IntRange(1), help="Default: the candidate's setting.")
@click.option("--store", type=A_FILE, help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Default: the one with the newest data.")
@click.option("--candidate", help="Default: the one with the newest data.")
@sample_options("Inputs", 1000, "Read every input.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def preflight(
    tokenizer: Path,
    primary_tokenizer: Path | None,
    context_tokens: int | None,
    store: Path | None,
    experiment: str | None,
    candidate: str | None,
    sample: int,
    whole: bool,
    seed: int,
    machine: bool,
) -> None:
    """Encode stored inputs with a candidate's tokenizer.json: before it is asked anything.

    Says whether texts come back as they were, which text of users becomes control tokens, how many
    tokens the candidate needs for the same prompts, and how many of them do not fit its context.
    Nothing is fetched and nobody is asked.
    """
    used = settings.load()
    theirs = LocalTokenizer(tokenizer)
    ours = None if primary_tokenizer is None else LocalTokenizer(primary_tokenizer)
    left_out = Counter[str]()
    with Store.open(store or used.store) as opened:
        series, _ = choose(opened, experiment, candidate)
        if series is None:
            raise DataError(f"store {opened.path}: no call in it yet")
        known = contexts(opened) | used.context_tokens
        context = context_tokens or known.get(series.candidate)
        drawn, population = draw(opened, series.experiment, None if whole else sample, seed)
        with progress("encoding", len(drawn)) as advance:
            read = prompts(opened, series.experiment, drawn, left_out)
            found = encode_all(read, theirs, ours, context, advance)
        measured = counted(opened, series)
        path = opened.path
    if not found.prompts:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(left_out.items()))
        why = f": {reasons}" if reasons else ""
        raise DataError(f"store {path}: no input whose text is known{why}")
    result = {
        "experiment": series.experiment,
        "candidate": series.candidate,
        "store": str(path),
        "tokenizer": str(tokenizer),
        "primary_tokenizer": None if primary_tokenizer is None else str(primary_tokenizer),
        "inputs": {
            "seed": seed,
            "population": population,
            "drawn": len(drawn),
            "read": found.prompts,
            "other_parts": found.other_parts,
            "left_out": dict(sorted(left_out.items())),
        },
    } | as_json(found, measured)
    if machine:
        click.echo(json.dumps(result, indent=2, allow_nan=False))
    else:
        show(result, Console(highlight=False))
