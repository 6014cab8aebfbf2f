"""Means over pairs, clustered, and the difference of two means."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from shadow_mw.decide.stats.clusters import totals
from shadow_mw.decide.stats.interval import Codes, Floats, Interval, student, unseen
from shadow_mw.decide.stats.linear import linearise, reach, sparse


def mean(
    values: npt.ArrayLike,
    clusters: Codes | None = None,
    weights: Floats | None = None,
    alpha: float = 0.05,
) -> Interval:
    """The mean with a cluster-robust interval (Student's t on the clusters; see `linear`).

    Args:
        values: shape (n,), any unit.
        clusters: shape (n,), the same code for values that belong together, below 0 for values on
            their own; None: all are.
        weights: shape (n,), above 0: how many calls a value stands for.
        alpha: two-sided level.

    Returns:
        (-inf, inf) where fewer than two clusters or an infinite value leave nothing to say. Never
        narrower than what one unseen cluster could change.

    Raises:
        ValueError: lengths differ, or a value is NaN.
    """
    v = _checked(values)
    n = np.ones(len(v)) if weights is None else np.asarray(weights, float)
    x = v * n if weights is not None else v
    x, n = totals(clusters, x, n)
    found = linearise(x, n)
    if found is None:
        estimate = float(x.sum() / n.sum()) if len(v) else 0.0
        return Interval(estimate if math.isfinite(estimate) else 0.0, -math.inf, math.inf)
    half = reach(found, alpha)
    low, high = found.ratio - half, found.ratio + half
    rare = sparse(x, n, float(n.sum()) / len(v), alpha)
    if rare is not None:
        low, high = min(low, rare.low), max(high, rare.high)
    return Interval(found.ratio, low, high)


def design_effect(values: npt.ArrayLike, clusters: Codes | None) -> float:
    """How many times the variance of the mean grows by clustering; 1 where it cannot be told.

    Kish, Survey Sampling (1965), section 8.2: the variance over clusters by that over values.

    Args:
        values: shape (n,).
        clusters: shape (n,), as of `mean`.
    """
    v = _checked(values)
    ones = np.broadcast_to(1.0, len(v))
    alone = linearise(v, ones)
    x, n = totals(clusters, v, ones)
    together = linearise(x, n)
    if alone is None or together is None or alone.se == 0:
        return 1.0
    return (together.se / alone.se) ** 2


def welch(
    mean1: float,
    variance1: float,
    n1: int,
    mean2: float,
    variance2: float,
    n2: int,
    alpha: float = 0.05,
) -> Interval:
    """`mean1 - mean2` of two independent samples, from their means, variances and sizes.

    Welch, The generalization of Student's problem when several different population variances are
    involved, Biometrika 34 (1947). (-inf, inf) where a sample has fewer than two values; never
    narrower than one unseen value of distance 1 in the smaller sample.
    """
    estimate = mean1 - mean2 if n1 and n2 else 0.0
    if min(n1, n2) < 2:
        return Interval(estimate, -math.inf, math.inf)
    first, second = variance1 / n1, variance2 / n2
    half = 0.0
    if first + second > 0:
        df = (first + second) ** 2 / (first**2 / (n1 - 1) + second**2 / (n2 - 1))
        half = student(df, alpha) * math.sqrt(first + second)
    half = max(half, unseen(min(n1, n2), alpha))
    return Interval(estimate, estimate - half, estimate + half)


def _checked(values: npt.ArrayLike) -> Floats:
    v = np.asarray(values, float)
    if np.isnan(v).any():
        raise ValueError("a value is NaN; accepted are numbers")
    return v
