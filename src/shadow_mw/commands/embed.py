"""`shadow-mw embed`: the cosine of both outputs of stored pairs, by an embedding model."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console

from shadow_mw import settings
from shadow_mw.commands import embed_card
from shadow_mw.commands.options import budget_options, sample_options
from shadow_mw.commands.progress import progress
from shadow_mw.comparisons import Similarity
from shadow_mw.evaluate.endpoint.alone import alone
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import all_series, choose
from shadow_mw.evaluate.similarity.embed import (
    SPENT,
    Embedder,
    Run,
    check_budget,
    compare,
    planned,
)
from shadow_mw.evaluate.similarity.model import host_of, key_of
from shadow_mw.evaluate.similarity.store import forget
from shadow_mw.evaluate.similarity.summary import similarities
from shadow_mw.evaluate.similarity.work import Work, plan
from shadow_mw.exceptions import ConfigError, DataError
from shadow_mw.prices import PriceTable
from shadow_mw.report.numbers import shown_plain
from shadow_mw.results import Series
from shadow_mw.settings import Embeddings, Settings
from shadow_mw.types import REPEAT

A_FILE = click.Path(path_type=Path)
KEPT = "what was answered is kept, run again to go on"
INTERRUPTED = 130
INCOMPLETE = 1


@dataclass(frozen=True, slots=True)
class Job:
    """What is embedded, by which model."""

    store: Store
    series: list[Series]
    how: Embeddings
    prices: PriceTable
    size: int | None
    seed: int


@click.command()
@click.option("--store", type=A_FILE, help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Default: the one with the newest data.")
@click.option("--candidate", help="Default: the one with the newest data.")
@sample_options("Pairs", 1000, "Compare every pair.")
@budget_options("The most that this run may spend.")
@click.option("--anew", is_flag=True, help="Forget this model's vectors and cosines first.")
@click.option("--dry-run", is_flag=True, help="Say calls, tokens and cost, and make none.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def embed(
    store: Path | None,
    experiment: str | None,
    candidate: str | None,
    sample: int,
    whole: bool,
    seed: int,
    budget_usd: Decimal | None,
    max_calls: int | None,
    anew: bool,
    dry_run: bool,
    machine: bool,
) -> None:
    """Compare both outputs of stored pairs by the cosine of their embeddings.

    The model is [embeddings] of shadow.toml, or SHADOW_EMBEDDINGS. Where the primary was asked
    twice (A/A), its own pairs are compared too: they are the floor that a cosine is read against.

    Every vector is kept by its text: running again goes on where a run stopped, and asks nothing
    twice. Pairs are drawn at random; the same --seed draws the same ones. Live traffic is not
    touched.
    """
    used = settings.load()
    how = _how(used, budget_usd, max_calls)
    prices = PriceTable(used.prices)
    check_budget(how, prices)
    with Store.open(store or used.store) as opened:
        series = _series(opened, experiment, candidate)
        job = Job(opened, series, how, prices, None if whole else sample, seed)
        if dry_run:
            work = _plan(job, anew=anew)
            found = embed_card.plan_json(planned(work, how, prices))
            embed_card.show(_head(job, work) | found, machine, Console(highlight=False))
            return
        work, run = _run(job, anew=anew)
        figures = _figures(job)
    found = _head(job, work) | embed_card.run_json(run, figures)
    embed_card.show(found, machine, Console(highlight=False), figures)
    _report(run, how)


def _run(job: Job, *, anew: bool) -> tuple[Work, Run]:
    with alone(job.store, "embed", "another run of embed"):
        if anew:
            forget(job.store, key_of(job.how))
        work = _plan(job)
        try:
            with progress("embedding", len(work.missing)) as advance:
                embedder = Embedder(work, job.how, job.store, job.prices)
                run = asyncio.run(embedder.run(advance))
        except KeyboardInterrupt:
            click.echo(f"shadow-mw: interrupted; {KEPT}", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        finally:
            compare(job.store, work)
        return work, run


def _plan(job: Job, *, anew: bool = False) -> Work:
    total = None if job.size is None else job.size * len(job.series)
    with progress("reading", total) as advance:
        work = plan(job.store, job.how, job.series, job.size, job.seed, advance, anew=anew)
    if not any(share.population for share in work.shares):
        reasons = ", ".join(
            f"{reason} {n:,}" for share in work.shares for reason, n in share.left_out.items()
        )
        why = f": {reasons}" if reasons else ""
        raise DataError(f"store {job.store.path}: no pair that could be compared{why}")
    return work


def _report(run: Run, how: Embeddings) -> None:
    """Why the run is not whole, but for a budget, which is no fault.

    Raises:
        ConfigError: the endpoint embedded nothing.
        Exit: it did embed something.
    """
    if run.stopped == SPENT or not (run.stopped or run.failed):
        return
    kinds = ", ".join(f"{kind} {n:,}" for kind, n in run.failed.items())
    why = run.stopped or f"texts that were not embedded: {kinds}"
    fault = f"{how.model} at {host_of(how)}: {shown_plain(why)}"
    if not run.embedded:
        raise ConfigError(fault)
    click.echo(f"shadow-mw: {fault}; {KEPT}", err=True)
    raise click.exceptions.Exit(INCOMPLETE)


def _series(store: Store, experiment: str | None, candidate: str | None) -> list[Series]:
    """The one that is meant, and the primary against itself in the same experiment."""
    chosen, _ = choose(store, experiment, candidate)
    if chosen is None:
        raise DataError(f"store {store.path}: no pair in it yet")
    repeats = Series(chosen.experiment, REPEAT)
    known = repeats in all_series(store, repeats=True)
    return [chosen, repeats] if known and chosen != repeats else [chosen]


def _figures(job: Job) -> dict[str, Similarity]:
    """By candidate, over all pairs that this model ever compared."""
    key = key_of(job.how)
    found = {
        series.candidate: similarities(job.store, (series.experiment, series.candidate))
        for series in job.series
    }
    return {candidate: models[key] for candidate, models in found.items() if key in models}


def _head(job: Job, work: Work) -> dict[str, object]:
    return {
        "experiment": job.series[0].experiment,
        "candidate": job.series[0].candidate,
        "model": work.key,
        "store": str(job.store.path),
        "seed": job.seed,
        "series": [embed_card.share_json(share) for share in work.shares],
    }


def _how(used: Settings, budget_usd: Decimal | None, max_calls: int | None) -> Embeddings:
    if used.embeddings is None:
        raise ConfigError(
            "no embedding model is set: accepted is [embeddings] with url and model in shadow.toml,"
            ' or SHADOW_EMBEDDINGS={"url": "https://host/v1", "model": "..."}'
        )
    given = {"budget_usd": budget_usd, "max_calls": max_calls}
    return used.embeddings.model_copy(
        update={name: value for name, value in given.items() if value is not None}
    )
