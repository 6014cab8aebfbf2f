"""How many pairs rates need: a difference of two, and a cap on one; exact where few differ."""

from __future__ import annotations

import math

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide.stats.search import (
    anytime_size,
    check_power,
    check_shares,
    fixed_size,
    least,
)
from shadow_mw.decide.stats.tango import FEW, tango_p


def pairs_for_rate(
    discordance: float, margin: float, alpha: float = 0.05, power: float = 0.9, true: float = 0.0
) -> float:
    """Pairs to prove a fault at most `margin` more frequent, when it really is `true`.

    Args:
        discordance: share of pairs on which the legs differ (candidate only plus primary only).
        margin: as a fraction.
        alpha: two-sided level.
        power: the probability of proving it.
        true: the difference of the rates that is believed in.

    Raises:
        ValueError: a share outside its range.
    """
    n = fixed_size(_difference_variance(discordance, true), margin - true, alpha, power)
    if not 0 < n * discordance < FEW:
        return n
    return least(lambda count: _exact_power(count, discordance, margin, alpha, true) >= power, n)


def pairs_for_rate_anytime(
    discordance: float, margin: float, alpha: float = 0.05, power: float = 0.9, true: float = 0.0
) -> float:
    """The same for the empirical-Bernstein sequence on differences in [-1, 1]."""
    variance = _difference_variance(discordance, true)
    return anytime_size(variance, margin - true, alpha, power)


def pairs_for_cap(rate: float, cap: float, alpha: float = 0.05, power: float = 0.9) -> float:
    """Units to prove a rate at most `cap`, when it really is `rate`.

    By the interval that decides (Clopper & Pearson, Biometrika 26 (1934)), from its own power.

    Raises:
        ValueError: a share outside its range.
    """
    check_shares(rate=rate, cap=cap)
    check_power(power)
    if rate >= cap:
        return math.inf
    return least(lambda n: _cap_power(n, rate, cap, alpha) >= power, 1 / cap)


def _cap_power(n: float, rate: float, cap: float, alpha: float) -> float:
    """P(k) of the largest k that passes, which has at most alpha / 2 at the cap."""
    n = math.floor(n)
    passing, failing = -1, n
    while failing - passing > 1:
        k = (passing + failing) // 2
        low_enough = special.bdtr(k, n, cap) <= alpha / 2
        passing, failing = (k, failing) if low_enough else (passing, k)
    return float(special.bdtr(passing, n, rate)) if passing >= 0 else 0.0


def _difference_variance(discordance: float, true: float) -> float:
    check_shares(discordance=discordance)
    if abs(true) > discordance:
        raise ValueError(f"a difference of {true} with {discordance} discordant pairs")
    return discordance - true**2


def _exact_power(n: float, discordance: float, margin: float, alpha: float, true: float) -> float:
    """Of Tango's interval where few pairs are discordant: the normal one is too light there.

    P(X - Y <= d), both Poisson, for the largest d that passes with as many discordant pairs as are
    to be expected.
    """
    total = n * discordance
    passing, failing = -math.floor(total) - 1, math.ceil(n * margin)
    while failing - passing > 1:
        excess = (passing + failing) // 2
        pairs = max(total, abs(excess))
        # The end of the interval is below the margin where the test of the other side rejects.
        p = tango_p(round(n), (pairs + excess) / 2, (pairs - excess) / 2, -margin)
        passing, failing = (excess, failing) if p < alpha / 2 else (passing, excess)
    counts = np.arange(4.0 * FEW)
    own, other = ((discordance + sign * true) * n / 2 for sign in (1, -1))
    weight = np.exp(special.xlogy(counts, other) - other - special.gammaln(counts + 1))
    most = counts + passing
    below = np.where(most < 0, 0.0, special.pdtr(np.maximum(most, 0), own))
    return float(weight @ below)
