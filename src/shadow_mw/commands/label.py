"""`shadow-mw label`: ground truth by business key, and people's choice between outputs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from click.core import ParameterSource

from shadow_mw import settings
from shadow_mw.commands.files import read_file
from shadow_mw.commands.label_choices import read, sentence, store_choices
from shadow_mw.evaluate import pipeline
from shadow_mw.results import Label, LabelResult
from shadow_mw.runner.redact import Redactor

A_FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--store", type=A_FILE, help="Default: SHADOW_STORE.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.option("--terminal", is_flag=True, help="Choose between outputs instead, key by key.")
@click.option("--web", is_flag=True, help="The same on a page of this host.")
@click.option("--n", type=click.IntRange(1), default=200, show_default=True, help="Pairs to draw.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw, and of A and B.")
@click.option(
    "--out",
    type=A_FILE,
    default=Path("labels.jsonl"),
    show_default=True,
    help="Where labels go; a file that is there is gone on with.",
)
@click.option("--annotator", metavar="NAME", help="Who labels. Default: the login name.")
@click.option("--experiment", help="Default: the one with the newest data.")
@click.option("--candidate", help="Default: the one with the newest data.")
@click.option("--judge", metavar="NAME", help="Whose verdicts go with the labels.")
@click.option("--all", "whole", is_flag=True, help="Draw from pairs that no judge saw, too.")
def label(
    file: Path | None,
    store: Path | None,
    machine: bool,
    terminal: bool,
    web: bool,
    n: int,
    seed: int,
    out: Path,
    annotator: str | None,
    experiment: str | None,
    candidate: str | None,
    judge: str | None,
    whole: bool,
) -> None:
    """Store the ground truth of FILE (- is standard input) and score every pair it is for.

    One JSON object a line: {"key": "invoice-17", "truth": {"total": "9.00", "tax_id": null}}.
    The key is what the app gave to shadow_mw.annotate(key=...). null says that there is no value;
    a field that is left out is not judged.

    FILE may have people's choices instead: {"id": "pair-1", "human": "A", "annotator": "ann"}, as
    files of --terminal and --web have; A is the primary's output, B the candidate's.

    With --terminal or --web, and without FILE: draw pairs, more of those that a judge is likely to
    get wrong, and ask which output is better, without saying whose it is. Every answer is kept at
    once in --out and in the store; `shadow-mw calibrate` reads either.
    """
    if terminal + web + (file is not None) != 1:
        raise click.UsageError("accepted is one of FILE, --terminal and --web")
    used = settings.load()
    if store is not None:
        used = used.model_copy(update={"store": store})
    if file is not None:
        _refuse_others({"experiment", "candidate"})
        given = read_file(file, read)
        if given.choices:
            kept = store_choices(used, given.choices, experiment, candidate)
            click.echo(json.dumps(asdict(kept)) if machine else sentence(kept))
            return
        _refuse_others(set())
        _store_truth(given.truths, used, machine=machine)
        return
    if machine:
        raise click.UsageError("no JSON is printed: the labels are in --out")
    from shadow_mw.commands.label_draw import Draw, run

    run(used, Draw(n, seed, judge, whole), out, annotator, (experiment, candidate), web=web)


def _refuse_others(used: set[str]) -> None:
    """What belongs to --terminal alone would be without effect."""
    context = click.get_current_context()
    for name in sorted(context.params.keys() - {"file", "store", "machine"} - used):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = "--all" if name == "whole" else f"--{name}"
            raise click.UsageError(f"{option} needs --terminal or --web")


def _store_truth(rows: list[Label], used: settings.Settings, *, machine: bool) -> None:
    standards = pipeline.Standards.declared(used)
    is_new = not used.store.exists()
    with pipeline.Store.open(used.store, create=True) as opened:
        result = pipeline.label(opened, rows, Redactor.for_labels(used).json, standards)
    if machine:
        click.echo(json.dumps(asdict(result)))
        return
    # Most likely from another directory than the app's.
    made = f"; the store was not there and was made: {used.store}" if is_new else ""
    click.echo(_sentence(result) + made)


def _sentence(result: LabelResult) -> str:
    text = f"{_count(result.stored, 'label')} stored, {_count(result.scored, 'pair')} scored"
    if result.unmatched:
        text += f"; no pair has the key of {result.unmatched:,} of them yet, they wait for it"
    if result.replaced:
        text += f"; {result.replaced:,} in place of another truth"
    if result.narrowed:
        text += f", {result.narrowed:,} of which no longer label a field that was labelled"
    return text


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
