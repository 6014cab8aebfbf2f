"""What a call costs: our own table first, then genai-prices; unknown is None, never zero."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from shadow_mw.types import Usage

if TYPE_CHECKING:
    from shadow_mw.settings import Price

MILLION = Decimal(1_000_000)


class PriceTable:
    """Prices by model name; `own` goes before the public list."""

    def __init__(self, own: Mapping[str, Price] | None = None) -> None:
        self._own = dict(own or {})

    def knows(self, model: str) -> bool:
        """Whether a call to the model can be priced."""
        return self.cost(model, Usage(input_tokens=1, output_tokens=1)) is not None

    def cost(self, model: str | None, usage: Usage) -> Decimal | None:
        """The cost of one call in USD; None where the model or the usage is unknown."""
        if model is None or usage.input_tokens is None:
            return None
        price = self._own.get(model)
        return _own_cost(price, usage) if price else _public_cost(model, usage)


def _own_cost(price: Price, usage: Usage) -> Decimal:
    read, write = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    plain = max((usage.input_tokens or 0) - read - write, 0)
    tokens = (
        plain * price.input
        + read * (price.input if price.cache_read is None else price.cache_read)
        + write * (price.input if price.cache_write is None else price.cache_write)
        + (usage.output_tokens or 0) * price.output
    )
    return tokens / MILLION + price.request


def _public_cost(model: str, usage: Usage) -> Decimal | None:
    if not _listed(model):
        return None
    if (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0) > (usage.input_tokens or 0):
        # Counts that contradict one another.
        return None
    flat = _flat(model)
    return _calculated(model, usage) if flat is None else _own_cost(flat, usage)


def _calculated(model: str, usage: Usage) -> Decimal | None:
    import genai_prices

    try:
        price = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens or 0,
                cache_read_tokens=usage.cache_read_tokens,
                cache_write_tokens=usage.cache_write_tokens,
            ),
            model_ref=model,
        )
    except ValueError:
        # Counts that the list has no price for.
        return None
    return price.total_price


@lru_cache(maxsize=1024)
def _flat(model: str) -> Price | None:
    """The model's public price, where neither the time nor the size of a call changes it.

    Worked out once per name: asking the list takes longer than storing a whole call.
    """
    import genai_prices
    from genai_prices.types import ModelPrice

    from shadow_mw.settings import Price

    found = genai_prices.calc_price(genai_prices.Usage(input_tokens=1), model_ref=model)
    rates = found.model.prices
    if not isinstance(rates, ModelPrice) or not all(
        isinstance(rate, Decimal | None) for rate in vars(rates).values()
    ):
        return None
    each = 1_000_000
    request = _calculated(model, Usage(0, 0))
    costs = [
        _calculated(model, usage)
        for usage in (Usage(each, 0), Usage(0, each), Usage(each, 0, each), Usage(each, 0, 0, each))
    ]
    if request is None or None in costs:
        return None
    input, output, read, write = (cost - request for cost in costs if cost is not None)
    return Price(input=input, output=output, cache_read=read, cache_write=write, request=request)


@lru_cache(maxsize=1024)
def _listed(model: str) -> bool:
    """Whether the public list knows the model; asked once per name, since a miss is slow."""
    import genai_prices

    try:
        genai_prices.calc_price(genai_prices.Usage(input_tokens=1), model_ref=model)
    except LookupError:
        return False
    return True
