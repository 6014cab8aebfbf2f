"""Confidence sequences: intervals that hold at all times at once, so that looking costs nothing.

Means are empirical-Bernstein: Howard et al., Annals of Statistics 49 (2021), theorem 4
(1810.08240), in the form of Choe & Ramdas, Comparing sequential forecasters, Operations Research 72
(2024), theorem 2 (2110.00115), which holds for means that change with time (Mondays differ): at
every count the interval is of the average, up to there, of what each value was expected to be. For
values that come in sessions, sum each session first and use `ratio_sequence`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shadow_mw.decide.stats import mixtures
from shadow_mw.decide.stats.interval import Floats, Interval, normal
from shadow_mw.decide.stats.roots import root
from shadow_mw.decide.stats.running import BAND, moments

V_OPT = 500.0
"""Sum of squared deviations at which a sequence is narrowest: 10,000 pairs at 5 % discordance.

It may not depend on the data. Ten times more or less makes an interval about a tenth wider.
"""
BURN = 100
"""Documents from which `ratio_sequence` takes how large a document is."""


def mean_sequence(
    values: npt.ArrayLike,
    low: float,
    high: float,
    alpha: float,
    at: Sequence[int],
    v_opt: float = V_OPT,
) -> list[Interval]:
    """The mean of the first `at` values, at each count; all intervals hold together at `alpha`.

    Args:
        values: shape (n,), in the order of time, each within [low, high] (known before the data).
        low: the least that a value can be.
        high: the most.
        alpha: two-sided level over all counts that there will ever be.
        at: counts, at most n.
        v_opt: see `V_OPT`; in units of half the range, squared.

    Returns:
        One interval for each count, within [low, high]; [low, high] at count 0.

    Raises:
        ValueError: a value outside the range or NaN, an empty range, or a count beyond n.
    """
    normal(alpha)
    if not low < high:
        raise ValueError(f"a range from {low} to {high}; accepted is low below high")
    v = np.asarray(values, float)
    half, middle = (high - low) / 2, (high + low) / 2
    unit = v if (half, middle) == (1, 0) else (v - middle) / half
    if len(v) and not (unit.min() >= -1 - 1e-9 and unit.max() <= 1 + 1e-9):
        raise ValueError(f"values lie outside [{low}, {high}] or are NaN")
    counts = checked_counts(at, len(v))
    sums = moments(unit, None, counts)
    reach = mean_reach(sums.squares, alpha, v_opt)
    found = {
        count: _within(low, high, middle + half * total / count, half * wide / count)
        for count, total, wide in zip(counts, sums.total, reach, strict=True)
        if count
    }
    return [found.get(count, Interval(min(max(0.0, low), high), low, high)) for count in at]


def mean_reach(squares: npt.ArrayLike, alpha: float, v_opt: float = V_OPT) -> Floats:
    """How far the sum of values in [-1, 1] may be from what was expected, two-sided."""
    return mixtures.boundary(squares, alpha / 2, v_opt, 1 + BAND)


def ratio_sequence(
    x: npt.ArrayLike,
    n: npt.ArrayLike,
    alpha: float,
    at: Sequence[int],
    most: float | None = None,
    v_opt: float = V_OPT,
) -> list[Interval]:
    """`sum(x) / sum(n)` over the first `at` documents (or sessions), at each count.

    The same empirical-Bernstein supermartingale on the deviations of `x` from `r * n`, r being the
    ratio before. Given the sizes, which the documents fix and not the models, it is of the average
    rate of the leaves up to there; rates may change with time and with the size.

    A deviation may be as large as the largest size, which nobody knows in advance. Without `most`
    the bound is the largest of the first 100 sizes at 0.9 alpha, twice that at 0.09 alpha, four
    times at 0.009 alpha, ...: at each count the least that no size so far exceeds (union bound,
    given the sizes). Before 100 documents nothing is said.

    Args:
        x: shape (m,), each within [-n, n]; in the order of time.
        n: shape (m,), sizes, at least 0.
        alpha: two-sided level over all counts.
        at: counts of documents, at most m.
        most: the largest size that there can be, if it is known before the data.
        v_opt: see `V_OPT`; in units of one leaf, squared.

    Returns:
        One interval within [-1, 1] for each count.

    Raises:
        ValueError: an x beyond its n, a size above `most`, or a count beyond m.
    """
    normal(alpha)
    xs, ns = checked_sizes(x, n, most)
    counts = [count for count in checked_counts(at, len(xs)) if most is not None or count >= BURN]
    sums = moments(xs, ns, counts)
    bounds = largest(ns, counts, most)
    found: dict[int, Interval] = {}
    for bound, level in sorted(set(bounds)):
        places = [p for p, own in enumerate(bounds) if own == (bound, level)]
        wide = mixtures.boundary(sums.squares[places], level * alpha / 2, v_opt, (1 + BAND) * bound)
        for place, reach in zip(places, wide, strict=True):
            size = float(sums.size[place])
            if size > 0:
                estimate = float(sums.total[place]) / size
                found[counts[place]] = _within(-1.0, 1.0, estimate, float(reach) / size)
    return [found.get(count) or Interval(_ratio(xs[:count], ns[:count]), -1.0, 1.0) for count in at]


def _ratio(xs: Floats, ns: Floats) -> float:
    size = float(ns.sum())
    return float(xs.sum()) / size if size else 0.0


def rate_sequence(successes: int, n: int, alpha: float) -> Interval:
    """A plain rate at `successes` of `n` so far, at any time: Robbins' beta-binomial mixture.

    Robbins, Statistical methods related to the law of the iterated logarithm, Annals of
    Mathematical Statistics 41 (1970); Howard et al. (2021), section 3. For a rate that stays the
    same; one that changes needs `mean_sequence` on the zeros and ones. [0, 1] where n is 0.

    Raises:
        ValueError: successes are not from 0 to n.
    """
    normal(alpha)
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n}: accepted is a count from 0 to all")
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    low, high = rate_bounds(np.array(float(successes)), np.array(float(n)), alpha)
    return Interval(successes / n, float(low), float(high))


def rate_bounds(k: Floats, n: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Both ends of `rate_sequence` for arrays; n above 0."""
    level, estimate = math.log(1 / alpha), k / n

    def short(p: Floats) -> Floats:
        return mixtures.beta_binomial(k, n, p) - level

    low = np.where(k > 0, root(short, np.zeros_like(estimate), estimate), 0.0)
    high = np.where(k < n, root(short, estimate, np.ones_like(estimate)), 1.0)
    return low, high


