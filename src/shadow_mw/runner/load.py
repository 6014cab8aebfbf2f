"""Stored inputs sent open loop: each at its own time, whether or not earlier ones are answered.

Latency counts from when a call was due, not from when it could be sent: a stalled candidate would
otherwise delay the calls that would have measured the stall (coordinated omission).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from math import inf

from opentelemetry import context as otel_context

from shadow_mw.prices import PriceTable
from shadow_mw.runner.backfill import MOST_IN_ROW, REFUSED, Stored
from shadow_mw.runner.candidate import CandidateClient, Leg
from shadow_mw.runner.ledger import Ledger
from shadow_mw.runner.limits import Budget
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import Reason
from shadow_mw.wire import format_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """One call to make."""

    due_s: float
    """From the start of the run."""
    stored: Stored


@dataclass(frozen=True, slots=True)
class Answered:
    """One call that was made; times in seconds from the start of the run."""

    due_s: float
    sent_s: float
    ended_s: float
    reason: Reason | None
    """Why it counts as failed."""

    @property
    def latency_ms(self) -> float:
        """Since it was due; infinite where it failed."""
        return inf if self.reason else 1000 * (self.ended_s - self.due_s)


class Load:
    """One run against one candidate; what was measured stays in `answered`, however it ends."""

    def __init__(self, settings: Settings, candidate: Candidate, ledger: Ledger, most: int) -> None:
        """Args.

        settings: of this candidate alone; its budget, its calls and its timeout hold.
        candidate: who is asked.
        ledger: what earlier runs cost.
        most: calls at once; one that finds no room is sent later, and that counts as latency.
        """
        used = settings.model_copy(update={"replicas": 1})
        self._candidate = candidate
        self._client = CandidateClient(settings, candidate, most)
        self._budget = Budget(used, candidate, PriceTable(settings.prices), ledger)
        self._room = asyncio.Semaphore(most)
        self._halted = asyncio.Event()
        self._start = 0.0
        self._any_answer = False
        self._failures = 0
        self.answered: list[Answered] = []
        self.stopped: str | None = None
        """Why it ended early."""
        self.sent_until_s = 0.0
        """When it was stopped, from the start of the run; 0 where nothing was sent yet."""
        self.said = ""
        """What the candidate said when it refused."""
        self.under_way = 0

    @property
    def money(self) -> dict[str, float]:
        """What load runs of the candidate have cost so far."""
        return self._budget.money

    def stop(self, why: str) -> None:
        """Send no further call; those under way are waited for."""
        if self.stopped is None:
            self.stopped = why
            self.sent_until_s = self._now() if self._start else 0.0
        self._halted.set()

    async def run(self, arrivals: Sequence[Arrival], advance: Callable[[int], None]) -> None:
        """Send every call at its time, unless stopped; returns when all have ended."""
        for key in ("suppress_instrumentation", "suppress_http_instrumentation"):
            otel_context.attach(otel_context.set_value(key, True))
        try:
            if arrivals:
                await self._knock(arrivals[0].stored)
            async with asyncio.TaskGroup() as group:
                await self._send(arrivals, group, advance)
        finally:
            await self._client.close()

    async def _knock(self, stored: Stored) -> None:
        """One call alone, not measured: a wrong key is to cost one call, not thousands."""
        reserved = self._budget.reserve(stored.call, len(stored.exchange.request))
        if isinstance(reserved, Reason):
            self.stop(str(reserved))
            return
        leg = await self._ask(stored, reserved)
        self._any_answer = leg.reason is None
        if leg.status in REFUSED:
            self.said = f"{leg.status} {leg.reply.error_message or ''}".strip()
            self.stop("refused")

    async def _send(
        self,
        arrivals: Sequence[Arrival],
        group: asyncio.TaskGroup,
        advance: Callable[[int], None],
    ) -> None:
        self._start = asyncio.get_running_loop().time()
        for arrival in arrivals:
            await self._until(arrival.due_s)
            await self._room.acquire()
            if self.stopped:
                return
            stored = arrival.stored
            reserved = self._budget.reserve(stored.call, len(stored.exchange.request))
            if isinstance(reserved, Reason):
                self.stop(str(reserved))
                return
            self.under_way += 1
            group.create_task(self._one(arrival, reserved, advance))

    async def _until(self, due_s: float) -> None:
        left = due_s - self._now()
        if left > 0:
            # Python 3.11's `wait_for` loses a cancellation that comes when it has been waited for.
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._halted.wait()

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._start

    async def _one(
        self, arrival: Arrival, reserved: Decimal, advance: Callable[[int], None]
    ) -> None:
        sent = self._now()
        try:
            leg = await self._ask(arrival.stored, reserved)
            self.answered.append(Answered(arrival.due_s, sent, self._now(), leg.reason))
            self._watch(leg)
            advance(1)
        finally:
            self.under_way -= 1
            self._room.release()

    async def _ask(self, stored: Stored, reserved: Decimal) -> Leg:
        body = format_of(stored.exchange.format).candidate_body(
            stored.body,
            model=self._candidate.model,
            params=self._candidate.params,
            remove=self._candidate.remove,
        )
        leg = await self._client.call(stored.exchange, body, {})
        if leg.reason is Reason.CANDIDATE_UNREACHABLE:
            self._budget.unsent(reserved)
        else:
            self._budget.settle(reserved, leg.reply.usage, self._candidate.model)
        return leg

    def _watch(self, leg: Leg) -> None:
        """A candidate that never answers is not measured, it is down."""
        if leg.reason is None:
            self._any_answer = True
        elif not self._any_answer:
            self._failures += 1
            if self._failures >= MOST_IN_ROW:
                self.stop(str(leg.reason))
