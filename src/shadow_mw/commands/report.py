"""`shadow-mw report`: how the candidate did, against the primary."""

from __future__ import annotations

import importlib.util
import json
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console

from shadow_mw import settings
from shadow_mw.evaluate.judging.store import drawn_of, opinions_of
from shadow_mw.evaluate.pipeline import Store, summarise
from shadow_mw.report.as_json import as_json
from shadow_mw.report.terminal import show
from shadow_mw.results import Series
from shadow_mw.types import Json


@click.command()
@click.option("--store", type=click.Path(path_type=Path), help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Default: the one with the newest data.")
@click.option("--candidate", help="Default: the one with the newest data.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def report(
    store: Path | None, experiment: str | None, candidate: str | None, machine: bool
) -> None:
    """Show what was mirrored, and both models side by side."""
    path = store or settings.load().store
    with Store.open(path) as opened:
        summary = summarise(opened, experiment, candidate)
        judges = _judges(opened, summary.series) if machine else None
    if machine:
        found = as_json(summary) | {"judges": judges, "store": str(path)}
        click.echo(json.dumps(found, indent=2, allow_nan=False))
    else:
        show(summary, Console(file=lenient_stdout(), highlight=False))


def _judges(store: Store, series: Series | None) -> list[Json] | None:
    """A card for each judge and epoch; None where what their figures need is not installed."""
    opinions = opinions_of(store, series) if series else []
    if not opinions or series is None:
        return []
    if any(importlib.util.find_spec(name) is None for name in ("numpy", "scipy")):
        return None
    from shadow_mw.commands.judge_card import card_json
    from shadow_mw.evaluate.judging.summary import Drawn, judge_cards

    drawn = Drawn(*drawn_of(store, series))
    return [card_json(card) for card in judge_cards(opinions, drawn)]


def lenient_stdout() -> TextIO:
    """An arrow that the terminal's encoding lacks is no reason to fail."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return sys.stdout
