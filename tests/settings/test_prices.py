from __future__ import annotations

from decimal import Decimal

import pytest

from shadow_mw.prices import PriceTable
from shadow_mw.settings import Price
from shadow_mw.types import Usage

OWN = PriceTable({"m": Price(input=Decimal(2), output=Decimal(8), cache_read=Decimal("0.5"))})


def test_our_own_price_goes_first_and_cached_tokens_have_theirs():
    usage = Usage(input_tokens=1_000_000, output_tokens=500_000, cache_read_tokens=400_000)

    assert OWN.cost("m", usage) == Decimal("0.6") * 2 + Decimal("0.4") / 2 + 4


def test_the_public_list_knows_a_public_model():
    cost = PriceTable().cost("gpt-4o-mini", Usage(input_tokens=1_000_000, output_tokens=0))

    assert cost is not None
    assert cost > 0


@pytest.mark.parametrize(
    ("model", "usage"),
    [
        ("no-such-model", Usage(input_tokens=1, output_tokens=1)),
        (None, Usage(input_tokens=1)),
        ("gpt-4o-mini", Usage()),
        ("gpt-4o-mini", Usage(input_tokens=10, output_tokens=5, cache_read_tokens=100)),
    ],
)
def test_unknown_is_none_and_never_zero(model: str | None, usage: Usage):
    assert PriceTable().cost(model, usage) is None
