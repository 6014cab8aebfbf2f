"""One candidate's backfill: planned, or made and stored."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from decimal import Decimal

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from shadow_mw.commands.backfill_work import Work
from shadow_mw.commands.first_signal import first_signal
from shadow_mw.commands.progress import Advance, progress
from shadow_mw.evaluate.inputs import backfilled
from shadow_mw.evaluate.pipeline import Evaluator, Standards
from shadow_mw.exceptions import ConfigError, StoreError
from shadow_mw.prices import PriceTable
from shadow_mw.report.numbers import shown_plain
from shadow_mw.runner.__main__ import take_lock
from shadow_mw.runner.backfill import Backfill, Outcome, directory
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.redact import Redactor
from shadow_mw.types import Json, Reason

SOURCE = "runner:backfill"
"""Who counts in the funnel."""
ENDED = (str(Reason.BUDGET_USD), str(Reason.MAX_CALLS))
"""As agreed: no fault."""
INTERRUPTED = "interrupted"
KEPT = "what was answered is kept, run again to go on"


def plan(work: Work) -> dict[str, Json]:
    """What a run would ask, by what the primary used."""
    prices = PriceTable(work.settings.prices)
    calls = tokens_in = tokens_out = 0
    usd = Decimal(0)
    with progress("reading", len(work.todo)) as advance:
        for stored in work.calls():
            advance(1)
            calls += 1
            tokens_in += stored.expected.input_tokens or 0
            tokens_out += stored.expected.output_tokens or 0
            usd += prices.cost(work.candidate.model, stored.expected) or 0
    priced = prices.knows(work.candidate.model)
    return _result(work) | {
        "calls": calls,
        "input_tokens": tokens_in,
        "output_tokens": tokens_out,
        "usd": float(usd) if priced else None,
    }


def run_work(work: Work) -> tuple[dict[str, Json], str | None]:
    """Ask; what became of it, and why it ended early if that is a fault."""
    where = directory(work.settings)
    lock = take_lock(where)
    if lock is None:
        raise ConfigError(f"a backfill of {work.candidate.id} is under way in {where}")
    ledger = Ledger(where)
    evaluator = Evaluator.open(
        work.settings.store,
        PriceTable(work.settings.prices),
        Standards.declared(work.settings),
    )
    try:
        redactor = Redactor.for_labels(work.settings)
        run = Backfill(work.settings, work.candidate, ledger, redactor)
        with progress("asking", len(work.todo)) as advance:
            asyncio.run(_ask(run, work, evaluator, advance))
        _count(work, evaluator, run)
        return _outcome(work, run)
    finally:
        evaluator.shutdown()
        ledger.close()
        os.close(lock)


def _is_stored(evaluator: Evaluator, spans: Sequence[ReadableSpan]) -> bool:
    return evaluator.export(spans) is SpanExportResult.SUCCESS


async def _ask(run: Backfill, work: Work, evaluator: Evaluator, advance: Advance) -> None:
    # What is under way at the first signal is stored.
    with first_signal(lambda: run.stop(INTERRUPTED)):
        await run.run(work.calls(), lambda spans: _is_stored(evaluator, spans), advance)


def _count(work: Work, evaluator: Evaluator, run: Backfill) -> None:
    """So that the report's funnel knows of these calls."""
    names = work.experiment, work.candidate.id, SOURCE
    counts = backfilled(work.store, *names[:2]) | dict(work.skipped)
    if not any(counts.values()):
        # Nothing came of it: a candidate that was never called is in no report.
        return
    evaluator.record_funnel(*names, counts)
    evaluator.record_gauges(*names, run.money)


def _outcome(work: Work, run: Backfill) -> tuple[dict[str, Json], str | None]:
    done = run.outcome
    left = len(work.todo) - done.asked - work.skipped.total()
    result = _result(work) | {
        "asked": done.asked,
        "failed": dict(sorted(done.failed.items())),
        "not_stored": dict(sorted(done.not_stored.items())),
        "left": left,
        "stopped": done.stopped,
        "usd": run.money["spend_usd"] if work.is_priced else None,
    }
    return result, _fault(work, done)


def _fault(work: Work, done: Outcome) -> str | None:
    who = f"candidate {shown_plain(work.candidate.id)} at {work.candidate.url}"
    match done.stopped:
        case "refused":
            return f"{who}: answered {shown_plain(done.said)}{_mend(work, done.said)}"
        case "store":
            raise StoreError(f"store {work.store.path}: answers could not be stored; {KEPT}")
        case None if done.not_stored:
            reasons = ", ".join(f"{reason} {n:,}" for reason, n in done.not_stored.items())
            return f"{who}: calls without an answer ({reasons})"
        case None:
            return None
        case why if why == INTERRUPTED or why in ENDED:
            return None
        case why:
            return f"{who}: stopped for {why}"


def _mend(work: Work, said: str) -> str:
    if said.startswith("404"):
        return "; the model is not one of that server, or the URL's path is wrong"
    if work.candidate.api_key is not None:
        return "; its API key is refused"
    if work.settings.candidate_api_key is not None:
        return "; SHADOW_CANDIDATE_API_KEY is for another host and was not sent"
    return "; it wants an API key: set SHADOW_CANDIDATE_API_KEY"


def _result(work: Work) -> dict[str, Json]:
    return {
        "candidate": work.candidate.id,
        "selected": work.selected,
        "known": work.selected - len(work.todo),
        "skipped": dict(sorted(work.skipped.items())),
    }
