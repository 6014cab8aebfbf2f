"""Calls and dollars of a run: set aside before a call, settled after it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

BYTES_PER_TOKEN = 3
"""Fewer bytes a token than any usual text has, so that estimates are high."""


class Limits:
    """What a run may spend: calls, dollars, or both."""

    def __init__(
        self,
        max_calls: int | None,
        max_usd: Decimal | None,
        calls: int = 0,
        usd: Decimal = Decimal(0),
    ) -> None:
        self._max_calls = max_calls
        self._max_usd = max_usd
        self._in_flight = 0
        self._settled = asyncio.Condition()
        self.calls = calls
        self.usd = usd

    async def set_aside(self, estimate: Decimal) -> bool:
        """Set money aside for one call; False where there is none left.

        Where calls under way may turn out cheaper than thought, their end is waited for.
        """
        async with self._settled:
            while not self._has_room(estimate):
                if not self._in_flight:
                    return False
                await self._settled.wait()
            self.calls += 1
            self.usd += estimate
            self._in_flight += 1
        return True

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
