"""One candidate's share of the work; lanes know nothing of one another."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from opentelemetry.sdk.trace import ReadableSpan

from shadow_mw.prices import PriceTable
from shadow_mw.runner.candidate import CandidateClient, Leg
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.limits import Breaker, Budget
from shadow_mw.runner.repeat import as_asked
from shadow_mw.runner.spans import Spans
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import REPEAT, Call, Exchange, Json, Reason
from shadow_mw.wire import format_of

logger = logging.getLogger("shadow_mw.runner")

RATE_LIMIT_TRIES = 3
LONGEST_REST = 30.0
DOWN = (
    Reason.CANDIDATE_UNREACHABLE,
    Reason.CANDIDATE_TIMEOUT,
    Reason.CANDIDATE_ERROR_5XX,
    Reason.CANDIDATE_CONNECTION_LOST,
)
"""Failures that open the circuit breaker: the candidate is ill, not this one request."""


@dataclass(frozen=True, slots=True)
class Job:
    """One exchange for one candidate, read and with its primary record."""

    exchange: Exchange
    call: Call
    body: dict[str, Json]
    primary: ReadableSpan
    report: Callable[[ReadableSpan | None, Reason | None], None]
    """Called once: the candidate's span (none where it was not called), and the reason if any."""

    @property
    def size(self) -> int:
        """Bytes of both bodies."""
        return len(self.exchange.request) + len(self.exchange.response)


class Lane:
    """Queue, limits and connections of one candidate."""

    def __init__(
        self,
        settings: Settings,
        candidate: Candidate,
        prices: PriceTable,
        ledger: Ledger,
        spans: Spans,
        now_off: Callable[[Exchange], Reason | None],
    ) -> None:
        self.candidate = candidate
        self.in_flight = 0
        self.held_bytes = 0
        """Of exchanges that it is not through with."""
        self._queue: asyncio.Queue[tuple[float, Job]] = asyncio.Queue()
        self._workers = _workers(settings, candidate)
        # Nobody needs one answer of the primary more: its limits are for the app's own calls, and
        # the candidates' results wait for it.
        self._yields = candidate.id == REPEAT
        self._client = CandidateClient(settings, candidate, self._workers)
        self._breaker = Breaker(threshold=2) if self._yields else Breaker()
        self._budget = Budget(settings, candidate, prices, ledger)
        self._spans = spans
        self._now_off = now_off
        self._max_age = settings.queue_age
        # The candidates' answers wait with it: in the queue no longer than for the call itself.
        self._patience = settings.timeout if self._yields else math.inf
        self._rest_until = 0.0

    def __len__(self) -> int:
        return self._queue.qsize()

    @property
    def money(self) -> dict[str, float]:
        """What the candidate has cost so far, and what it may cost."""
        return self._budget.money

    def put(self, job: Job) -> None:
        """Queue one more exchange."""
        self.held_bytes += job.size
        self._queue.put_nowait((time.monotonic(), job))

    async def run(self) -> None:
        """Work until cancelled; a cancelled call is made again by the next runner."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._work())
        finally:
            await self._client.close()

    async def _work(self) -> None:
        while True:
            since, job = await self._queue.get()
            self.in_flight += 1
            try:
                await self._mirror(job, time.monotonic() - since)
            except Exception:
                logger.exception("exchange %s failed in the runner", job.exchange.pair_id)
                self._breaker.failed()
                job.report(None, Reason.INTERNAL_ERROR)
            finally:
                self.in_flight -= 1
                self.held_bytes -= job.size

    async def _mirror(self, job: Job, waited: float) -> None:
        if not self._yields:
            await self._rest()
        reserved = self._refusal(job, waited) or self._reserve(job)
        if isinstance(reserved, Reason):
            job.report(None, reserved)
            return
        candidate = as_asked(self.candidate, job.call)
        span = self._spans.start_candidate(job.primary, job.exchange, job.call, candidate)
        leg = await self._call(job, candidate, self._spans.headers(span, candidate))
        self._settle(reserved, leg, candidate.model)
        ended = job.exchange.started_ns + job.exchange.latency_ns
        delay = max(leg.started_ns - ended, 0) / 1e9
        job.report(self._spans.end_candidate(span, leg, delay), leg.reason)

    def _refusal(self, job: Job, waited: float) -> Reason | None:
        age = time.time() - job.exchange.started_ns / 1e9
        if age > self._max_age or waited > self._patience:
            return Reason.QUEUE_EXPIRED
        if self._yields and time.monotonic() < self._rest_until:
            return Reason.CIRCUIT_OPEN
        return self._now_off(job.exchange)

    def _reserve(self, job: Job) -> Decimal | Reason:
        reserved = self._budget.reserve(job.call, len(job.exchange.request))
        # Asked last: a half-open breaker counts on its probe being made.
        if isinstance(reserved, Reason) or self._breaker.admits():
            return reserved
        self._budget.release(reserved)
        return Reason.CIRCUIT_OPEN

    async def _call(self, job: Job, candidate: Candidate, headers: dict[str, str]) -> Leg:
        """The call; where the candidate says it is too much, the same again after a rest."""
        exchange = job.exchange
        body = format_of(exchange.format).candidate_body(
            job.body, model=candidate.model, params=candidate.params, remove=candidate.remove
        )
        leg = await self._client.call(exchange, body, headers)
        for tried in range(1, RATE_LIMIT_TRIES):
            if leg.reason is not Reason.CANDIDATE_RATE_LIMITED:
                break
            wait = leg.retry_after if leg.retry_after is not None else float(tried)
            self._rest_until = time.monotonic() + min(wait, LONGEST_REST)
            if self._yields:
                break
            await self._rest()
            if not self._budget.repeat():
                break
            leg = await self._client.call(exchange, body, headers)
        return leg

    async def _rest(self) -> None:
        left = self._rest_until - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
            await self._rest()

    def _settle(self, reserved: Decimal, leg: Leg, model: str) -> None:
        if leg.reason is Reason.CANDIDATE_UNREACHABLE:
            self._budget.unsent(reserved)
        else:
            self._budget.settle(reserved, leg.reply.usage, model)
        if leg.reason in DOWN:
            self._breaker.failed()
        else:
            self._breaker.succeeded()


def _workers(settings: Settings, candidate: Candidate) -> int:
    """Calls at once; of the primary, in proportion to the share that is asked again."""
    most = max(settings.max_concurrency // settings.replicas, 1)
    return math.ceil(most * settings.repeat_rate) if candidate.id == REPEAT else most
