"""How many pairs each gate needs: what `shadow-mw plan` promises.

Alpha is two-sided as everywhere; a gate is decided by one end, at alpha / 2. Fixed sizes are those
of the test at the final look: (z(alpha / 2) + z(power))^2 * variance / distance^2 (Miller,
2411.00640, section 5, for evaluations of models; Chow, Shao & Wang, Sample Size Calculations in
Clinical Research (2008), chapter 3). Anytime sizes solve the confidence sequence's own boundary for
the count at which it has passed with the wanted power. All assume pairs that are independent:
multiply by the design effect where they come in clusters. An impossible size is infinite.
"""

from __future__ import annotations

import math

from shadow_mw.decide.stats.interval import normal
from shadow_mw.decide.stats.quantile_sizes import (
    pairs_for_quantile_ratio,
    pairs_for_quantile_ratio_anytime,
)
from shadow_mw.decide.stats.rate_sizes import (
    pairs_for_cap,
    pairs_for_rate,
    pairs_for_rate_anytime,
)
from shadow_mw.decide.stats.search import (
    anytime_size,
    check_power,
    check_shares,
    fixed_size,
    up,
    z,
)

__all__ = [
    "labels_for_win_rate",
    "pairs_for_cap",
    "pairs_for_cost_ratio",
    "pairs_for_likeness",
    "pairs_for_mean",
    "pairs_for_quantile_ratio",
    "pairs_for_quantile_ratio_anytime",
    "pairs_for_rate",
    "pairs_for_rate_anytime",
    "pairs_for_win_rate",
    "pairs_for_win_rate_anytime",
]


def pairs_for_win_rate(
    rate: float, threshold: float, alpha: float = 0.05, power: float = 0.9
) -> float:
    """Pairs to prove that a candidate that wins `rate` of them wins more than `threshold`.

    Fleiss, Levin & Paik, Statistical Methods for Rates and Proportions (2003), section 2.6.1. Ties
    count a half and make it fewer. For scores taken as they are: see `labels_for_win_rate`.
    """
    check_power(power)
    check_shares(rate=rate, threshold=threshold)
    if rate <= threshold:
        return math.inf
    null, other = math.sqrt(threshold * (1 - threshold)), math.sqrt(rate * (1 - rate))
    return up(((normal(alpha) * null + z(power) * other) / (rate - threshold)) ** 2)


def pairs_for_win_rate_anytime(
    rate: float, threshold: float, alpha: float = 0.05, power: float = 0.9
) -> float:
    """The same for the empirical-Bernstein sequence on scores in [0, 1]."""
    check_shares(rate=rate, threshold=threshold)
    # In units of half the range, as the sequence has it.
    return anytime_size(4 * rate * (1 - rate), 2 * (rate - threshold), alpha, power)


def labels_for_win_rate(
    rate: float,
    threshold: float,
    correlation: float,
    judged: float,
    alpha: float = 0.05,
    power: float = 0.9,
) -> float:
    """People's labels to prove a win rate by PPI++, with a judge that is right about so much.

    Angelopoulos, Duchi & Zrnic, 2311.01453, section 5: the variance of a win (at most rate *
    (1 - rate)) times (1 - correlation^2) / labels + correlation^2 / judged.

    Args:
        rate: that is believed in.
        threshold: that is to be exceeded.
        correlation: of the judge's scores with people's, 0 to 1.
        judged: pairs that the judge judges.
        alpha: two-sided level.
        power: the probability of proving it.

    Returns:
        At most `judged`; infinite where even all labelled do not prove it.
    """
    check_power(power)
    check_shares(rate=rate, threshold=threshold, correlation=correlation)
    if rate <= threshold:
        return math.inf
    wanted = ((rate - threshold) / (normal(alpha) + z(power))) ** 2 / (rate * (1 - rate))
    if wanted < 1 / judged:
        return math.inf
    rest = wanted - correlation**2 / judged
    return min(up((1 - correlation**2) / rest), math.floor(judged)) if rest > 0 else math.inf


def pairs_for_mean(
    deviation: float, margin: float, alpha: float = 0.05, power: float = 0.9
) -> float:
    """Pairs to prove a mean of paired differences with this standard deviation above -margin."""
    return fixed_size(deviation**2, margin, alpha, power)


def pairs_for_cost_ratio(
    ratio: float, most: float, variation: float, alpha: float = 0.05, power: float = 0.9
) -> float:
    """Pairs to prove the ratio of two costs below `most`, when it really is `ratio`.

    Args:
        ratio: that is believed in.
        most: that is to be stayed below.
        variation: standard deviation of `candidate / ratio - primary` by the primary's mean.
        alpha: two-sided level.
        power: the probability of proving it.
    """
    return fixed_size(variation**2, math.log(most / ratio), alpha, power)


def pairs_for_likeness(
    deviation: float,
    margin: float,
    floor: float,
    floor_deviation: float,
    alpha: float = 0.05,
    power: float = 0.9,
) -> float:
    """Pairs to prove a likeness no further than `margin` below that of `floor` A/A pairs.

    Welch's two samples; infinite where the A/A pairs are too few for any number of pairs.
    """
    check_power(power)
    rest = (margin / (normal(alpha) + z(power))) ** 2 - floor_deviation**2 / floor
    return up(max(deviation**2 / rest, 2)) if margin > 0 and rest > 0 else math.inf
