"""Intervals of one rate."""

from __future__ import annotations

import math

from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide.stats.interval import Interval, normal


def clopper_pearson(k: int, n: int, alpha: float = 0.05) -> Interval:
    """The exact interval of `k / n`; [0, 1] where n is 0.

    Clopper & Pearson, The use of confidence or fiducial limits illustrated in the case of the
    binomial, Biometrika 26 (1934).

    Raises:
        ValueError: k is not from 0 to n.
    """
    _check(k, n)
    normal(alpha)
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    low = float(special.betaincinv(k, n - k + 1, alpha / 2)) if k > 0 else 0.0
    high = float(special.betaincinv(k + 1, n - k, 1 - alpha / 2)) if k < n else 1.0
    return Interval(k / n, low, high)


def wilson(k: int, n: int, alpha: float = 0.05) -> Interval:
    """The score interval of `k / n`; [0, 1] where n is 0.

    Wilson, Probable inference, the law of succession, and statistical inference, Journal of the
    American Statistical Association 22 (1927).

    Raises:
        ValueError: k is not from 0 to n.
    """
    _check(k, n)
    z = normal(alpha)
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    p, square = k / n, z * z / n
    center = (p + square / 2) / (1 + square)
    half = z * math.sqrt(p * (1 - p) / n + square / (4 * n)) / (1 + square)
    return Interval(p, min(max(0.0, center - half), p), max(min(1.0, center + half), p))


def _check(k: int, n: int) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n}: accepted is a count from 0 to all")
