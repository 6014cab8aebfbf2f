"""One load run: made, measured, kept."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import time
from math import inf
from pathlib import Path

import click

from shadow_mw.commands.backfill_work import Work
from shadow_mw.commands.first_signal import first_signal
from shadow_mw.commands.load_figures import figures
from shadow_mw.commands.load_work import Schedule
from shadow_mw.commands.progress import Advance, progress
from shadow_mw.evaluate.arrivals import percentiles
from shadow_mw.evaluate.load_runs import set_load_run
from shadow_mw.evidence import LoadRun
from shadow_mw.exceptions import ConfigError
from shadow_mw.report.numbers import shown_plain
from shadow_mw.results import Series
from shadow_mw.runner.__main__ import take_lock
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.load import Load
from shadow_mw.settings import Settings
from shadow_mw.types import Json

INTERRUPTED = "interrupted"
OTHER_FILES = 64
"""Descriptors that are needed for more than connections."""


def run(work: Work, planned: Schedule, most: int) -> tuple[dict[str, Json], Load]:
    """Send the calls and measure them; a run that was stopped is measured as far as it went."""
    where = directory(work.settings)
    lock = take_lock(where)
    if lock is None:
        raise ConfigError(f"a load run of {work.candidate.id} is under way in {where}")
    ledger = Ledger(where)
    try:
        made = Load(work.settings, work.candidate, ledger, most)
        # The second signal does not wait for calls under way.
        with (
            progress("sending", len(planned.arrivals)) as advance,
            contextlib.suppress(KeyboardInterrupt),
        ):
            asyncio.run(_send(made, planned, advance))
        usd = made.money["spend_usd"] if work.is_priced else None
    finally:
        ledger.close()
        os.close(lock)
    refused = made.stopped == "refused"
    if refused:
        raise ConfigError(
            f"candidate {shown_plain(work.candidate.id)} at {work.candidate.url}: answered"
            f" {shown_plain(made.said)}; nothing was measured"
        )
    seconds = planned.seconds if made.stopped is None else max(made.sent_until_s, 0.001)
    return figures(made.answered, seconds) | {
        "seconds": seconds,
        "stopped": made.stopped,
        "spent_usd": usd,
    }, made


def keep(work: Work, made: Load, factor: float) -> None:
    """Keep a whole run for verdicts; the one before it is forgotten."""
    found = percentiles([one.latency_ms for one in made.answered])
    failed = sum(one.reason is not None for one in made.answered)
    record = LoadRun(
        factor,
        found.n,
        failed,
        inf if found.p50_ms is None else found.p50_ms,
        inf if found.p95_ms is None else found.p95_ms,
        time.time_ns(),
    )
    set_load_run(work.store, Series(work.experiment, work.candidate.id), record)


def most_at_once(wanted: int) -> int:
    """Connections that this process may have; raises its own limit on open files if it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + OTHER_FILES
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OTHER_FILES), 1)


def directory(settings: Settings) -> Path:
    """Where load runs keep their lock and their money: beside the store, apart from live calls."""
    store = settings.store
    return store.with_name(f"{store.name}.load") / settings.directory.name


async def _send(made: Load, planned: Schedule, advance: Advance) -> None:
    with first_signal(lambda: _stop(made)):
        await made.run(planned.arrivals, advance)


def _stop(made: Load) -> None:
    made.stop(INTERRUPTED)
    if made.under_way:
        click.echo(
            f"shadow-mw: waiting for {made.under_way:,} calls under way; once more to give them up",
            err=True,
        )
