"""Exact intervals of shares, and the quantiles behind them; the only module that needs scipy."""

from __future__ import annotations

import math

from scipy import special  # type: ignore[import-untyped]

CONFIDENCE = 0.95

Interval = tuple[float, float]


def clopper_pearson(k: float, n: int, confidence: float = CONFIDENCE) -> Interval:
    """The exact two-sided interval of a share `k / n`; (0, 1) where n is 0.

    `k` may end in a half: of items whose score is 0, 0.5 or 1 a whole-numbered count has the widest
    spread, so that the interval is then too wide, never too narrow.
    """
    return lower_bound(k, n, (1 + confidence) / 2), upper_bound(k, n, (1 + confidence) / 2)


def lower_bound(k: float, n: int, confidence: float = CONFIDENCE) -> float:
    """The exact one-sided lower bound of a share `k / n`."""
    return float(special.betaincinv(k, n - k + 1, 1 - confidence)) if k > 0 else 0.0


def upper_bound(k: float, n: int, confidence: float = CONFIDENCE) -> float:
    """The exact one-sided upper bound of a share `k / n`."""
    return float(special.betaincinv(k + 1, n - k, confidence)) if k < n else 1.0


def student(df: float, confidence: float = CONFIDENCE) -> float:
    """How many standard errors a two-sided interval reaches to either side."""
    return float(special.stdtrit(df, (1 + confidence) / 2))


def normal(confidence: float = CONFIDENCE) -> float:
    """The same for a large sample."""
    return float(special.ndtri((1 + confidence) / 2))


def unseen(n: float, confidence: float = CONFIDENCE) -> float:
    """How frequent something may still be that did not happen once in `n` items."""
    return 1 - math.pow((1 - confidence) / 2, 1 / n)


def sign_test(ups: int, downs: int) -> float:
    """The exact two-sided p of McNemar's test: are the changes one-sided?"""
    n, fewer = ups + downs, min(ups, downs)
    tail = sum(math.comb(n, k) for k in range(fewer + 1))
    return min(1.0, 2 * tail / (1 << n))
