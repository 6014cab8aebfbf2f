"""The ratio of a percentile of both legs, at all times at once.

Howard & Ramdas, Sequential estimation of quantiles with applications to A/B testing and best-arm
identification, Bernoulli 28 (2022), theorem 1 and section 3 (1906.09712): how many values lie below
a fixed quantile is a count of Bernoulli trials, so that a time-uniform bound of such a count gives
the ranks whose values hold the quantile. Here the bound is the one-sided beta-binomial mixture,
which also holds for ties and infinite values. For latencies whose distribution stays the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shadow_mw.decide.stats import mixtures
from shadow_mw.decide.stats.interval import Codes, Floats, Interval, normal
from shadow_mw.decide.stats.quantile_ratio import (
    checked,
    divided,
    independent,
    ordered,
    stretched,
)

PRIOR = 1000.0
"""How sharp the mixture is around the percentile: tightest at some 10,000 values."""
BURN = 100
"""Clusters from which a design effect is believed."""


def quantile_ratio_sequence(
    primary: npt.ArrayLike,
    candidate: npt.ArrayLike,
    percent: float,
    alpha: float,
    at: Sequence[int],
    clusters: Codes | None = None,
) -> list[Interval]:
    """The candidate's percentile by the primary's, over the first `at` calls, at each count.

    Args:
        primary: shape (n,), milliseconds in the order of time, infinite where the call failed.
        candidate: shape (n,), the same.
        percent: of the percentile, between 0 and 100.
        alpha: two-sided level over all counts; each leg has half of it.
        at: counts, at most n.
        clusters: shape (n,) = (m,), as of `means.mean`; with them both legs count for as many calls
            as the design effect of "above the percentile" leaves. That is estimated, so that the
            sequence is asymptotic: before 100 clusters nothing is said.

    Returns:
        One interval within [0, inf] for each count, as of `quantile_ratio`.

    Raises:
        ValueError: a value is NaN or below 0, percent is not between 0 and 100, or a count is
            beyond n.
    """
    normal(alpha)
    p, c = checked(primary, percent), checked(candidate, percent)
    if any(not 0 <= count <= min(len(p), len(c)) for count in at):
        raise ValueError(f"counts {list(at)}: accepted are 0 to {min(len(p), len(c))}")
    if clusters is not None:
        return [
            divided(
                _clustered(c[:count], percent, alpha / 2, clusters[:count]),
                _clustered(p[:count], percent, alpha / 2, clusters[:count]),
            )
            for count in at
        ]
    low, high = sequence_ranks(np.asarray(at, float), percent, alpha / 2)
    return [
        divided(
            _percentile(c[:count], percent, int(first), int(last)),
            _percentile(p[:count], percent, int(first), int(last)),
        )
        for count, first, last in zip(at, low, high, strict=True)
    ]


def sequence_ranks(n: Floats, percent: float, alpha: float) -> tuple[Floats, Floats]:
    """The order statistics (1 to n) that hold the percentile; 0 or n + 1 where none does.

    Args:
        n: counts, any shape.
        percent: of the percentile.
        alpha: two-sided level, half of it at each end.
    """
    p = percent / 100
    high = _fewest(n, p, alpha / 2)
    # Too few below is too many at or above.
    low = n - _fewest(n, 1 - p, alpha / 2) + 1
    return np.maximum(low, 0.0), high


def _fewest(n: Floats, p: float, alpha: float) -> Floats:
    """The least count of `n` that proves a rate above `p`; n + 1 where none does."""
    level = math.log(1 / alpha)
    low, high = np.floor(n * p), n + 1
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        proven = mixtures.above(np.minimum(middle, n), n, p, PRIOR) >= level
        low, high = np.where(proven, low, middle), np.where(proven, middle, high)
    return np.asarray(high)


def _clustered(v: Floats, percent: float, alpha: float, clusters: Codes) -> Interval:
    if not len(v):
        return Interval(math.inf, 0.0, math.inf)
    worth, groups = independent(v, percent, clusters)
    if groups < BURN:
        return _percentile(v, percent, 0, len(v) + 1)
    low, high = sequence_ranks(np.array([float(worth)]), percent, alpha)
    return _percentile(v, percent, *stretched(float(low[0]), float(high[0]), worth, len(v)))


def _percentile(v: Floats, percent: float, low: int, high: int) -> Interval:
    if not len(v):
        return Interval(math.inf, 0.0, math.inf)
    first, estimate, last = ordered(v, low, max(1, math.ceil(len(v) * percent / 100)), high)
    return Interval(estimate, first, last)
