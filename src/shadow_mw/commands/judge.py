"""`shadow-mw judge`: LLM judges over stored pairs."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from shadow_mw import settings
from shadow_mw.commands.files import read_file
from shadow_mw.commands.progress import progress
from shadow_mw.evaluate.calibration.rows import Row, read_rows
from shadow_mw.evaluate.judging.family import kin
from shadow_mw.evaluate.judging.items import Sample, draw
from shadow_mw.evaluate.judging.judge import Run, judge_pairs, plan
from shadow_mw.evaluate.judging.pools import label_row, newest, pools
from shadow_mw.evaluate.judging.settings import judge_settings, judges_of
from shadow_mw.evaluate.judging.store import StoreRecord, recording, set_judged
from shadow_mw.evaluate.judging.values import Judge, JudgeSettings, Progress, Watch
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import choose
from shadow_mw.exceptions import ConfigError, DataError
from shadow_mw.prices import PriceTable
from shadow_mw.report.numbers import shown_plain
from shadow_mw.results import Series
from shadow_mw.types import Json

if TYPE_CHECKING:
    from shadow_mw.evaluate.judging.summary import JudgeCard

A_FILE = click.Path(path_type=Path)
KEPT = "what was answered is kept, run again to go on"
SPENT = "the budget is spent"
INTERRUPTED = 130
INCOMPLETE = 1


@dataclass(frozen=True, slots=True)
class Work:
    """What is judged, by whom, and how."""

    store: Store
    series: Series
    sample: Sample
    judges: list[Judge]
    how: JudgeSettings
    prices: PriceTable


@click.command()
@click.option("--store", type=A_FILE, help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Default: the one with the newest data.")
@click.option("--candidate", help="Default: the one with the newest data.")
@click.option("--judge", "names", multiple=True, metavar="NAME", help="Default: all that are set.")
@click.option(
    "--sample", type=click.IntRange(1), default=200, show_default=True, help="Pairs to draw."
)
@click.option("--all", "whole", is_flag=True, help="Judge every pair.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draw.")
@click.option("--rubric", type=A_FILE, help="A text that replaces the rubric.")
@click.option("--budget-usd", type=Decimal, help="The most to spend, with what was spent before.")
@click.option("--max-calls", type=click.IntRange(0), help="The same in calls.")
@click.option("--allow-family", is_flag=True, help="Let a model judge its own family.")
@click.option("--labels", type=A_FILE, help="What people said of pairs, as --out writes them.")
@click.option("--out", type=A_FILE, help="Write the judged pairs for people to label.")
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
    dry_run: bool,
    machine: bool,
) -> None:
    """Ask LLM judges which output of a stored pair is better, in both orders.

    Judges are [[judges]] of shadow.toml, or SHADOW_JUDGES. What is answered is kept at once:
    running again goes on where a run stopped, and asks nothing twice. Another judge, rubric or
    setting judges the same outputs anew. Nothing here touches live traffic.

    Pairs are drawn at random; the same --seed draws the same ones. Outputs that are equal to the
    byte are not sent: they are ties.
    """
    _needs_eval()
    used = settings.load()
    judges = judges_of(used, names)
    if out is not None:
        _check_out(out, judges)
    people = _people(labels)
    how = judge_settings(
        used,
        rubric=None if rubric is None else _read_rubric(rubric),
        budget_usd=_amount(budget_usd),
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
        work = Work(opened, series, drawn, judges, how, PriceTable(used.prices))
        head = _head(work, seed)
        if dry_run:
            _show_plan(work, head, machine)
            return
        run = _run(work)
    _finish(work, run, people, head, out, machine)


def _finish(
    work: Work,
    run: Run,
    people: dict[str, Row],
    head: dict[str, Json],
    out: Path | None,
    machine: bool,
) -> None:
    from shadow_mw.commands.judge_card import run_json, show

    faults = _faults(work, run)
    cards = _cards(work, run, people)
    if out is not None:
        _write_rows(out, run)
    if machine:
        click.echo(json.dumps(head | run_json(run, cards), indent=2, allow_nan=False))
    else:
        show(head, run, cards, Console(highlight=False))
    for fault in faults:
        click.echo(f"shadow-mw: {fault}; {KEPT}", err=True)
    if faults:
        raise click.exceptions.Exit(INCOMPLETE)


def _run(work: Work) -> Run:
    with recording(work.store) as record:
        set_judged(work.store, work.sample.rows)
        try:
            with _watch(work, record) as watch:
                return asyncio.run(
                    judge_pairs(
                        work.sample.items, work.judges, work.how, record, watch, work.prices
                    )
                )
        except KeyboardInterrupt:
            click.echo(f"shadow-mw: interrupted; {KEPT}", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None


@contextmanager
def _watch(work: Work, record: StoreRecord) -> Iterator[Watch]:
    """A bar over the calls of all judges."""
    calls = plan(work.sample.items, work.judges, work.how, record).calls
    with progress("judging", calls) as advance:
        done = dict[str, int]()

        def watch(state: Progress) -> None:
            advance(1 if state.judge not in done else state.done - done[state.judge])
            done[state.judge] = state.done

        yield watch


def _cards(work: Work, run: Run, people: dict[str, Row]) -> list[JudgeCard]:
    from shadow_mw.evaluate.judging.summary import Drawn, judge_cards

    families = {judge.title: kin(judge, work.sample.items) for judge in work.judges}
    drawn = Drawn(len(work.sample.items), work.sample.identical)
    return judge_cards(run.opinions, drawn, people, families)


def _faults(work: Work, run: Run) -> list[str]:
    """Why judges were given up, but for a budget, which is no fault.

    Raises:
        ConfigError: none of them answered anything.
    """
    urls = {judge.title: judge.host for judge in work.judges}
    faults = [
        f"judge {title} at {urls[title]}: {shown_plain(why)}"
        for title, why in run.stopped.items()
        if why != SPENT
    ]
    if run.opinions or not (faults or run.failed):
        return faults
    failed = ", ".join(f"{kind} {n:,}" for kind, n in run.failed.items())
    raise ConfigError(faults[0] if faults else f"no judge answered: {failed}")


def _show_plan(work: Work, head: dict[str, Json], machine: bool) -> None:
    from shadow_mw.commands.judge_card import plan_json, show_plan

    found = plan(work.sample.items, work.judges, work.how, StoreRecord(work.store), work.prices)
    if machine:
        click.echo(json.dumps(head | plan_json(found), indent=2, allow_nan=False))
    else:
        show_plan(head, found, Console(highlight=False))


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


def _check_out(out: Path, judges: list[Judge]) -> None:
    """Before anything is spent; people's labels may be in a file that is there."""
    if len(judges) > 1:
        raise click.UsageError("--out takes one judge's verdicts: choose it with --judge")
    if out.exists():
        raise ConfigError(f"--out {out}: is there already")


def _write_rows(out: Path, run: Run) -> None:
    """The newest epoch alone: verdicts of two are no one judge's."""
    found = newest(pools(run.opinions)).values()
    rows = [label_row(judgement) for pool in found for judgement in pool.judgements]
    with out.open("x") as file:
        file.writelines(f"{json.dumps(row)}\n" for row in rows)


def _people(path: Path | None) -> dict[str, Row]:
    return {row.id: row for row in read_file(path, read_rows)} if path else {}


def _read_rubric(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: not UTF-8; accepted is a text") from None
    if not text:
        raise DataError(f"{path}: empty; accepted is a text that says what makes an answer better")
    return text


def _amount(value: Decimal | None) -> Decimal | None:
    if value is not None and not (value.is_finite() and value >= 0):
        raise click.UsageError("--budget-usd: accepted is an amount of 0 or more, such as 25.00")
    return value


def _needs_eval() -> None:
    missing = [name for name in ("numpy", "scipy") if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"judge needs {' and '.join(missing)}: pip install 'shadow-mw[eval]'")