def checked_sizes(x: npt.ArrayLike, n: npt.ArrayLike, most: float | None) -> tuple[Floats, Floats]:
    """Both as floats; raises ValueError where an x is beyond its n, or a size above `most`."""
    xs, ns = np.asarray(x, float), np.asarray(n, float)
    if xs.shape != ns.shape or not (np.abs(xs) <= ns).all():
        raise ValueError("each x has an n, and lies within [-n, n]")
    if most is not None and len(ns) and ns.max() > most:
        raise ValueError(f"a size of {ns.max():g} is above the largest, {most:g}")
    return xs, ns


def checked_counts(at: Sequence[int], n: int) -> list[int]:
    """Each once, ascending; raises ValueError where one is not from 0 to n."""
    counts = sorted(set(at))
    if counts and not 0 <= counts[0] <= counts[-1] <= n:
        raise ValueError(f"counts {counts[0]} to {counts[-1]}: accepted are 0 to {n}")
    return counts


def _within(low: float, high: float, estimate: float, reach: float) -> Interval:
    estimate = min(max(float(estimate), low), high)
    return Interval(estimate, max(low, float(estimate - reach)), min(high, float(estimate + reach)))


def largest(n: Floats, counts: list[int], most: float | None) -> list[tuple[float, float]]:
    """For each count the bound of a size, and which part of alpha it has."""
    if most is not None:
        return [(most, 1.0)] * len(counts)
    if not counts:
        return []
    first = max(float(n[:BURN].max()), 1.0)
    found = []
    for count in counts:
        doubled = max(0, math.ceil(math.log2(max(float(n[:count].max()), 1.0) / first)))
        found.append((first * 2**doubled, 0.9 * 0.1**doubled))
    return found
