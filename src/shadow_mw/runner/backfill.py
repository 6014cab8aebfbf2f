"""Stored inputs, asked of a candidate: the live lane with its limits, fed from a store.

A call counts as asked once it is stored; what is not stored is asked again by the next run.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path

from opentelemetry import context as otel_context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from shadow_mw import semconv
from shadow_mw.prices import PriceTable
from shadow_mw.runner.lane import Job, Lane
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.redact import Redactor
from shadow_mw.runner.spans import Spans
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import Call, Exchange, Json, Reason, Usage

logger = logging.getLogger("shadow_mw.runner")

SEAM = "backfill"
REFUSED = (401, 403, 404)
"""Before any answer: wrong key, model or path. Every further call would fail too."""
NOT_ASKED = (Reason.CANDIDATE_UNREACHABLE, Reason.CANDIDATE_RATE_LIMITED)
"""No opinion of the model; with nobody waiting, the next run may ask again."""
MOST_IN_ROW = 5
"""Failures before any answer, or calls that did not get through: more would burn calls."""
ENDS = (Reason.BUDGET_USD, Reason.MAX_CALLS, Reason.CIRCUIT_OPEN)
"""Of the lane: nothing more can be asked now."""
STORE_TRIES = 3

Keep = Callable[[Sequence[ReadableSpan]], bool]
"""Stores candidate legs, and says whether they are on disk; it may block."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored call."""

    exchange: Exchange
    call: Call
    body: dict[str, Json]
    span_id: str
    """Of the primary's record, under which the candidate's goes."""
    expected: Usage
    """What the call is likely to use."""


@dataclass(slots=True)
class Outcome:
    """How a run went."""

    asked: int = 0
    """Legs stored."""
    failed: Counter[str] = field(default_factory=Counter)
    """Stored legs that are failures, by reason."""
    not_stored: Counter[str] = field(default_factory=Counter)
    """Calls that say nothing of the model, by reason."""
    stopped: str | None = None
    """Why it ended early."""
    said: str = ""
    """What the candidate said when it refused."""


class Backfill:
    """One run over one candidate."""

    def __init__(
        self, settings: Settings, candidate: Candidate, ledger: Ledger, redactor: Redactor
    ) -> None:
        # Nobody waits for a stored call; the operator's switch and the window are for live ones.
        used = settings.model_copy(update={"queue_age": inf, "replicas": 1})
        prices = PriceTable(settings.prices)
        self._lane = Lane(used, candidate, prices, ledger, Spans(used, redactor), lambda _: None)
        self._most = settings.max_concurrency
        self._finished: asyncio.Queue[tuple[ReadableSpan, Reason | None]] = asyncio.Queue()
        # Until the first answer one call goes alone: a wrong key is to cost one call.
        self._free = asyncio.Semaphore(1)
        self._ahead = True
        self._open = 0
        self._in_row = 0
        self.outcome = Outcome()

    @property
    def money(self) -> dict[str, float]:
        """What backfills of the candidate have cost so far, and what they may cost."""
        return self._lane.money

    def stop(self, why: str) -> None:
        """Begin no further call; those under way are finished and stored."""
        self.outcome.stopped = self.outcome.stopped or why

    async def run(
        self, calls: Iterator[Stored], keep: Keep, advance: Callable[[int], None]
    ) -> None:
        """Ask every call, unless stopped; returns when all that was answered is stored."""
        for key in ("suppress_instrumentation", "suppress_http_instrumentation"):
            otel_context.attach(otel_context.set_value(key, True))
        tasks = [
            asyncio.create_task(self._lane.run()),
            asyncio.create_task(self._keep(keep, advance)),
        ]
        try:
            await self._feed(calls)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _feed(self, calls: Iterator[Stored]) -> None:
        while True:
            await self._free.acquire()
            stored = None if self.outcome.stopped else next(calls, None)
            if stored is None:
                break
            self._open += 1
            self._lane.put(
                Job(stored.exchange, stored.call, stored.body, _primary(stored), self._report)
            )
        while self._open:
            await self._free.acquire()

    def _report(self, span: ReadableSpan | None, reason: Reason | None) -> None:
        """The lane is through with a call."""
        refusal = None if span is None else self._refusal(span)
        if span is not None and refusal is None and reason not in NOT_ASKED:
            self._failed_in_row(reason if self._ahead else None)
            self._finished.put_nowait((span, reason))
            return
        if refusal is not None:
            self.outcome.said = refusal
            self.stop("refused")
        elif reason in ENDS:
            self.stop(str(reason))
        else:
            self.outcome.not_stored[str(reason)] += 1
            self._failed_in_row(reason)
        self._release()

    def _refusal(self, span: ReadableSpan) -> str | None:
        """What a candidate said that wants none of our calls."""
        status = (span.attributes or {}).get(semconv.HTTP_STATUS)
        if status in (REFUSED if self._ahead else REFUSED[:1]):
            return f"{status} {span.status.description or ''}".strip()
        return None

    def _failed_in_row(self, reason: Reason | None) -> None:
        self._in_row = 0 if reason is None else self._in_row + 1
        if self._in_row >= MOST_IN_ROW:
            self.stop(str(reason))

    async def _keep(self, keep: Keep, advance: Callable[[int], None]) -> None:
        """Store what is finished; in a thread, so that no other call is timed over it."""
        while True:
            batch = [await self._finished.get()]
            while not self._finished.empty():
                batch.append(self._finished.get_nowait())
            if await self._is_kept(keep, [span for span, _ in batch]):
                self._count([reason for _, reason in batch])
                advance(len(batch))
            else:
                self.stop("store")
            for _ in batch:
                self._release()

    async def _is_kept(self, keep: Keep, spans: list[ReadableSpan]) -> bool:
        for _ in range(STORE_TRIES):
            try:
                if await asyncio.to_thread(functools.partial(keep, spans)):
                    return True
            except Exception:
                logger.exception("legs could not be stored")
                return False
            await asyncio.sleep(1)
        return False

    def _count(self, reasons: list[Reason | None]) -> None:
        self.outcome.asked += len(reasons)
        self.outcome.failed.update(str(reason) for reason in reasons if reason is not None)
        if self._ahead and None in reasons:
            self._ahead = False
            for _ in range(self._most - 1):
                self._free.release()

    def _release(self) -> None:
        self._open -= 1
        self._free.release()


def directory(settings: Settings) -> Path:
    """Where backfills keep their lock and their money: beside the store, apart from live calls.

    What is under the state directory is an experiment to `status`, `on` and `off`.
    """
    store = settings.store
    return store.with_name(f"{store.name}.backfill") / settings.directory.name


def _primary(stored: Stored) -> ReadableSpan:
    """The stored record, as far as the candidate's refers to it."""
    ids = SpanContext(
        int(stored.exchange.trace_id, 16), int(stored.span_id, 16), True, TraceFlags(1)
    )
    return ReadableSpan(name="primary", context=ids)
