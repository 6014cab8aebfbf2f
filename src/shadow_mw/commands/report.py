"""`shadow-mw report`: how the candidate did, against the primary."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console

from shadow_mw import settings
from shadow_mw.commands.declared_rules import say_which_wait
from shadow_mw.commands.judges import judges_json, show_judges
from shadow_mw.evaluate.pipeline import Store, summarise
from shadow_mw.evaluate.rows import collecting
from shadow_mw.evaluate.series import choose
from shadow_mw.evaluate.suggestions import as_toml, suggestions
from shadow_mw.report.as_json import as_json
from shadow_mw.report.terminal import show
from shadow_mw.results import Series


@click.command()
@click.option("--store", type=click.Path(path_type=Path), help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Default: the one with the newest data.")
@click.option("--candidate", help="Default: the one with the newest data.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.option(
    "--html",
    "html",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it as one HTML file that needs nothing else, with the worst pairs.",
)
@click.option(
    "--no-content",
    is_flag=True,
    help="With --html: leave out what was asked and said; figures, ids and paths stay.",
)
@click.option(
    "--suggest-rules",
    "suggest",
    is_flag=True,
    help="Print rules of fields for shadow.toml instead, from the requests' own schemas.",
)
def report(
    store: Path | None,
    experiment: str | None,
    candidate: str | None,
    machine: bool,
    html: Path | None,
    no_content: bool,
    suggest: bool,
) -> None:
    """Show what was mirrored, and both models side by side."""
    if machine and suggest:
        raise click.UsageError("--suggest-rules prints TOML: --json does not go with it")
    if html and (machine or suggest):
        raise click.UsageError("--html writes a file: --json and --suggest-rules print")
    if no_content and not html:
        raise click.UsageError("--no-content goes with --html")
    path = store or settings.load().store
    with collecting.rarely(), Store.open(path) as opened:
        say_which_wait(opened)
        if suggest:
            _suggest(opened, choose(opened, experiment, candidate)[0])
            return
        if html:
            _write(html, opened, choose(opened, experiment, candidate)[0], content=not no_content)
            return
        summary = summarise(opened, experiment, candidate)
        if machine:
            found = as_json(summary) | judges_json(opened, summary.series) | {"store": str(path)}
            click.echo(json.dumps(found, indent=2, allow_nan=False))
            return
        console = Console(file=lenient_stdout(), highlight=False)
        show(summary, console)
        show_judges(opened, summary.series, console)


def _write(target: Path, store: Store, series: Series | None, *, content: bool) -> None:
    from shadow_mw.commands.report_page import write_page

    write_page(target, store, series, content=content)
    click.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB", err=True)


def _suggest(store: Store, series: Series | None) -> None:
    rules = suggestions(store, series) if series else {}
    if not rules:
        click.echo("no schema in the newest requests says more than is declared", err=True)
        return
    click.echo(as_toml(rules))


def lenient_stdout() -> TextIO:
    """An arrow that the terminal's encoding lacks is no reason to fail."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return sys.stdout
