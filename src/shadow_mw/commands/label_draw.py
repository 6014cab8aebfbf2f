"""`shadow-mw label --terminal` and `--web`: a draw, made once, and who labels it."""

from __future__ import annotations

import getpass
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from shadow_mw.commands.label_terminal import label_at_terminal
from shadow_mw.commands.label_view import View, view
from shadow_mw.commands.progress import progress
from shadow_mw.commands.report import lenient_stdout
from shadow_mw.evaluate.labelling.file import LabelFile, begin
from shadow_mw.evaluate.labelling.frame import frame, plan, rows_of
from shadow_mw.evaluate.labelling.preferences import Preferences
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import choose
from shadow_mw.exceptions import ConfigError, DataError
from shadow_mw.results import Series
from shadow_mw.settings import Settings


@dataclass(frozen=True, slots=True)
class Draw:
    """How pairs are drawn into a new file."""

    n: int
    seed: int
    judge: str | None
    whole: bool


def run(
    used: Settings,
    how: Draw,
    out: Path,
    annotator: str | None,
    names: tuple[str | None, str | None],
    *,
    web: bool,
) -> None:
    """Draw, unless the file is there, and ask.

    Raises:
        DataError: there is nothing to label, or the file is no file of labels.
        ConfigError: what the page needs is not installed.
        click.UsageError: there is no terminal.
    """
    if web and importlib.util.find_spec("uvicorn") is None:
        raise ConfigError("label --web needs uvicorn: pip install 'shadow-mw[serve]'")
    if not web and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("--terminal needs a terminal for input and output")
    with Store.open(used.store) as store:
        series, _ = choose(store, *names)
        if series is None:
            raise DataError(f"store {store.path}: no pair in it yet")
        if not out.exists():
            _begin(store, series, how, out)
        known = rows_of(store, series)
        kept = Preferences(store, {pair_id: row for pair_id, (row, _) in known.items()})
        file = LabelFile(out, annotator or _login(), kept)
        _say(file, how)
        missing = [pair_id for pair_id in file.drawn if pair_id not in known]
        if missing:
            series_name = f"{series.experiment}/{series.candidate}"
            raise DataError(f"{out}: {len(missing):,} of its pairs are not in {series_name}")

        def views(pair_id: str) -> View:
            return view(store, known[pair_id][0], pair_id, how.seed, file.annotator)

        if web:
            from shadow_mw.commands.label_web import label_on_page

            label_on_page(file, views)
            return
        label_at_terminal(file, views, Console(file=lenient_stdout(), highlight=False))


def _begin(store: Store, series: Series, how: Draw, out: Path) -> None:
    with progress("reading", None):
        found = frame(store, series, how.judge, how.seed, whole=how.whole)
    if not found.rows:
        raise DataError(f"store {store.path}: no pair whose outputs could be compared")
    begin(out, plan(store, found, how.n, how.seed))


def _say(file: LabelFile, how: Draw) -> None:
    done = len(file.drawn) - len(file.left)
    text = f"{file.path}: {len(file.drawn):,} pairs drawn, {done:,} labelled by {file.annotator}"
    if how.n < len(file.drawn):
        text += "; a file keeps its draw, another --n needs another --out"
    click.echo(text)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
