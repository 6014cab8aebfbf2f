"""`shadow-mw score`: a report on a file of pairs, without a store."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NoReturn

import click
from rich.console import Console

from shadow_mw import settings
from shadow_mw.commands.judges import judges_json, show_judges
from shadow_mw.commands.progress import progress
from shadow_mw.commands.report import lenient_stdout
from shadow_mw.evaluate.pipeline import Standards, summarise
from shadow_mw.evaluate.rows.lines import opened, size_of
from shadow_mw.evaluate.rows.redaction import Unchanged
from shadow_mw.evaluate.rows.rows import Reader, judge_lines
from shadow_mw.evaluate.store.scratch import Scratch
from shadow_mw.prices import PriceTable
from shadow_mw.report.as_json import as_json
from shadow_mw.report.terminal import show


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--experiment", help="Default: the one with the newest data.")
@click.option("--candidate", help="Default: the one with the newest data.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def score(file: Path, experiment: str | None, candidate: str | None, machine: bool) -> None:
    """Report on the pairs of FILE (- is standard input; .gz is unpacked) and keep nothing.

    The lines are those of `shadow-mw import`, the report is that of `shadow-mw report`.
    """
    used = settings.load()
    standards = Standards.declared(used)
    reader = Reader(Unchanged(), PriceTable(used.prices), used.experiment)
    with (
        _directory() as directory,
        Scratch.make(directory / "shadow.db") as store,
    ):
        with progress("scoring", size_of(file)) as advance, opened(file, advance) as lines:
            judge_lines(lines, reader, store, standards)
        summary = summarise(store, experiment, candidate)
        if machine:
            found = as_json(summary) | judges_json(store, summary.series) | {"store": None}
            click.echo(json.dumps(found, indent=2, allow_nan=False))
            return
        console = Console(file=lenient_stdout(), highlight=False)
        show(summary, console)
        show_judges(store, summary.series, console)


@contextmanager
def _directory() -> Iterator[Path]:
    """Gone at the end, also where the end is SIGTERM: it holds what users said."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with TemporaryDirectory(prefix="shadow-mw-score-") as directory:
            yield Path(directory)
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
