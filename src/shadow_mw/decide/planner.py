"""Before any data: what each gate needs, what the window yields, and what it cannot prove."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, floor, inf, isinf, log10, sqrt

from shadow_mw.decide import words
from shadow_mw.decide.plan import Plan, Rate
from shadow_mw.decide.stats import obrien_fleming, sizes
from shadow_mw.decide.traffic import Traffic

UNITS = {
    "hallucination": ("null leaves", "null_leaves"),
    "null_like": ("null leaves", "null_leaves"),
    "invalid_output": ("labelled leaves", "leaves"),
    "accuracy": ("labelled leaves", "leaves"),
    "errors": ("pairs", ""),
}
STEPS = 60
FEWEST_FOR_MEANS = 30.0
"""Pairs below which a mean of costs is not near normal."""


@dataclass(frozen=True, slots=True)
class Need:
    """One gate: what it takes to prove it, if it really holds."""

    name: str
    what: str
    """`at most 0.2 points worse`."""
    unit: str
    fixed: float
    """Units at the final look; infinite where no number would do."""
    anytime: float | None
    """Units for a proof between looks; None where there is none."""
    yields: float
    """What the window has of them."""
    provable: str | None
    """What the window can prove instead; None where it proves what is wanted, or nothing."""
    basis: str
    """Of the figures behind it: stored, given or assumed."""
    assuming: str
    """What has to be true of the candidate, and how the traffic is."""

    @property
    def is_proven(self) -> bool:
        """Whether the window is long enough for it."""
        return self.fixed <= self.yields


@dataclass(frozen=True, slots=True)
class Window:
    """What the window yields."""

    pairs: float
    labelled: float
    basis: str


def window_of(plan: Plan, traffic: Traffic) -> Window:
    """Pairs that the window will have, where as many calls are lost as the plan allows."""
    mirrored = traffic.requests_per_day * plan.window.days * plan.sample.rate
    pairs = mirrored * plan.window.completion
    return Window(pairs, pairs * traffic.labelled_share, traffic.source("requests_per_day"))


def needs(plan: Plan, traffic: Traffic) -> tuple[Need, ...]:
    """One for each gate that has a size, in the plan's order."""
    return tuple(_needs(_Sizing(plan, traffic)))


class _Sizing:
    """A plan, the traffic, and the level of the final look: earlier ones have spent some of it."""

    def __init__(self, plan: Plan, traffic: Traffic) -> None:
        self.plan, self.traffic, self.gates = plan, traffic, plan.gates
        self.window = window_of(plan, traffic)
        self.alpha = obrien_fleming(plan.window.looks, plan.alpha)[-1]
        self.power = plan.power


def _needs(case: _Sizing) -> Iterator[Need]:
    gates, pairs = case.gates, case.window.pairs
    wanted = float(case.plan.sample.pairs)
    volume = case.traffic.source("requests_per_day")
    yield Need(
        "coverage.pairs", f"at least {wanted:,.0f}", "pairs", wanted, None, pairs, None, volume, ""
    )
    for name in ("hallucination", "invalid_output", "null_like", "accuracy", "errors"):
        if (gate := getattr(gates, name)) is not None:
            yield from _rate(case, name, gate)
    if gates.checks:
        yield _difference(case, "checks", gates.checks.margin, "pairs", pairs)
    if gates.latency:
        yield _latency(case, gates.latency.percent, gates.latency.ratio)
    if gates.win_rate:
        yield from _win_rate(case, gates.win_rate.at_least)
    if gates.likeness:
        yield _likeness(case, gates.likeness.margin)
    if gates.segments:
        yield _segments(case, gates.segments.smallest, gates.segments.unknown_share)
    if gates.cost:
        yield _cost(case, gates.cost.ratio)


def _rate(case: _Sizing, name: str, gate: Rate) -> Iterator[Need]:
    unit, column = UNITS[name]
    yields = case.window.pairs
    if column:
        yields = case.window.labelled * getattr(case.traffic, column)
    yield _difference(case, name, gate.margin, unit, yields, column)
    if gate.cap is not None:
        yield _cap(case, name, gate.cap, unit, yields, column)


def _difference(
    case: _Sizing, name: str, margin: float, unit: str, yields: float, column: str = ""
) -> Need:
    variance = case.traffic.variances[name]

    def fixed(margin: float) -> float:
        return sizes.pairs_for_mean(sqrt(variance), margin, case.alpha, case.power)

    provable = _least(fixed, yields, margin, 1.0)
    return Need(
        name,
        f"at most {words.plain_points(margin)} worse",
        unit,
        fixed(margin),
        sizes.pairs_for_rate_anytime(min(variance, 1.0), margin, case.plan.alpha, case.power),
        yields,
        None if provable is None else f"at most {words.plain_points(_up(provable))} worse",
        _basis(case, f"variances.{name}", column),
        f"the legs are equal, and differ on {words.share(variance)} of {unit}",
    )


def _cap(case: _Sizing, name: str, cap: float, unit: str, yields: float, column: str) -> Need:
    rate = case.traffic.rates[name]
    spread = sqrt(rate * (1 - rate))

    def fixed(cap: float) -> float:
        return sizes.pairs_for_mean(spread, cap - rate, case.alpha, case.power)

    provable = _least(fixed, yields, cap, 1.0)
    return Need(
        f"{name}.cap",
        f"at most {words.share(cap)}",
        unit,
        fixed(cap),
        None,
        yields,
        None if provable is None else f"at most {words.share(_up(provable))}",
        _basis(case, f"rates.{name}", column),
        f"the candidate is at the primary's {words.share(rate)}",
    )


