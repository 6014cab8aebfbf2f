"""`shadow-mw backfill`: stored inputs, asked of another candidate."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click

from shadow_mw import settings
from shadow_mw.commands.backfill_run import INTERRUPTED, KEPT, plan, run_work
from shadow_mw.commands.backfill_text import plan_sentence, sentence
from shadow_mw.commands.backfill_work import candidates_of, check_priced, work_of
from shadow_mw.commands.options import Number, asked_options, budget_options
from shadow_mw.evaluate.inputs import Wanted, select
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import choose
from shadow_mw.exceptions import ConfigError, DataError
from shadow_mw.types import Json

INTERRUPTED_CODE = 130
INCOMPLETE = 1


@click.command()
@asked_options
@click.option("--from-candidate", metavar="ID", help="Only calls that this candidate was asked.")
@click.option(
    "--since",
    type=click.DateTime(),
    metavar="TIME",
    help="Only calls from then on, in UTC: 2026-11-02T09:00:00.",
)
@click.option("--sample", type=Number(0, 1), default=1.0, help="Share of the calls.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample.")
@click.option("--limit", type=click.IntRange(0), help="The most calls to take, oldest first.")
@click.option("--concurrency", type=click.IntRange(1, 1000), help="Calls at once.")
@budget_options("The most to spend, with what was spent before.")
@click.option("--dry-run", is_flag=True, help="Say calls, tokens and cost, and make no call.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def backfill(
    store: Path | None,
    experiment: str | None,
    name: str | None,
    candidate_url: str | None,
    candidate_model: str | None,
    concurrency: int | None,
    budget_usd: Decimal | None,
    max_calls: int | None,
    dry_run: bool,
    machine: bool,
    **selection: Json,
) -> None:
    """Ask a candidate what the primary was asked, from the store.

    Answers are stored as the candidate's legs of the same pairs: see `shadow-mw report
    --candidate ID`. What is stored is never asked again, so an interrupted run goes on where it
    stopped. Live traffic, its budget and its limits are not touched.

    Stored inputs are redacted: the candidate reads pseudonyms where the primary read personal
    data. And it is asked at another time than the primary: latency is not compared.

    Without an option, budget and limits are those of SHADOW_BUDGET_USD, SHADOW_MAX_CALLS and
    SHADOW_MAX_CONCURRENCY, counted apart from live calls. SHADOW_CANDIDATE_API_KEY is not sent to
    another host than that of SHADOW_CANDIDATE_URL, where that is set.
    """
    used = settings.load()
    if used.content != "full":
        raise ConfigError("SHADOW_CONTENT=none: answers would not be stored; accepted is full")
    changes = {
        "store": store.absolute() if store else None,
        "max_concurrency": concurrency,
        "budget_usd": budget_usd,
        "max_calls": max_calls,
    }
    used = used.model_copy(update={n: value for n, value in changes.items() if value is not None})
    candidates = candidates_of(used, name, candidate_url, candidate_model)
    if not dry_run:
        check_priced(used, candidates)
    with Store.open(used.store) as opened:
        wanted = _wanted(opened, experiment, selection)
        pairs = select(opened, wanted)
        works = [work_of(used, opened, wanted.experiment, one, pairs) for one in candidates]
        head = {"experiment": wanted.experiment, "store": str(used.store), "dry_run": dry_run}
        results = list[dict[str, Json]]()
        faults = list[str]()
        for work in works:
            result, fault = (plan(work), None) if dry_run else run_work(work)
            results.append(result)
            faults += [fault] if fault else []
            if not machine:
                click.echo(plan_sentence(result) if dry_run else sentence(result))
            if result.get("stopped") == INTERRUPTED:
                break
    if machine:
        click.echo(json.dumps(head | {"candidates": results}, indent=2, allow_nan=False))
    _end(results, faults)


def _end(results: list[dict[str, Json]], faults: list[str]) -> None:
    refused = any(result.get("stopped") == "refused" for result in results)
    if refused and not any(result["asked"] for result in results):
        raise ConfigError("; ".join(faults))
    for fault in faults:
        click.echo(f"shadow-mw: {fault}; {KEPT}", err=True)
    if any(result.get("stopped") == INTERRUPTED for result in results):
        click.echo(f"shadow-mw: interrupted; {KEPT}", err=True)
        raise click.exceptions.Exit(INTERRUPTED_CODE)
    if faults:
        raise click.exceptions.Exit(INCOMPLETE)


def _wanted(store: Store, experiment: str | None, selection: dict[str, Json]) -> Wanted:
    series, _ = choose(store, experiment, selection["from_candidate"])
    if series is None:
        raise DataError(f"store {store.path}: no pair in it yet")
    since: datetime | None = selection.pop("since")
    return Wanted(
        series.experiment,
        since=since.replace(tzinfo=UTC) if since is not None else None,
        **selection,
    )
