"""`shadow-mw label`: ground truth for pairs, by business key."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from shadow_mw import settings
from shadow_mw.evaluate import pipeline
from shadow_mw.evaluate.labels import read_labels
from shadow_mw.exceptions import DataError
from shadow_mw.results import Label, LabelResult
from shadow_mw.runner.redact import Redactor


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--store", type=click.Path(path_type=Path), help="Default: SHADOW_STORE.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def label(file: Path, store: Path | None, machine: bool) -> None:
    """Store the ground truth of FILE (- is standard input) and score every pair it is for.

    One JSON object a line: {"key": "invoice-17", "truth": {"total": "9.00", "tax_id": null}}.
    The key is what the app gave to shadow_mw.annotate(key=...). null says that there is no value;
    a field that is left out is not judged.
    """
    rows = _read(file)
    used = settings.load()
    if store is not None:
        used = used.model_copy(update={"store": store})
    judge = pipeline.FieldJudge.declared(used.fields)
    with pipeline.Store.open(used.store, create=True) as opened:
        result = pipeline.label(opened, rows, Redactor.for_labels(used).json, judge)
    click.echo(json.dumps(asdict(result)) if machine else _sentence(result))


def _read(file: Path) -> list[Label]:
    if str(file) == "-":
        return read_labels(sys.stdin.buffer, "<stdin>")
    try:
        with file.open("rb") as lines:
            return read_labels(lines, str(file))
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror})") from None


def _sentence(result: LabelResult) -> str:
    text = f"{_count(result.stored, 'label')} stored, {_count(result.scored, 'pair')} scored"
    if result.unmatched:
        text += f"; no pair has the key of {result.unmatched:,} of them yet, they wait for it"
    return text


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
