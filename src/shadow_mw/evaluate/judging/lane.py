"""One judge's share of a run: its queue, its retries, and when it gives up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache

from shadow_mw.evaluate.endpoint.failure import (
    FAILURES_IN_A_ROW,
    MISCONFIGURED,
    is_free,
    passes,
    pause,
)
from shadow_mw.evaluate.judging.budget import Budget
from shadow_mw.evaluate.judging.client import Answer, JudgeClient
from shadow_mw.evaluate.judging.family import kin
from shadow_mw.evaluate.judging.fingerprint import epoch_of, spec_of
from shadow_mw.evaluate.judging.parse import Parsed, parse
from shadow_mw.evaluate.judging.prompt import prompt
from shadow_mw.evaluate.judging.record import Record
from shadow_mw.evaluate.judging.request import body_of
from shadow_mw.evaluate.judging.values import (
    TOO_LARGE,
    Item,
    Judge,
    JudgeSettings,
    Opinion,
    Unanswered,
    Winner,
)
from shadow_mw.types import Json, Role

BOTH = (Role.PRIMARY, Role.CANDIDATE)
OF_THE_TEXT = frozenset({"http_403"})
"""Misconfigured, unless the judge has answered: a filter before it refuses single texts so."""


class Lane:
    """The calls of one judge."""

    def __init__(
        self, judge: Judge, items: Sequence[Item], settings: JudgeSettings, record: Record
    ) -> None:
        self.judge = judge
        self.spec = spec_of(judge, settings)
        self.before = _wanted(record.opinions(self.spec), items, judge, settings)
        self.opinions: list[Opinion] = []
        self.invalid = sum(opinion.winner is Winner.INVALID for opinion in self.before)
        self.failed: Counter[str] = Counter()
        self.too_large: list[str] = []
        self.stopped: str | None = None
        self._settings = settings
        self._record = record
        self._too_large = list[Unanswered]()
        self.todo = deque(self._missing(items))
        self.total = len(self.before) + sum(len(firsts) for _, firsts in self.todo)
        self._answered = bool(self.before)
        self._in_a_row = 0
        self._rest_until = 0.0

    def _missing(self, items: Sequence[Item]) -> list[tuple[Item, list[Role]]]:
        """Orders without an opinion; a pair's orders follow one another, in one epoch if can be.

        Those that failed before come last: failures in a row keep no other pair from being asked.
        """
        known = {opinion.key for opinion in self.before}
        failed = {(one.pair_id, one.item) for one in self._record.unanswered(self.spec)}
        missing = list[tuple[Item, list[Role]]]()
        for item in items:
            texts = (item.input, item.primary, item.candidate, item.reference or "")
            firsts = [f for f in BOTH if (self.spec, item.pair_id, item.digest, f) not in known]
            if firsts and sum(map(len, texts)) > self._settings.max_chars:
                self.too_large.append(item.pair_id)
                self._too_large += [self._unanswered(item, first, TOO_LARGE) for first in firsts]
            elif firsts:
                missing.append((item, firsts))
        return sorted(missing, key=lambda one: (one[0].pair_id, one[0].digest) in failed)

    @property
    def left(self) -> int:
        """Orders that were neither answered nor failed."""
        return self.total - self.done

    @property
    def done(self) -> int:
        """Orders that were answered, or failed for good."""
        return len(self.before) + len(self.opinions) + self.failed.total()

    def leave_too_large(self) -> None:
        """Keep which pairs are not asked about for their length: they are in no win rate."""
        self._record.leave(self._too_large)

    async def run(self, client: JudgeClient, budget: Budget, report: Callable[[], None]) -> None:
        """One worker: pair by pair until there is nothing left, or no sense in going on."""
        while self.todo and self.stopped is None:
            item, firsts = self.todo.popleft()
            for first in firsts:
                if self.stopped is None:
                    await self._judge(item, first, client, budget)
                    report()

    async def _judge(self, item: Item, first: Role, client: JudgeClient, budget: Budget) -> None:
        shown = prompt(item, first, self._settings.rubric)
        found = await self._ask(body_of(self.judge, shown), shown.bytes, client, budget)
        if found is None:
            return
        answer, calls = found
        if answer.failure is not None:
            self._fail(item, first, answer)
            return
        self._answered, self._in_a_row = True, 0
        if self._is_kin(item, answer.reply.model):
            return
        opinion = self._opinion(item, first, answer, calls, budget)
        self._record.add(opinion)
        self.opinions.append(opinion)
        self.invalid += opinion.winner is Winner.INVALID

    def _is_kin(self, item: Item, model: str | None) -> bool:
        """Whether a model of an arm's family answered under the judge's name, and may not."""
        roles = kin(self.judge, [item], [model]) if not self._settings.allow_same_family else ()
        if roles:
            self.stopped = f"it answers as {model}, of the {roles[0]} model's family: take another"
            self.stopped += " judge, or allow the same family"
        return bool(roles)

    async def _ask(
        self, body: dict[str, Json], size: int, client: JudgeClient, budget: Budget
    ) -> tuple[Answer, int] | None:
        """One answer with the calls it took; None where the run stops before there is one."""
        answer, calls = Answer(failure="timeout"), 0
        while calls < self._settings.tries:
            await self._rest()
            if self.stopped is not None:
                return None
            reserved = await budget.reserve(self.judge, size)
            if reserved is None:
                self.stopped = "the budget is spent"
                return None
            answer = await client.ask(body)
            calls += 1
            free = is_free(answer.failure, answer.status)
            cost = reserved * 0 if free else budget.cost(self.judge, answer.reply.usage)
            await budget.settle(reserved, cost)
            if not _again(answer):
                break
            wait = pause(calls, answer.retry_after, self._settings.longest_rest)
            self._rest_until = max(self._rest_until, time.monotonic() + wait)
        return answer, calls

    async def _rest(self) -> None:
        """What one call was told, all of them heed."""
        left = self._rest_until - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
            await self._rest()

    def _fail(self, item: Item, first: Role, answer: Answer) -> None:
        """Count it; where no call would fare better, or none does, stop asking."""
        kind = answer.failure or ""
        self.failed[kind] += 1
        of_the_text = kind in OF_THE_TEXT and self._answered
        said = f" ({answer.reply.error_message})" if answer.reply.error_message else ""
        # What the server refuses may be this one pair's text: only if it never answered at all
        # is it the judge.
        if _again(answer) or of_the_text or not self._answered:
            self._in_a_row += 1
        if kind not in MISCONFIGURED or kind in OF_THE_TEXT:
            self._record.leave([self._unanswered(item, first, kind)])
        if kind in MISCONFIGURED and not of_the_text:
            self.stopped = f"{kind}{said}"
        elif self._in_a_row >= FAILURES_IN_A_ROW:
            self.stopped = f"{self._in_a_row} failures in a row, the last one {kind}{said}"

    def _unanswered(self, item: Item, first: Role, kind: str) -> Unanswered:
        return Unanswered(self.spec, item.pair_id, item.digest, first, kind)

    def _opinion(
        self, item: Item, first: Role, answer: Answer, calls: int, budget: Budget
    ) -> Opinion:
        reply = answer.reply
        parsed = parse(reply, self.judge.enforced)
        return Opinion(
            judge=self.judge.title,
            spec=self.spec,
            epoch=epoch_of(self.judge, self._settings, reply.model, answer.system_fingerprint),
            pair_id=item.pair_id,
            item=item.digest,
            first=first,
            winner=_winner(parsed, first),
            invalid=parsed.invalid,
            analysis=parsed.analysis,
            model=reply.model,
            system_fingerprint=answer.system_fingerprint,
            lengths=(len(item.primary), len(item.candidate)),
            input_tokens=reply.usage.input_tokens,
            output_tokens=reply.usage.output_tokens,
            cost_usd=budget.cost(self.judge, reply.usage),
            calls=calls,
            time_ns=time.time_ns(),
            latency_ms=answer.latency_ms,
        )


def _wanted(
    opinions: Iterable[Opinion], items: Sequence[Item], judge: Judge, settings: JudgeSettings
) -> list[Opinion]:
    """Of what is on record, that of these very texts; each once, in the epochs of this run."""
    digests = {(item.pair_id, item.digest) for item in items}
    found = {o.key: o for o in opinions if (o.pair_id, o.item) in digests}
    epoch = cache(lambda model, fingerprint: epoch_of(judge, settings, model, fingerprint))
    return [
        replace(o, judge=judge.title, epoch=epoch(o.model, o.system_fingerprint))
        for o in found.values()
    ]


def _again(answer: Answer) -> bool:
    """Whether the same call may fare better a little later."""
    return answer.failure == "invalid_response" or passes(answer.failure, answer.status)


def _winner(parsed: Parsed, first: Role) -> Winner:
    """From a slot to a role."""
    if parsed.slot is None:
        return Winner.INVALID
    if parsed.slot == "TIE":
        return Winner.TIE
    return Winner.PRIMARY if (parsed.slot == "A") is (first is Role.PRIMARY) else Winner.CANDIDATE
