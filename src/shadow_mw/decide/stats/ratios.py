"""Ratios of sums: rates over leaves of documents, and costs."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from shadow_mw.decide.stats.clusters import totals
from shadow_mw.decide.stats.interval import Codes, Floats, Interval, student, unseen
from shadow_mw.decide.stats.linear import linearise, reach, sparse


def ratio_of_sums(
    x: npt.ArrayLike,
    n: npt.ArrayLike,
    clusters: Codes | None = None,
    weights: Floats | None = None,
    alpha: float = 0.05,
) -> Interval:
    """`sum(x) / sum(n)`, linearised, cluster-robust (see `linear`).

    For hallucinations `x` is the candidate's minus the primary's in a document and `n` its leaves
    whose truth is null.

    Args:
        x: shape (m,), counts.
        n: shape (m,), at least 0; documents of size 0 say nothing and are left out.
        clusters: shape (m,), as of `means.mean`.
        weights: shape (m,), above 0.
        alpha: two-sided level.

    Returns:
        Within [-1, 1] where no `x` exceeds its `n` (a rate), else within (-inf, inf); that whole
        range where fewer than two clusters have a size.

    Raises:
        ValueError: lengths differ, a size is below 0, or a number is NaN.
    """
    xs, ns = np.asarray(x, float), np.asarray(n, float)
    if np.isnan(xs).any() or not (ns >= 0).all():
        raise ValueError("accepted are counts and sizes of at least 0, none of them NaN")
    rate = bool((np.abs(xs) <= ns).all())
    if weights is None:
        xs, ns = totals(clusters, xs, ns)
        unit = 1.0
    else:
        w = np.asarray(weights, float)
        size = float(ns.sum())
        xs, ns = totals(clusters, xs * w, ns * w)
        unit = float(ns.sum()) / size if size else 1.0
    widest = 1.0 if rate else math.inf
    found = linearise(xs, ns)
    if found is None:
        estimate = float(xs.sum() / ns.sum()) if ns.sum() > 0 else 0.0
        return Interval(estimate if math.isfinite(estimate) else 0.0, -widest, widest)
    half = reach(found, alpha)
    low, high = found.ratio - half, found.ratio + half
    rare = sparse(xs[ns > 0], ns[ns > 0], unit, alpha) if rate else None
    if rare is not None:
        low, high = min(low, rare.low), max(high, rare.high)
    return Interval(found.ratio, max(low, -widest), min(high, widest))


def cost_ratio(
    primary: npt.ArrayLike,
    candidate: npt.ArrayLike,
    clusters: Codes | None = None,
    alpha: float = 0.05,
) -> Interval:
    """`sum(candidate) / sum(primary)` of paired costs, by the delta method on its logarithm.

    The standard error is that of the linearised ratio over clusters (see `linear`), divided by the
    ratio: symmetric in both legs and never below 0. Never narrower than one unseen cluster.

    Args:
        primary: shape (n,), at least 0, any currency.
        candidate: shape (n,), the same calls.
        clusters: shape (n,), as of `means.mean`.
        alpha: two-sided level.

    Returns:
        (0, inf) where fewer than two clusters or costs of 0 leave nothing to say.

    Raises:
        ValueError: lengths differ, or a cost is negative or NaN.
    """
    p, c = np.asarray(primary, float), np.asarray(candidate, float)
    if not (p >= 0).all() or not (c >= 0).all():
        raise ValueError("accepted are costs of at least 0, none of them NaN")
    p, c = totals(clusters, p, c)
    found = linearise(c, p)
    if found is None or found.ratio == 0:
        estimate = float(c.sum() / p.sum()) if 0 < p.sum() < math.inf else 1.0
        return Interval(estimate if math.isfinite(estimate) else 1.0, 0.0, math.inf)
    half = student(found.clusters - 1, alpha) * found.se / found.ratio
    half = max(half, unseen(found.clusters, alpha))
    if half > 700:
        return Interval(found.ratio, 0.0, math.inf)
    return Interval(found.ratio, found.ratio * math.exp(-half), found.ratio * math.exp(half))
