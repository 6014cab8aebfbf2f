"""`shadow-mw calibrate`: what a judge's verdicts are worth, from people's labels."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from shadow_mw.commands.files import read_file
from shadow_mw.evaluate.calibration.rows import Choice, Row, read_rows
from shadow_mw.exceptions import ConfigError, DataError

if TYPE_CHECKING:
    from shadow_mw.evaluate.calibration.calibrate import Calibration


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--win",
    type=click.Choice(["A", "B"]),
    default="A",
    show_default=True,
    help="The output whose win rate is asked.",
)
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def calibrate(file: Path, win: str, machine: bool) -> None:
    """Compare a judge's verdicts in FILE (- is standard input) with people's, and correct them.

    One JSON object a line: {"id": "p1", "human": "A", "judge": ["A", "TIE"], "segment": "monday"}.
    A and B name outputs; `judge` has the verdict with A shown first, then with B shown first, null
    where it was not valid. `human` is A, B or TIE, a list of several people's, or null: an item
    that is judged and not labelled still counts for the corrected win rate. `inclusion` is the
    probability with which an item was chosen to be labelled, where it was not the same for all.
    Files of `shadow-mw label --terminal` are read as they are; items that no judge was asked about
    (`judge` is null) are left out.
    """
    result = _calibrated(_judged(read_file(file, read_rows), file), Choice(win))
    from shadow_mw.commands.calibrate_card import as_json, show

    if machine:
        click.echo(json.dumps(as_json(result), indent=2, allow_nan=False))
    else:
        show(result, Console(highlight=False))


def _calibrated(rows: list[Row], win: Choice) -> Calibration:
    missing = [name for name in ("numpy", "scipy") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"calibrate needs {' and '.join(missing)}: pip install 'shadow-mw[eval]'")
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
