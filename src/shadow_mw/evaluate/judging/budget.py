"""Calls and dollars of a run of judges: set aside before a call, settled after it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from decimal import Decimal

from shadow_mw.evaluate.judging.values import Judge, JudgeSettings, Opinion
from shadow_mw.exceptions import ConfigError
from shadow_mw.prices import PriceTable
from shadow_mw.types import Usage

BYTES_PER_TOKEN = 3
"""Fewer bytes a token than any usual text has, so that estimates are high."""


class Budget:
    """What all judges of a run may spend together."""

    def __init__(
        self, settings: JudgeSettings, prices: PriceTable, before: Iterable[Opinion] = ()
    ) -> None:
        self._max_calls = settings.max_calls
        self._max_usd = settings.budget_usd
        self._prices = prices
        self._in_flight = 0
        self._settled = asyncio.Condition()
        earlier = list(before)
        self.calls = sum(opinion.calls for opinion in earlier)
        self.usd = sum((opinion.cost_usd or Decimal(0) for opinion in earlier), Decimal(0))

    def check(self, judges: Iterable[Judge]) -> None:
        """Refuse a budget in dollars that cannot be kept for want of a price."""
        for judge in judges:
            if self._max_usd is not None and not self._prices.knows(judge.model):
                raise ConfigError(
                    f"no price is known for judge {judge.model}: a budget in USD cannot be kept"
                )

    def estimate(self, judge: Judge, prompt_bytes: int) -> Decimal:
        """The most that one call is thought to cost; 0 where there is no price."""
        usage = Usage(prompt_bytes // BYTES_PER_TOKEN, judge.max_tokens)
        return self._prices.cost(judge.model, usage) or Decimal(0)

    async def reserve(self, judge: Judge, prompt_bytes: int) -> Decimal | None:
        """Set money aside for one call; None where there is none left.

        Where calls under way may turn out cheaper than thought, their end is waited for.
        """
        estimate = self.estimate(judge, prompt_bytes)
        async with self._settled:
            while not self._has_room(estimate):
                if not self._in_flight:
                    return None
                await self._settled.wait()
            self.calls += 1
            self.usd += estimate
            self._in_flight += 1
        return estimate

    def _has_room(self, estimate: Decimal) -> bool:
        if self._max_calls is not None and self.calls >= self._max_calls:
            return False
        return self._max_usd is None or self.usd + estimate <= self._max_usd

    async def settle(self, reserved: Decimal, cost: Decimal | None) -> None:
        """Replace a reservation by what the call cost; where that is unknown, it stays."""
        async with self._settled:
            self.usd += Decimal(0) if cost is None else cost - reserved
            self._in_flight -= 1
            self._settled.notify_all()

    def cost(self, judge: Judge, usage: Usage) -> Decimal | None:
        """What a call cost."""
        return self._prices.cost(judge.model, usage)
