from __future__ import annotations

import random
from decimal import Decimal

import pytest

from shadow_mw.prices import PriceTable, _calculated, _flat, _listed
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


def public_models():
    from genai_prices import data_snapshot

    found = {model.id for p in data_snapshot.get_snapshot().providers for model in p.models}
    return sorted(model for model in found if _listed(model))[::5]


def test_a_flat_public_price_is_the_one_that_the_list_calculates():
    rng = random.Random(0)
    models = [model for model in public_models() if _flat(model) is not None]
    for model in models:
        for _ in range(3):
            total = rng.randint(0, 200_000)
            read = rng.choice([None, 0, rng.randint(0, total)])
            write = rng.choice([None, 0, rng.randint(0, total - (read or 0))])
            usage = Usage(total, rng.randint(0, 9_000), read, write)
            assert PriceTable().cost(model, usage) == _calculated(model, usage)
    assert len(models) > 20


def test_a_price_that_depends_on_the_size_of_a_call_is_asked_for_each_time():
    assert _flat("gemini-2.5-pro") is None
    small, large = (Usage(input_tokens=n, output_tokens=0) for n in (100_000, 300_000))
    assert PriceTable().cost("gemini-2.5-pro", large) > 3 * PriceTable().cost(
        "gemini-2.5-pro", small
    )
