"""Sizes of the gates of values: latency, people's preferences, likeness, cost."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, sqrt

from shadow_mw.decide import words
from shadow_mw.decide.sizing import Need, Sizing, basis, least, rounded_up
from shadow_mw.decide.stats import sizes

FEWEST_FOR_MEANS = 30.0
"""Pairs below which a mean of costs is not near normal."""


def latency_need(case: Sizing, percent: int, ratio: float) -> Need:
    """Of a ratio of percentiles, if both legs are as fast."""
    spread, pairs = case.traffic.latency_spread, case.window.pairs

    def fixed(most: float) -> float:
        return sizes.pairs_for_quantile_ratio(percent, most, spread, 1.0, case.alpha, case.power)

    provable = least(lambda ratio: fixed(ratio) <= pairs, ratio, 100.0)
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
        basis(case, "latency_spread"),
        f"the legs are as fast, and logarithms of latency spread by {spread:.2f}",
    )


def win_rate_needs(case: Sizing, threshold: float) -> Iterator[Need]:
    """Of the pairs that a judge judges, and of people's labels that correct it."""
    traffic, rate = case.traffic, case.traffic.win_rate
    judged = min(traffic.judged, case.window.pairs)
    what = f"at least {words.share(threshold)}"
    believed = f"people prefer the candidate in {words.share(rate)}"

    def fixed(threshold: float) -> float:
        return sizes.pairs_for_win_rate(rate, threshold, case.alpha, case.power)

    provable = least(lambda distance: fixed(rate - distance) <= judged, rate - threshold, rate)
    yield Need(
        "win_rate",
        what,
        "judged pairs",
        fixed(threshold),
        sizes.pairs_for_win_rate_anytime(rate, threshold, case.plan.alpha, case.power),
        judged,
        None if provable is None else f"at least {words.share(rate - rounded_up(provable))}",
        basis(case, "win_rate", "judged"),
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
        basis(case, "win_rate", "labels", "judge_correlation"),
        f"{believed}; the judge's scores correlate with theirs by {traffic.judge_correlation:g}",
    )


def _labels(case: Sizing, threshold: float, judged: float) -> float:
    if judged < 1:
        return inf
    traffic = case.traffic
    return sizes.labels_for_win_rate(
        traffic.win_rate, threshold, traffic.judge_correlation, judged, case.alpha, case.power
    )


def likeness_need(case: Sizing, margin: float) -> Need:
    """Of the pairs of the primary with itself."""
    traffic = case.traffic
    asked = case.window.pairs * traffic.repeat_rate
    # Of the A/A pairs, beside which the candidate's are many: both means have an error.
    deviation = traffic.likeness_deviation * sqrt(1 + traffic.repeat_rate)

    def fixed(margin: float) -> float:
        return sizes.pairs_for_mean(deviation, margin, case.alpha, case.power)

    provable = least(lambda margin: fixed(margin) <= asked, margin, 1.0)
    return Need(
        "likeness",
        f"at most {margin:g} below the primary's own",
        "A/A pairs",
        fixed(margin),
        None,
        asked,
        None if provable is None else f"at most {rounded_up(provable):.3g} below it",
        basis(case, "likeness_deviation", "repeat_rate"),
        f"likeness spreads by {traffic.likeness_deviation:.2g};"
        f" {words.share(traffic.repeat_rate)} of the calls are asked of the primary again",
    )


def cost_need(case: Sizing, most: float) -> Need:
    """Of a ratio of costs."""
    traffic, pairs = case.traffic, case.window.pairs

    def fixed(most: float) -> float:
        n = sizes.pairs_for_cost_ratio(
            traffic.cost_ratio, most, traffic.cost_variation, case.alpha, case.power
        )
        return max(n, FEWEST_FOR_MEANS)

    provable = least(lambda most: fixed(most) <= pairs, most, 1000.0)
    return Need(
        "cost",
        f"at most {most:g}x, or a sign-off",
        "pairs",
        fixed(most),
        None,
        pairs,
        None if provable is None else f"at most {provable:.2f}x",
        basis(case, "cost_ratio", "cost_variation"),
        f"the candidate costs {traffic.cost_ratio:.2f}x",
    )
