"""What a window is likely to cost, part by part; what has no price is unpriced, never free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shadow_mw.prices import PriceTable
from shadow_mw.types import Usage

ORDERS = 2
RUBRIC_TOKENS = 600
VERDICT_TOKENS = 300
"""Of a judge's own prompt and of its answer, where no answer of it is stored."""
TEXTS = 2
"""Embedded for each pair: both outputs."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one call of a model uses."""

    model: str | None
    input_tokens: float
    output_tokens: float
    usd: float | None = None
    """Where it was measured or given; otherwise the model's price is taken."""
    basis: str = "assumed"


@dataclass(frozen=True, slots=True)
class Item:
    """One part of the cost."""

    name: str
    model: str | None
    calls: float
    tokens: float
    usd: float | None
    """None: no price is known, or nobody is set."""
    basis: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Spending:
    """Who is asked what, in one window."""

    pairs: float
    repeat_rate: float
    primary: Call
    candidate: Call
    judged: float = 0
    judges: tuple[Call, ...] = ()
    embeddings: Call | None = None
    wants: frozenset[str] = field(default_factory=frozenset)
    """Gates of the plan: what none of them needs is not asked for."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """All parts."""

    items: tuple[Item, ...]

    @property
    def usd(self) -> float:
        """What is priced, added up."""
        return sum(item.usd or 0.0 for item in self.items)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Parts that are called and have no price."""
        return tuple(item.name for item in self.items if item.usd is None and item.calls)

    def of(self, *names: str) -> float:
        """The same of some parts, by the beginning of their names."""
        return sum(item.usd or 0.0 for item in self.items if item.name.startswith(names))


def forecast(spending: Spending, prices: PriceTable) -> Forecast:
    """The cost of a window on top of what production costs anyway."""
    pairs = spending.pairs
    again = pairs * spending.repeat_rate
    items = [
        Item("primary", spending.primary.model, 0, 0, 0.0, "", "production's own calls: no more"),
        _item("primary again (A/A)", spending.primary, again, prices),
        _item("candidate", spending.candidate, pairs, prices),
        *_judging(spending, prices),
        *_embedding(spending, prices),
    ]
    return Forecast(tuple(items))


def judge_call(model: str, primary: Call, candidate: Call) -> Call:
    """What a judge reads and writes of one pair in one order: the request and both outputs."""
    read = primary.input_tokens + primary.output_tokens + candidate.output_tokens
    return Call(model, RUBRIC_TOKENS + read, VERDICT_TOKENS)


def _judging(spending: Spending, prices: PriceTable) -> Sequence[Item]:
    if "win_rate" not in spending.wants:
        return ()
    if not spending.judges:
        return (Item("judge", None, 0, 0, None, "", "no judge is set, and the plan needs one"),)
    calls = min(spending.judged, spending.pairs) * ORDERS
    return [
        _item(f"judge {judge.model or ''}".rstrip(), judge, calls, prices)
        for judge in spending.judges
    ]


def _embedding(spending: Spending, prices: PriceTable) -> Sequence[Item]:
    if spending.embeddings is None or "likeness" not in spending.wants:
        return ()
    # A pair of the primary with itself has one text that is not embedded yet.
    texts = spending.pairs * (TEXTS + spending.repeat_rate)
    return (_item("embeddings", spending.embeddings, texts, prices),)


def _item(name: str, call: Call, calls: float, prices: PriceTable) -> Item:
    tokens = calls * (call.input_tokens + call.output_tokens)
    each = call.usd
    if each is None:
        each = _price(call, prices)
    return Item(name, call.model, calls, tokens, None if each is None else calls * each, call.basis)


def _price(call: Call, prices: PriceTable) -> float | None:
    usage = Usage(round(call.input_tokens), round(call.output_tokens))
    found = prices.cost(call.model, usage)
    return None if found is None else float(found)
