"""Before any data: what each gate needs, what the window yields, and what it cannot prove."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isinf

from shadow_mw.decide import words
from shadow_mw.decide.plan import Plan
from shadow_mw.decide.rate_needs import difference_need, rate_needs
from shadow_mw.decide.sizing import Need, Sizing, basis
from shadow_mw.decide.traffic import Traffic
from shadow_mw.decide.value_needs import cost_need, latency_need, likeness_need, win_rate_needs


def needs(plan: Plan, traffic: Traffic) -> tuple[Need, ...]:
    """One for each gate that has a size, in the plan's order."""
    return tuple(_needs(Sizing(plan, traffic)))


def _needs(case: Sizing) -> Iterator[Need]:
    gates, pairs = case.gates, case.window.pairs
    wanted = float(case.plan.sample.pairs)
    volume = case.traffic.source("requests_per_day")
    yield Need(
        "coverage.pairs", f"at least {wanted:,.0f}", "pairs", wanted, None, pairs, None, volume, ""
    )
    for name in ("hallucination", "invalid_output", "null_like", "accuracy", "errors"):
        if (gate := getattr(gates, name)) is not None:
            yield from rate_needs(case, name, gate)
    if gates.checks:
        yield difference_need(case, "checks", gates.checks.margin, "pairs", pairs)
    if gates.latency:
        yield latency_need(case, gates.latency.percent, gates.latency.ratio)
    if gates.win_rate:
        yield from win_rate_needs(case, gates.win_rate.at_least)
    if gates.likeness:
        yield likeness_need(case, gates.likeness.margin)
    if gates.segments:
        yield _segments(case, gates.segments.smallest, gates.segments.unknown_share)
    if gates.cost:
        yield cost_need(case, gates.cost.ratio)


def _segments(case: Sizing, smallest: int, unknown: float) -> Need:
    """Pairs with which few enough of the traffic lies in segments that are too small."""
    held, share = 0.0, 0.0
    for share in sorted(case.traffic.segments.values()):
        held += share
        if held > unknown:
            break
    large_enough = inf if held <= unknown else smallest / share
    if case.traffic.labelled_share:
        large_enough /= case.traffic.labelled_share
    return Need(
        "segments",
        f"{words.share(1 - unknown)} of the traffic in segments of {smallest:,} pairs or more",
        "pairs",
        1.0 if isinf(large_enough) else large_enough,
        None,
        case.window.pairs,
        None,
        basis(case, "segments", "labelled_share"),
        f"{len(case.traffic.segments):,} segments; pairs with a ground truth count",
    )
