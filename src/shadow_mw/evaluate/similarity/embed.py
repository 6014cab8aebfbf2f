"""Embed the outputs of stored pairs and compare them: read this first of similarity.

Every vector is on disk before the next call, so that an interrupted run goes on where it stopped,
and a text is asked once and never again. What a cosine is worth only the experiment itself says:
the primary against itself (A/A) is its floor.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from shadow_mw.evaluate.endpoint.budget import BYTES_PER_TOKEN, Limits
from shadow_mw.evaluate.endpoint.failure import (
    FAILURES_IN_A_ROW,
    MISCONFIGURED,
    is_free,
    passes,
    pause,
)
from shadow_mw.evaluate.similarity import store as kept
from shadow_mw.evaluate.similarity.client import Answer, EmbeddingClient
from shadow_mw.evaluate.similarity.vectors import cosine
from shadow_mw.evaluate.similarity.work import Work, text_at
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import ConfigError
from shadow_mw.prices import PriceTable
from shadow_mw.settings import Embeddings
from shadow_mw.types import Usage

ANEW = "--anew forgets the vectors that are stored"
SPENT = "the budget is spent"
SAME = 0.99
"""A text that is embedded again has a cosine of at least this with its stored vector."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would ask for, and at most cost."""

    calls: int
    texts: int
    cached: int
    """Texts whose vector is there."""
    tokens: int
    """An estimate on the high side, from bytes."""
    usd: Decimal | None
    """None where the model's price is not known."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run."""

    calls: int
    embedded: int
    """Texts."""
    failed: dict[str, int]
    """Texts by kind of failure; the next run asks again."""
    left: int
    """Texts that were not asked for."""
    stopped: str | None
    """Why."""
    tokens: int
    """As the server counted them."""
    usd: Decimal | None
    """Where the server does not count, its estimate is in it; None without a price."""


