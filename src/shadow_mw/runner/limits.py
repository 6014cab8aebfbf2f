"""What keeps a candidate from costing more, or waiting longer, than was agreed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from decimal import Decimal

from shadow_mw.prices import PriceTable
from shadow_mw.runner.ledger import Ledger, Spent
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import REPEAT, Call, Reason, Usage

logger = logging.getLogger("shadow_mw.runner")

BYTES_PER_TOKEN = 3
"""For reservations: fewer bytes a token than any usual text has, so that they are high."""
ASSUMED_OUTPUT_TOKENS = 4096


class Breaker:
    """Opens after failures in a row; then one probe at a time, at growing intervals."""

    def __init__(
        self,
        threshold: int = 5,
        first: float = 5.0,
        longest: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threshold = threshold
        self._first = first
        self._longest = longest
        self._clock = clock
        self._failures = 0
        self._wait = first
        self._retry_at = 0.0
        self._probing = False

    def admits(self) -> bool:
        """Whether a call may be made now; a half-open breaker lets one through."""
        if self._failures < self._threshold:
            return True
        if self._probing or self._clock() < self._retry_at:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The candidate answered."""
        self._failures, self._wait, self._probing = 0, self._first, False

    def failed(self) -> None:
        """The candidate is down, hangs or breaks off."""
        self._failures += 1
        if self._failures < self._threshold:
            return
        if self._probing:
            self._wait = min(self._wait * 2, self._longest)
        self._probing = False
        self._retry_at = self._clock() + self._wait


class Budget:
    """Calls and dollars of one candidate on this host: reserved before, settled after.

    What is asked of the primary again counts against every candidate's limits, so that it never
    makes an experiment cost more than it might have cost without.
    """

    def __init__(
        self, settings: Settings, candidate: Candidate, prices: PriceTable, ledger: Ledger
    ) -> None:
        self._id = candidate.id
        self._model = candidate.model
        repeats = candidate.id == REPEAT
        self._beside = [c.id for c in settings.all_candidates] if repeats else [REPEAT]
        self._unpriced: set[str] = set()
        self._prices = prices
        self._ledger = ledger
        share = settings.replicas
        self._max_calls = None if settings.max_calls is None else settings.max_calls // share
        self._max_usd = None if settings.budget_usd is None else settings.budget_usd / share

    @property
    def money(self) -> dict[str, float]:
        """USD spent, reservations included, and this host's share of the budget.

        With what the primary was asked again, since both come out of the same budget.
        """
        if self._id == REPEAT:
            return {"spend_usd": float(self._ledger.spent(REPEAT).usd)}
        spent = {"spend_usd": float(self._spent().usd)}
        return spent if self._max_usd is None else spent | {"budget_usd": float(self._max_usd)}

    def reserve(self, call: Call, request_bytes: int) -> Decimal | Reason:
        """Set money aside for one call; a Reason where there is none left."""
        spent = self._spent()
        if self._max_calls is not None and spent.calls >= self._max_calls:
            return Reason.MAX_CALLS
        model = self._model or call.model
        usage = Usage(
            input_tokens=request_bytes // BYTES_PER_TOKEN,
            output_tokens=call.max_tokens or ASSUMED_OUTPUT_TOKENS,
        )
        cost = self._prices.cost(model, usage)
        if cost is None and self._is_unbounded(model):
            return Reason.BUDGET_USD
        estimate = cost or Decimal(0)
        if self._max_usd is not None and spent.usd + estimate > self._max_usd:
            return Reason.BUDGET_USD
        self._charge(1, estimate)
        return estimate

    def settle(self, reserved: Decimal, usage: Usage, model: str | None = None) -> None:
        """Replace a reservation by what the call cost; unknown usage keeps the reservation."""
        cost = self._prices.cost(model or self._model, usage)
        if cost is not None:
            self._charge(0, cost - reserved)

    def unsent(self, reserved: Decimal) -> None:
        """No connection came about: the call counts as made, and has cost nothing."""
        self._charge(0, -reserved)

    def release(self, reserved: Decimal) -> None:
        """Give a reservation back: the call is not made."""
        self._charge(-1, -reserved)

    def repeat(self) -> bool:
        """The same call is made once more, where there is a call left."""
        if self._max_calls is not None and self._spent().calls >= self._max_calls:
            return False
        self._charge(1, Decimal(0))
        return True

    def _spent(self) -> Spent:
        """The calls made and the money, of those that share the limits."""
        own = self._ledger.spent(self._id)
        others = [self._ledger.spent(name) for name in self._beside]
        calls = max((other.calls for other in others), default=0)
        return Spent(own.calls + calls, own.usd + max((o.usd for o in others), default=Decimal(0)))

    def _is_unbounded(self, model: str) -> bool:
        """The start has looked at candidates' prices; the primary's model each call names anew."""
        if self._id != REPEAT or self._max_usd is None or self._max_calls is not None:
            return False
        if model not in self._unpriced:
            self._unpriced.add(model)
            logger.warning(
                "the price of %s is not known, so the primary is not asked again: set "
                "SHADOW_MAX_CALLS, or its price in SHADOW_PRICES",
                model or "a call without a model",
            )
        return True

    def _charge(self, calls: int, usd: Decimal) -> None:
        self._ledger.charge(self._id, calls, usd)
