"""Calls and dollars of a run of judges."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from shadow_mw.evaluate.endpoint.budget import BYTES_PER_TOKEN, Limits
from shadow_mw.evaluate.judging.values import Judge, JudgeSettings, Opinion
from shadow_mw.exceptions import ConfigError
from shadow_mw.prices import PriceTable
from shadow_mw.types import Usage


class Budget(Limits):
    """What all judges of a run may spend together."""

    def __init__(
        self, settings: JudgeSettings, prices: PriceTable, before: Iterable[Opinion] = ()
    ) -> None:
        earlier = list(before)
        super().__init__(
            settings.max_calls,
            settings.budget_usd,
            sum(opinion.calls for opinion in earlier),
            sum((opinion.cost_usd or Decimal(0) for opinion in earlier), Decimal(0)),
        )
        self._prices = prices

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
        """Set money aside for one call; None where there is none left."""
        estimate = self.estimate(judge, prompt_bytes)
        return estimate if await self.set_aside(estimate) else None

    def cost(self, judge: Judge, usage: Usage) -> Decimal | None:
        """What a call cost."""
        return self._prices.cost(judge.model, usage)
