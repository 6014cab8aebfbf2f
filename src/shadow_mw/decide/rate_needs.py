"""Sizes of the gates of rates: how much is needed to prove a difference, or a cap."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, isinf

from shadow_mw.decide import words
from shadow_mw.decide.plan import Rate
from shadow_mw.decide.sizing import Need, Sizing, basis, least, rounded_up
from shadow_mw.decide.stats import sizes

UNITS = {
    "hallucination": ("null leaves", "null_leaves"),
    "null_like": ("null leaves", "null_leaves"),
    "invalid_output": ("labelled leaves", "leaves"),
    "accuracy": ("labelled leaves", "leaves"),
    "errors": ("pairs", ""),
}


def rate_needs(case: Sizing, name: str, gate: Rate) -> Iterator[Need]:
    """Of its difference, and of its cap where it has one."""
    unit, column = UNITS[name]
    yields = case.window.pairs
    if column:
        yields = case.window.labelled * getattr(case.traffic, column)
    yield difference_need(case, name, gate.margin, unit, yields, column)
    if gate.cap is not None:
        yield _cap(case, name, gate.cap, unit, yields, column)


def difference_need(
    case: Sizing, name: str, margin: float, unit: str, yields: float, column: str = ""
) -> Need:
    """How many `unit` prove that the candidate is at most `margin` worse, if the legs are equal.

    Where so many differ at once, as many fewer independent ones are there to differ.
    """
    variance, jump = case.traffic.variances[name], case.traffic.jumps.get(name, 1.0)
    differ = min(variance / jump, 1.0)

    def fixed(margin: float) -> float:
        return _whole(jump * sizes.pairs_for_rate(differ, margin, case.alpha, case.power))

    provable = least(lambda margin: fixed(margin) <= yields, margin, 1.0)
    return Need(
        name,
        f"at most {words.plain_points(margin)} worse",
        unit,
        fixed(margin),
        sizes.pairs_for_rate_anytime(min(variance, 1.0), margin, case.plan.alpha, case.power),
        yields,
        None if provable is None else f"at most {words.plain_points(rounded_up(provable))} worse",
        basis(case, f"variances.{name}", column),
        f"the legs are equal, and differ on {words.share(variance)} of {unit}",
    )


def _cap(case: Sizing, name: str, cap: float, unit: str, yields: float, column: str) -> Need:
    rate, jump = case.traffic.rates[name], case.traffic.jumps.get(name, 1.0)

    def fixed(cap: float) -> float:
        return _whole(jump * sizes.pairs_for_cap(rate, cap, case.alpha, case.power))

    provable = least(lambda cap: fixed(cap) <= yields, cap, 1.0)
    return Need(
        f"{name}.cap",
        f"at most {words.share(cap)}",
        unit,
        fixed(cap),
        None,
        yields,
        None if provable is None else f"at most {words.share(rounded_up(provable))}",
        basis(case, f"rates.{name}", column),
        f"the candidate is at the primary's {words.share(rate)}",
    )


def _whole(n: float) -> float:
    return n if isinf(n) else float(ceil(n - 1e-9))
