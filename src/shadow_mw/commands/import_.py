"""`shadow-mw import`: pairs from anywhere into the store."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from shadow_mw import settings
from shadow_mw.commands.progress import progress
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.rows import Imported, Reader, Staged, stage, store_rows
from shadow_mw.evaluate.rows_lines import opened, size_of
from shadow_mw.prices import PriceTable
from shadow_mw.runner.redact import Redactor


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--store", type=click.Path(path_type=Path), help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Of rows that name none. Default: SHADOW_EXPERIMENT.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def import_(file: Path, store: Path | None, experiment: str | None, machine: bool) -> None:
    """Store and judge the pairs of FILE (- is standard input; .gz is unpacked).

    One JSON object a line; only pair_id, primary and candidate are required:

    \b
    {"pair_id": "p1", "time": "2026-11-02T09:14:05Z", "key": "invoice-17",
     "input": {"messages": []}, "truth": {"total": "9.00", "tax_id": null},
     "primary": {"model": "a", "output": "{}", "latency_ms": 480},
     "candidate": {"model": "b", "output": null, "error": "timeout"}}

    All lines are checked before any is stored. Content is redacted as live calls are. A pair
    without a key has its pair_id as key; its truth is a label under that key. Importing the same
    again changes nothing.
    """
    used = settings.load()
    if store is not None:
        used = used.model_copy(update={"store": store.absolute()})
    with Staged() as staged:
        _stage(file, staged, used, experiment)
        with (
            Store.open(used.store, create=True) as opened_store,
            progress("storing", staged.rows) as advance,
        ):
            result = store_rows(opened_store, staged, str(file), advance)
    click.echo(json.dumps(asdict(result)) if machine else sentence(result))


def _stage(file: Path, staged: Staged, used: settings.Settings, experiment: str | None) -> None:
    prices = PriceTable(used.prices)
    with progress("reading", size_of(file)) as advance, opened(file, advance) as lines:
        reader = Reader(_redactor(used), prices, experiment or used.experiment)
        stage(lines, reader, staged)


def _redactor(used: settings.Settings) -> Redactor:
    """By the rules of what is in the store already; a new store gets those in force now."""
    if used.store.exists():
        return Redactor.for_labels(used)
    used.store.parent.mkdir(parents=True, exist_ok=True)
    return Redactor.for_store(used)


def sentence(result: Imported) -> str:
    """What a person reads."""
    known = result.rows - result.new
    text = f"{result.rows:,} pairs read, {result.new:,} new"
    if known:
        text += f", {known:,} known already"
    text += f"; {result.labels:,} new labels"
    if result.replaced:
        text += f", {result.replaced:,} labels replaced"
    if result.judge_left_out:
        text += f"; judge verdicts of {result.judge_left_out:,} rows left out: the store keeps none"
    return text


# `import` is no name in Python; the command line looks for one by the command's.
globals()["import"] = import_
