"""`shadow-mw judge`: LLM judges over stored pairs."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from shadow_mw import settings
from shadow_mw.commands.judge_files import check_out, read_people, read_rubric, write_rows
from shadow_mw.commands.judge_run import Done, Work, plans, run
from shadow_mw.commands.judges import missing
from shadow_mw.commands.options import budget_options, sample_options
from shadow_mw.commands.progress import progress
from shadow_mw.evaluate.calibration.rows import Row
from shadow_mw.evaluate.judging.family import kin
from shadow_mw.evaluate.judging.items import Sample, draw
from shadow_mw.evaluate.judging.settings import judge_settings, judges_of
from shadow_mw.evaluate.labelling.preferences import people as stored_people
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import choose
from shadow_mw.exceptions import ConfigError, DataError
from shadow_mw.prices import PriceTable
from shadow_mw.report.numbers import shown_plain
from shadow_mw.types import Json

if TYPE_CHECKING:
    from shadow_mw.evaluate.judging.drawn import Drawn
    from shadow_mw.evaluate.judging.summary import JudgeCard

A_FILE = click.Path(path_type=Path)
KEPT = "what was answered is kept, run again to go on"
SPENT = "the budget is spent"
INTERRUPTED = 130
INCOMPLETE = 1


@click.command()
@click.option("--store", type=A_FILE, help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Default: the one with the newest data.")
@click.option("--candidate", help="Default: the one with the newest data.")
@click.option("--judge", "names", multiple=True, metavar="NAME", help="Default: all that are set.")
@sample_options("Pairs", 200, "Judge every pair.")
@click.option("--rubric", type=A_FILE, help="A text that replaces the rubric.")
@budget_options("The most to spend, with what was spent before.")
@click.option("--allow-family", is_flag=True, help="Let a model judge its own family.")
@click.option("--labels", type=A_FILE, help="What people said of pairs, as --out writes them.")
@click.option("--out", type=A_FILE, help="Write the judged pairs for people to label.")
@click.option(
    "--freeze-anchors",
    type=click.IntRange(8),
    metavar="N",
    help="Keep N verdicts of each judge to compare later ones with.",
)
@click.option("--anchors", is_flag=True, help="Ask about frozen anchors now, not once a day only.")
@click.option("--dry-run", is_flag=True, help="Say calls and cost, and make none.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def judge(
    store: Path | None,
    experiment: str | None,
    candidate: str | None,
    names: tuple[str, ...],
    sample: int,
    whole: bool,
    seed: int,
    rubric: Path | None,
    budget_usd: Decimal | None,
    max_calls: int | None,
    allow_family: bool,
    labels: Path | None,
    out: Path | None,
    freeze_anchors: int | None,
    anchors: bool,
    dry_run: bool,
    machine: bool,
) -> None:
    """Ask LLM judges which output of a stored pair is better, in both orders.

    Judges are [[judges]] of shadow.toml, or SHADOW_JUDGES. What is answered is kept at once:
    running again goes on where a run stopped, and asks nothing twice. Another judge, rubric or
    setting judges the same outputs anew. Nothing here touches live traffic.

    Pairs are drawn at random; the same --seed draws the same ones. Outputs that are equal to the
    byte are not sent: they are ties.

    Anchors show whether a judge still judges as it did: a run asks about frozen ones again, once a
    day at most, and compares. Labels of `shadow-mw label` that are in the store are used.
    """
    _needs_eval()
    used = settings.load()
    judges = judges_of(used, names)
    if out is not None:
        check_out(out, judges)
    people = read_people(labels)
    how = judge_settings(
        used,
        rubric=None if rubric is None else read_rubric(rubric),
        budget_usd=budget_usd,
        max_calls=max_calls,
        allow_same_family=allow_family or None,
    )
    with Store.open(store or used.store) as opened:
        series, _ = choose(opened, experiment, candidate)
        if series is None:
            raise DataError(f"store {opened.path}: no pair in it yet")
        with progress("reading", None if whole else sample) as advance:
            drawn = draw(opened, series, None if whole else sample, seed, advance)
        if not drawn.population:
            raise DataError(f"store {opened.path}: no pair that could be judged{_why(drawn)}")
        prices = PriceTable(used.prices)
        work = Work(opened, series, drawn, judges, how, prices, freeze_anchors, anchors)
        head = _head(work, seed)
        if dry_run:
            _show_plan(work, head, machine)
            return
        try:
            done = run(work)
        except KeyboardInterrupt:
            click.echo(f"shadow-mw: interrupted; {KEPT}", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        _finish(work, done, people, head, out, machine)


def _finish(
    work: Work,
    done: Done,
    people: dict[str, Row],
    head: dict[str, Json],
    out: Path | None,
    machine: bool,
) -> None:
    from shadow_mw.commands.judge_card import show
    from shadow_mw.commands.judge_json import run_json
    from shadow_mw.evaluate.judging.drawn import drawn_at_once
    from shadow_mw.evaluate.judging.reach import in_vain
    from shadow_mw.evaluate.judging.standing import panel_of

    faults = _faults(work, done)
    drawn = drawn_at_once(
        work.sample.items,
        work.sample.identical,
        in_vain(work.store, {opinion.spec for opinion in done.run.opinions}),
    )
    cards = _cards(work, done, people, drawn)
    panel = panel_of(done.run.opinions, drawn)
    if out is not None:
        write_rows(out, done.run)
    if machine:
        found = head | run_json(done, cards, panel)
        click.echo(json.dumps(found, indent=2, allow_nan=False))
    else:
        show(head, done, cards, panel, Console(highlight=False))
    for fault in faults:
        click.echo(f"shadow-mw: {fault}; {KEPT}", err=True)
    if faults:
        raise click.exceptions.Exit(INCOMPLETE)


def _cards(work: Work, done: Done, people: dict[str, Row], drawn: Drawn) -> list[JudgeCard]:
    from shadow_mw.evaluate.judging.anchors import drifts_of
    from shadow_mw.evaluate.judging.summary import judge_cards

    opinions, items = done.run.opinions, work.sample.items
    families = {
        judge.title: kin(judge, items, {o.model for o in opinions if o.judge == judge.title})
        for judge in work.judges
    }
    labels = stored_people(work.store, work.series) | people
    drifts = drifts_of(work.store, work.series, opinions)
    return judge_cards(opinions, drawn, labels, families, drifts)


def _faults(work: Work, done: Done) -> list[str]:
    """Why judges were given up, but for a budget, which is no fault.

    Raises:
        ConfigError: none of them answered anything.
    """
    urls = {judge.title: judge.host for judge in work.judges}
    faults = [
        f"judge {title} at {urls[title]}: {shown_plain(why)}"
        for title, why in done.stopped.items()
        if why != SPENT
    ]
    failures = done.run.failed
    if done.run.opinions or not (faults or failures):
        return faults
    failed = ", ".join(f"{kind} {n:,}" for kind, n in failures.items())
    raise ConfigError(faults[0] if faults else f"no judge answered: {failed}")


def _show_plan(work: Work, head: dict[str, Json], machine: bool) -> None:
    from shadow_mw.commands.judge_card import show_plan
    from shadow_mw.commands.judge_json import plan_json

    found, anchors = plans(work)
    if machine:
        click.echo(json.dumps(head | plan_json(found, anchors), indent=2, allow_nan=False))
    else:
        show_plan(head, found, anchors, Console(highlight=False))


def _head(work: Work, seed: int) -> dict[str, Json]:
    sample = work.sample
    return {
        "experiment": work.series.experiment,
        "candidate": work.series.candidate,
        "store": str(work.store.path),
        "sample": {
            "seed": seed,
            "population": sample.population,
            "drawn": sample.drawn,
            "inclusion": sample.inclusion,
            "to_judge": len(sample.items),
            "identical": sample.identical,
            "left_out": dict(sorted(sample.left_out.items())),
        },
    }


def _why(sample: Sample) -> str:
    reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(sample.left_out.items()))
    return f": {reasons}" if reasons else ""


def _needs_eval() -> None:
    if lacking := missing():
        raise ConfigError(f"judge needs {' and '.join(lacking)}: pip install 'shadow-mw[eval]'")
