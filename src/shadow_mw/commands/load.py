"""`shadow-mw load`: stored inputs at production's own arrival times, times a factor."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console

from shadow_mw import settings
from shadow_mw.commands.backfill_work import Work, candidates_of, check_priced, work_of
from shadow_mw.commands.load_card import intention, show
from shadow_mw.commands.load_figures import shown
from shadow_mw.commands.load_run import INTERRUPTED, keep, most_at_once, run
from shadow_mw.commands.load_work import Schedule, schedule
from shadow_mw.commands.options import Number, asked_options, budget_options
from shadow_mw.evaluate.arrivals import (
    HOUR_NS,
    Arrivals,
    arrivals,
    candidate_in_shadow,
    peak_hour,
    primary_in_hour,
)
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import choose
from shadow_mw.exceptions import DataError
from shadow_mw.results import Series
from shadow_mw.settings import Settings
from shadow_mw.types import Json

INTERRUPTED_CODE = 130
INCOMPLETE = 1
HOUR_FORMAT = "%Y-%m-%dT%H"


@click.command()
@asked_options
@click.option(
    "--factor",
    type=Number(0, 1000, min_open=True),
    default=1.0,
    show_default=True,
    help="Of production's own rate in that hour.",
)
@click.option(
    "--minutes",
    type=Number(0, 24 * 60, min_open=True),
    default=10.0,
    show_default=True,
    help="How long calls are sent.",
)
@click.option("--hour", default="peak", metavar="HOUR", help="In UTC: 2026-11-02T09.")
@click.option("--limit", type=click.IntRange(1), help="The most calls to send.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 20_000),
    default=1000,
    show_default=True,
    help="The most calls at once: a bound, not a rate.",
)
@budget_options("The most to spend, with earlier load runs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say calls and cost, and make no call.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
def load(
    store: Path | None,
    experiment: str | None,
    name: str | None,
    candidate_url: str | None,
    candidate_model: str | None,
    factor: float,
    minutes: float,
    hour: str,
    limit: int | None,
    concurrency: int,
    budget_usd: Decimal | None,
    max_calls: int | None,
    yes: bool,
    dry_run: bool,
    machine: bool,
) -> None:
    """Send a candidate production's load, from the store.

    Stored inputs go out at the times at which production's own calls came in its peak hour,
    `--factor` times as fast, whether or not earlier ones are answered. Latency counts from the time
    at which a call was due. Nothing is stored as a pair; a whole run is kept for the gate
    `latency.load` of a plan.

    Stored inputs are redacted: the candidate reads pseudonyms. Without an option, budget and calls
    are those of SHADOW_BUDGET_USD and SHADOW_MAX_CALLS, counted apart from live calls.
    """
    used = _settings(store, budget_usd, max_calls)
    found = candidates_of(used, name, candidate_url, candidate_model)
    if len(found) > 1:
        names = ", ".join(one.id for one in found)
        raise click.UsageError(f"--candidate: one at a time; accepted is one of {names}")
    with Store.open(used.store) as opened:
        series, _ = choose(opened, experiment, None)
        if series is None:
            raise DataError(f"store {opened.path}: no pair in it yet")
        work = work_of(used, opened, series.experiment, found[0], [])
        chosen, peak = _hours(opened, series.experiment, hour)
        planned = schedule(work, chosen, factor=factor, seconds=60 * minutes, limit=limit)
        head = _head(work, chosen, peak, factor, planned)
        if not machine:
            click.echo(intention(head))
        if dry_run:
            _end_dry(head, machine)
            return
        check_priced(used, found)
        _ask(yes)
        result, made = run(work, planned, most_at_once(concurrency))
        limited = limit is not None and len(planned.arrivals) >= limit
        result |= {"partial": result["stopped"] is not None or limited}
        result |= {"not_kept": _not_kept(work, used, result)}
        if result["not_kept"] is None:
            keep(work, made, head["share_of_peak"])
        result |= _beside(work, peak)
        if machine:
            click.echo(json.dumps(head | result, indent=2, allow_nan=False))
        else:
            show(head | result, Console(highlight=False))
    _end(result)


def _settings(store: Path | None, budget_usd: Decimal | None, max_calls: int | None) -> Settings:
    changes = {
        "store": store.absolute() if store else None,
        "budget_usd": budget_usd,
        "max_calls": max_calls,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return settings.load().model_copy(update=given)


def _hours(store: Store, experiment: str, hour: str) -> tuple[Arrivals, Arrivals]:
    """The hour that is sent, and production's peak hour."""
    peak_ns = peak_hour(store, experiment)
    if peak_ns is None:
        raise DataError(f"store {store.path}: experiment {experiment!r} has no call of the primary")
    peak = arrivals(store, experiment, peak_ns)
    if hour == "peak":
        return peak, peak
    try:
        begin = datetime.strptime(hour, HOUR_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise click.UsageError(
            f"--hour {hour}: accepted is peak, or an hour in UTC such as 2026-11-02T09"
        ) from None
    chosen = arrivals(store, experiment, int(begin.timestamp()) * 10**9)
    if not chosen.times_ns:
        raise DataError(f"store {store.path}: no call of the primary in the hour {hour} (UTC)")
    return chosen, peak


def _head(
    work: Work, chosen: Arrivals, peak: Arrivals, factor: float, planned: Schedule
) -> dict[str, Json]:
    usd = planned.usd(work)
    return {
        "experiment": work.experiment,
        "candidate": work.candidate.id,
        "url": work.candidate.url,
        "store": str(work.store.path),
        "hour": chosen.hour,
        "peak_hour": peak.hour,
        "peak_per_s": peak.production / (HOUR_NS / 1e9),
        "factor": factor,
        "share_of_peak": factor * chosen.production / peak.production,
        "minutes": planned.seconds / 60,
        "planned": len(planned.arrivals),
        "planned_per_s": len(planned.arrivals) / planned.seconds,
        "inputs": planned.inputs,
        "skipped": dict(planned.skipped),
        "usd": None if usd is None else float(usd),
    }


def _ask(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked here: give --yes, or --dry-run")
    click.confirm("send them?", abort=True, err=True)


def _end_dry(head: dict[str, Json], machine: bool) -> None:
    if machine:
        click.echo(json.dumps(head | {"dry_run": True}, indent=2, allow_nan=False))


def _beside(work: Work, peak: Arrivals) -> dict[str, Json]:
    """What the run is held against."""
    series = Series(work.experiment, work.candidate.id)
    return {
        "primary_in_peak_hour": shown(primary_in_hour(work.store, work.experiment, peak.hour_ns)),
        "candidate_in_shadow": shown(candidate_in_shadow(work.store, series)),
    }


def _not_kept(work: Work, used: Settings, result: dict[str, Json]) -> str | None:
    """Why a verdict may not rest on this run."""
    if result["stopped"] is not None:
        return f"partial, stopped for {result['stopped']}"
    if result["partial"]:
        return "partial, by --limit"
    asked = work.candidate
    if (asked.id, asked.url, asked.model) not in (
        (one.id, one.url, one.model) for one in used.all_candidates
    ):
        return "asked was another URL or model than the settings have"
    return None


def _end(result: dict[str, Json]) -> None:
    why = result["stopped"]
    if why is None:
        if result["not_kept"]:
            click.echo(f"shadow-mw: this run is not kept: {result['not_kept']}", err=True)
        return
    click.echo(f"shadow-mw: {why}; this run is partial and was not stored", err=True)
    raise click.exceptions.Exit(INTERRUPTED_CODE if why == INTERRUPTED else INCOMPLETE)