def _latency(case: _Sizing, percent: int, ratio: float) -> Need:
    spread, pairs = case.traffic.latency_spread, case.window.pairs

    def fixed(most: float) -> float:
        return sizes.pairs_for_quantile_ratio(percent, most, spread, 1.0, case.alpha, case.power)

    provable = _least(fixed, pairs, ratio, 100.0)
    return Need(
        "latency",
        f"p{percent} at most {ratio:g}x",
        "pairs",
        fixed(ratio),
        sizes.pairs_for_quantile_ratio_anytime(
            percent, ratio, spread, 1.0, case.plan.alpha, case.power
        ),
        pairs,
        None if provable is None else f"at most {provable:.2f}x",
        _basis(case, "latency_spread"),
        f"the legs are as fast, and logarithms of latency spread by {spread:.2f}",
    )


def _win_rate(case: _Sizing, threshold: float) -> Iterator[Need]:
    traffic, rate = case.traffic, case.traffic.win_rate
    judged = min(traffic.judged, case.window.pairs)
    what = f"at least {words.share(threshold)}"
    believed = f"people prefer the candidate in {words.share(rate)}"

    def fixed(threshold: float) -> float:
        return sizes.pairs_for_win_rate(rate, threshold, case.alpha, case.power)

    provable = _least(lambda distance: fixed(rate - distance), judged, rate - threshold, rate)
    yield Need(
        "win_rate",
        what,
        "judged pairs",
        fixed(threshold),
        sizes.pairs_for_win_rate_anytime(rate, threshold, case.plan.alpha, case.power),
        judged,
        None if provable is None else f"at least {words.share(rate - _up(provable))}",
        _basis(case, "win_rate", "judged"),
        believed,
    )
    known = min(traffic.labels, judged)
    yield Need(
        "win_rate.labels",
        what,
        "people's labels",
        _labels(case, threshold, judged),
        None,
        known,
        None,
        _basis(case, "win_rate", "labels", "judge_correlation"),
        f"{believed}; the judge's scores correlate with theirs by {traffic.judge_correlation:g}",
    )


def _labels(case: _Sizing, threshold: float, judged: float) -> float:
    if judged < 1:
        return inf
    traffic = case.traffic
    return sizes.labels_for_win_rate(
        traffic.win_rate, threshold, traffic.judge_correlation, judged, case.alpha, case.power
    )


def _likeness(case: _Sizing, margin: float) -> Need:
    traffic = case.traffic
    asked = case.window.pairs * traffic.repeat_rate
    # Of the A/A pairs, beside which the candidate's are many: both means have an error.
    deviation = traffic.likeness_deviation * sqrt(1 + traffic.repeat_rate)

    def fixed(margin: float) -> float:
        return sizes.pairs_for_mean(deviation, margin, case.alpha, case.power)

    provable = _least(fixed, asked, margin, 1.0)
    return Need(
        "likeness",
        f"at most {margin:g} below the primary's own",
        "A/A pairs",
        fixed(margin),
        None,
        asked,
        None if provable is None else f"at most {_up(provable):.3g} below it",
        _basis(case, "likeness_deviation", "repeat_rate"),
        f"likeness spreads by {traffic.likeness_deviation:.2g};"
        f" {words.share(traffic.repeat_rate)} of the calls are asked of the primary again",
    )


def _segments(case: _Sizing, smallest: int, unknown: float) -> Need:
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
        _basis(case, "segments", "labelled_share"),
        f"{len(case.traffic.segments):,} segments; pairs with a ground truth count",
    )


def _cost(case: _Sizing, most: float) -> Need:
    traffic, pairs = case.traffic, case.window.pairs

    def fixed(most: float) -> float:
        n = sizes.pairs_for_cost_ratio(
            traffic.cost_ratio, most, traffic.cost_variation, case.alpha, case.power
        )
        return max(n, FEWEST_FOR_MEANS)

    provable = _least(fixed, pairs, most, 1000.0)
    return Need(
        "cost",
        f"at most {most:g}x, or a sign-off",
        "pairs",
        fixed(most),
        None,
        pairs,
        None if provable is None else f"at most {provable:.2f}x",
        _basis(case, "cost_ratio", "cost_variation"),
        f"the candidate costs {traffic.cost_ratio:.2f}x",
    )


def _basis(case: _Sizing, *names: str) -> str:
    labelled = [name for name in names if name in ("leaves", "null_leaves")]
    used = [name for name in names if name]
    return case.traffic.source("requests_per_day", *used, *(["labelled_share"] if labelled else []))


def _least(
    fixed: Callable[[float], float], yields: float, wanted: float, most: float
) -> float | None:
    """The least distance that the window proves; None where it proves what is wanted, or nothing.

    A larger one never needs more.
    """
    if fixed(wanted) <= yields or fixed(most) > yields:
        return None
    low, high = wanted, most
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if fixed(middle) <= yields else (middle, high)
    return high


def _up(value: float) -> float:
    """To two digits, and never below: what is shown can be proven."""
    if value <= 0:
        return value
    unit = 10.0 ** (floor(log10(value)) - 1)
    return ceil(value / unit - 1e-9) * unit
