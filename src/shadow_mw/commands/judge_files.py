"""Files that `shadow-mw judge` reads and writes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from shadow_mw.commands.files import read_file
from shadow_mw.evaluate.calibration.rows import Row, read_rows
from shadow_mw.evaluate.judging.judge import Run
from shadow_mw.evaluate.judging.pools import label_row, newest, pools
from shadow_mw.evaluate.judging.values import Judge
from shadow_mw.exceptions import ConfigError, DataError


def check_out(out: Path, judges: list[Judge]) -> None:
    """Before anything is spent; people's labels may be in a file that is there."""
    if len(judges) > 1:
        raise click.UsageError("--out takes one judge's verdicts: choose it with --judge")
    if out.exists():
        raise ConfigError(f"--out {out}: is there already")


def write_rows(out: Path, run: Run) -> None:
    """The newest epoch alone: verdicts of two are no one judge's."""
    found = newest(pools(run.opinions)).values()
    rows = [label_row(judgement) for pool in found for judgement in pool.judgements]
    with out.open("x") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def read_people(path: Path | None) -> dict[str, Row]:
    """Labels by pair id."""
    return {row.id: row for row in read_file(path, read_rows)} if path else {}


def read_rubric(path: Path) -> str:
    """A text that replaces the rubric."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8; accepted is a text") from None
    if not text:
        raise DataError(f"{path}: empty; accepted is a text that says what makes an answer better")
    return text
