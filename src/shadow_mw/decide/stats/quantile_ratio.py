"""The ratio of a percentile of both legs, from order statistics alone.

The ends of a percentile's interval are values at binomial ranks, whatever the distribution: David &
Nagaraja, Order Statistics (2003), section 7.1. Calls that failed are infinite, and are not dropped.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide.stats.clusters import totals
from shadow_mw.decide.stats.interval import Codes, Floats, Interval, normal
from shadow_mw.decide.stats.means import design_effect


def quantile_ratio(
    primary: npt.ArrayLike,
    candidate: npt.ArrayLike,
    percent: float,
    alpha: float = 0.05,
    clusters: Codes | None = None,
) -> Interval:
    """The candidate's percentile by the primary's, without a model of either.

    Each leg has its interval at alpha / 2 (two-sided), so that both hold together at alpha whatever
    they have to do with one another (Bonferroni).

    Args:
        primary: shape (n,), milliseconds, above 0, infinite where the call failed.
        candidate: shape (m,), the same.
        percent: of the percentile, between 0 and 100.
        alpha: two-sided level.
        clusters: shape (n,) = (m,), as of `means.mean`; with them both legs count for as many calls
            as the design effect of "above the percentile" leaves (Woodruff, Journal of the American
            Statistical Association 47 (1952)).

    Returns:
        Within [0, inf]; an end that too few values or too many failures hide is 0 or inf. The
        estimate is 1 where both percentiles are infinite or nothing was seen.

    Raises:
        ValueError: a value is NaN or below 0, or percent is not between 0 and 100.
    """
    p, c = checked(primary, percent), checked(candidate, percent)
    of_primary = _percentile(p, percent, alpha / 2, clusters)
    of_candidate = _percentile(c, percent, alpha / 2, clusters)
    return divided(of_candidate, of_primary)


def ranks(n: int, percent: float, alpha: float) -> tuple[int, int]:
    """The order statistics (1 to n) that hold the percentile; 0 or n + 1 where none does.

    `alpha` is the two-sided level, half of it at each end.
    """
    p, tail = percent / 100, alpha / 2
    z = normal(alpha)
    around = z * math.sqrt(n * p * (1 - p)) + z * z + 10
    first, last = max(0, math.floor(n * p - around)), min(n, math.ceil(n * p + around))
    counts = np.arange(first, last + 1)
    below = special.bdtr(counts.astype(float), n, p)
    low = first + int(np.count_nonzero(below <= tail))
    high = first + int(np.count_nonzero(1 - below > tail)) + 1
    return low, high


def checked(values: npt.ArrayLike, percent: float) -> Floats:
    """The values as floats, refused where they make no sense as latencies."""
    if not 0 < percent < 100:
        raise ValueError(f"percent is {percent}; accepted is between 0 and 100")
    v = np.asarray(values, float)
    if not (v >= 0).all():
        raise ValueError("accepted are latencies of at least 0, none of them NaN")
    return v


def ordered(v: Floats, *wanted: int) -> list[float]:
    """The order statistics at ranks from 1; 0 for rank 0, infinite beyond the last."""
    inside = sorted({rank - 1 for rank in wanted if 1 <= rank <= len(v)})
    parts = np.partition(v, inside) if inside else v
    return [
        0.0 if rank < 1 else math.inf if rank > len(v) else float(parts[rank - 1])
        for rank in wanted
    ]


def divided(candidate: Interval, primary: Interval) -> Interval:
    """The interval of a ratio whose parts lie in theirs; what cannot be told is 0 and inf."""
    low = _over(candidate.low, primary.high, 0.0)
    high = _over(candidate.high, primary.low, math.inf)
    estimate = _over(candidate.estimate, primary.estimate, 1.0)
    return Interval(min(max(estimate, low), high), low, high)


def _over(above: float, below: float, unknown: float) -> float:
    if math.isinf(above):
        return unknown if math.isinf(below) else math.inf
    return above / below if below > 0 else unknown


def independent(v: Floats, percent: float, clusters: Codes) -> tuple[int, int]:
    """As how many independent values these count near the percentile, and how many clusters."""
    n = len(v)
    (estimate,) = ordered(v, max(1, math.ceil(n * percent / 100)))
    groups = len(totals(clusters, np.ones(n))[0])
    effect = max(1.0, design_effect((v > estimate).astype(float), clusters))
    return max(1, min(n, math.floor(n / effect), n if groups > 1 else 1)), groups


def stretched(low: float, high: float, worth: int, n: int) -> tuple[int, int]:
    """Ranks of so many values, as those of n."""
    first = math.floor(low / worth * n) if low > 0 else 0
    last = math.ceil(high / worth * n) if high <= worth else n + 1
    return first, last


def _percentile(v: Floats, percent: float, alpha: float, clusters: Codes | None) -> Interval:
    n = len(v)
    if n == 0:
        return Interval(math.inf, 0.0, math.inf)
    middle = max(1, math.ceil(n * percent / 100))
    if clusters is None:
        low, high = ranks(n, percent, alpha)
    else:
        worth = independent(v, percent, clusters)[0]
        low, high = stretched(*ranks(worth, percent, alpha), worth, n)
    first, estimate, last = ordered(v, low, middle, high)
    return Interval(estimate, first, last)