class Embedder:
    """One run over the texts that are missing."""

    def __init__(self, work: Work, settings: Embeddings, store: Store, prices: PriceTable) -> None:
        self._work = work
        self._settings = settings
        self._store = store
        self._prices = prices
        self._limits = Limits(settings.max_calls, settings.budget_usd)
        self._client = EmbeddingClient(settings, kept.dimension(store, work.key))
        self._todo = deque(work.batches())
        self._failed: Counter[str] = Counter()
        self._in_a_row = 0
        self._rest_until = 0.0
        self._embedded = 0
        self._tokens = 0
        self.stopped: str | None = None

    async def run(self, advance: Callable[[int], None]) -> Run:
        """Ask for every text once; cancelling it loses the calls under way, and nothing else."""
        try:
            await self._probe()
            async with asyncio.TaskGroup() as group:
                for _ in range(self._settings.concurrency):
                    group.create_task(self._worker(advance))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            await self._client.close()
        return Run(
            calls=self._limits.calls,
            embedded=self._embedded,
            failed=dict(self._failed),
            left=len(self._work.missing) - self._embedded - self._failed.total(),
            stopped=self.stopped,
            tokens=self._tokens,
            usd=self._limits.usd if self._prices.knows(self._settings.model) else None,
        )

    async def _probe(self) -> None:
        """Vectors of two models are not comparable: is it still the one that made those we have?"""
        if self._work.probe is None:
            return
        text, before = self._work.probe
        answer = await self._ask([text])
        if answer is None or answer.failure not in (None, "invalid_response"):
            return
        why = answer.said
        if answer.failure is None:
            found = cosine(before, answer.vectors[0])
            why = "" if found >= SAME else f"the cosine with the stored vector is {found:.3f}"
        if why:
            self.stopped = f"the same text is embedded otherwise now ({why}); {ANEW}"

    async def _worker(self, advance: Callable[[int], None]) -> None:
        while self._todo and self.stopped is None:
            batch = self._todo.popleft()
            answer = await self._ask([self._text(digest) for digest in batch])
            if answer is None:
                return
            if answer.failure is None:
                self._in_a_row = 0
                kept.add_vectors(
                    self._store, self._work.key, zip(batch, answer.vectors, strict=True)
                )
                self._embedded += len(batch)
                advance(len(batch))
            elif self._may_be_one_text(answer) and len(batch) > 1:
                half = len(batch) // 2
                self._todo.extendleft([batch[half:], batch[:half]])
            else:
                self._fail(answer, len(batch))
                advance(len(batch))

    async def _ask(self, texts: list[str]) -> Answer | None:
        """An answer, after retries; None where the run stops before there is one."""
        estimate = self._estimate(texts)
        answer, calls = Answer(failure="timeout"), 0
        while calls < self._settings.tries:
            await self._rest()
            if self.stopped is not None:
                return None
            if not await self._limits.set_aside(estimate):
                self.stopped = SPENT
                return None
            answer = await self._client.ask(texts)
            calls += 1
            await self._limits.settle(estimate, self._cost(answer))
            self._tokens += answer.usage.input_tokens or 0
            if not passes(answer.failure, answer.status):
                break
            wait = pause(calls, answer.retry_after, self._settings.longest_rest)
            self._rest_until = max(self._rest_until, time.monotonic() + wait)
        return answer

    def _text(self, digest: bytes) -> str:
        return text_at(self._store, self._work.missing[digest])

    def _estimate(self, texts: list[str]) -> Decimal:
        tokens = sum(len(text.encode("utf-8", "replace")) for text in texts) // BYTES_PER_TOKEN
        return self._prices.cost(self._settings.model, Usage(tokens, 0)) or Decimal(0)

    def _cost(self, answer: Answer) -> Decimal | None:
        if is_free(answer.failure, answer.status):
            return Decimal(0)
        return self._prices.cost(self._settings.model, answer.usage)

    async def _rest(self) -> None:
        """What one call was told, all of them heed."""
        left = self._rest_until - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
            await self._rest()

    def _may_be_one_text(self, answer: Answer) -> bool:
        """What is wrong with the answer may be wrong with one text of it alone."""
        kind = answer.failure
        return kind not in MISCONFIGURED and not passes(kind, answer.status)

    def _fail(self, answer: Answer, texts: int) -> None:
        """Count it; where no call would fare better, or none does, stop asking."""
        kind = answer.failure or ""
        self._failed[kind] += texts
        self._in_a_row += 1
        said = f" ({answer.said})" if answer.said else ""
        if kind in MISCONFIGURED:
            self.stopped = f"{kind}{said}"
        elif self._in_a_row >= FAILURES_IN_A_ROW:
            self.stopped = f"{self._in_a_row} failures in a row, the last one {kind}{said}"


def planned(work: Work, settings: Embeddings, prices: PriceTable) -> Plan:
    """What `Embedder` would do, without a call."""
    tokens = sum(source.bytes for source in work.missing.values()) // BYTES_PER_TOKEN
    calls = sum(1 for _ in work.batches())
    return Plan(
        calls=calls + (work.probe is not None),
        texts=len(work.missing),
        cached=work.cached,
        tokens=tokens,
        usd=prices.cost(settings.model, Usage(tokens, 0)),
    )


def check_budget(settings: Embeddings, prices: PriceTable) -> None:
    """Refuse a budget in dollars that cannot be kept for want of a price.

    Raises:
        ConfigError: that is so.
    """
    if settings.budget_usd is not None and not prices.knows(settings.model):
        raise ConfigError(
            f"no price is known for {settings.model}: a budget in USD cannot be kept;"
            " SHADOW_PRICES takes one"
        )


def compare(store: Store, work: Work) -> dict[str, int]:
    """Store the cosine of every pair whose vectors are there; pairs by candidate."""
    found = dict[str, int]()
    for share in work.shares:
        kept.add_cosines(store, work.key, ((row, 1.0) for row in share.identical))
        found[share.series.candidate] = len(share.identical)
        for some in kept.chunks(share.pairs, kept.AT_ONCE):
            digests = {digest for _, *both in some for digest in both}
            vectors = kept.vectors(store, work.key, digests)
            cosines = [
                (row, cosine(vectors[ours], vectors[theirs]))
                for row, ours, theirs in some
                if ours in vectors and theirs in vectors
            ]
            kept.add_cosines(store, work.key, cosines)
            found[share.series.candidate] += len(cosines)
    return found
