"""`shadow-mw calibrate`: what a judge's verdicts are worth, from people's labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from shadow_mw import settings
from shadow_mw.commands.calibrate_store import stored_rows, title
from shadow_mw.commands.files import read_file
from shadow_mw.commands.judges import missing
from shadow_mw.evaluate.calibration.rows import Choice, Row, read_rows
from shadow_mw.exceptions import ConfigError, DataError
from shadow_mw.types import Json

if TYPE_CHECKING:
    from shadow_mw.evaluate.calibration.calibrate import Calibration


A_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), required=False)
@click.option(
    "--win",
    type=click.Choice(["A", "B"]),
    help="The output whose win rate is asked. Default: A; without FILE B, the candidate's.",
)
@click.option("--store", type=A_FILE, help="Without FILE. Default: SHADOW_STORE.")
@click.option("--experiment", help="Without FILE. Default: the one with the newest data.")
@click.option("--candidate", help="Without FILE. Default: the one with the newest data.")
@click.option("--judge", metavar="NAME", help="Without FILE, where several judges were asked.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def calibrate(
    file: Path | None,
    win: str | None,
    store: Path | None,
    experiment: str | None,
    candidate: str | None,
    judge: str | None,
    machine: bool,
) -> None:
    """Compare a judge's verdicts with people's, and correct them.

    Without FILE both are the store's: the judge's newest verdicts, and the labels that
    `shadow-mw label` put there. A is the primary's output, B the candidate's.

    FILE (- is standard input) has one JSON object a line:
    {"id": "p1", "human": "A", "judge": ["A", "TIE"], "segment": "monday"}. A and B name outputs;
    `judge` has the verdict with A shown first, then with B shown first, null where it was not
    valid. `human` is A, B or TIE, a list of several people's, or null: an item that is judged and
    not labelled still counts for the corrected win rate. `inclusion` is the probability with which
    an item was chosen to be labelled, where it was not the same for all. Files of
    `shadow-mw label --terminal` are read as they are; items that no judge was asked about (`judge`
    is null) are left out.
    """
    head: dict[str, Json] = {}
    if file is None:
        _needs_eval()
        rows, head = stored_rows(store or settings.load().store, experiment, candidate, judge)
    else:
        if any((store, experiment, candidate, judge)):
            raise click.UsageError("--store, --experiment, --candidate, --judge are without FILE")
        rows = _judged(read_file(file, read_rows), file)
    result = _calibrated(rows, Choice(win or ("A" if file else "B")))
    from shadow_mw.commands.calibrate_card import as_json, show

    if machine:
        click.echo(json.dumps(head | as_json(result), indent=2, allow_nan=False))
        return
    console = Console(highlight=False)
    if head:
        console.print(Text(title(head)), style="bold")
    show(result, console)


def _needs_eval() -> None:
    if lacking := missing():
        raise ConfigError(f"calibrate needs {' and '.join(lacking)}: pip install 'shadow-mw[eval]'")


def _calibrated(rows: list[Row], win: Choice) -> Calibration:
    _needs_eval()
    from shadow_mw.evaluate.calibration.calibrate import calibrate

    return calibrate(rows, win)


def _judged(rows: list[Row], file: Path) -> list[Row]:
    found = [row for row in rows if row.judged]
    if any(row.humans for row in found):
        return found
    n = sum(bool(row.humans) for row in rows)
    raise DataError(
        f"{file}: nothing to compare: none of the {n:,} labelled items has a judge's verdict;"
        " `shadow-mw judge --labels` brings them together"
    )
