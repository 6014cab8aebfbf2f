"""A ratio of two sums over independent clusters: the core of means, rates and cost ratios.

The variance is that of the linearised terms `x - r * n`, summed by cluster: Cochran, Sampling
Techniques (1977), section 6.3 (ratios), and Liang & Zeger, Biometrika 73 (1986) (robust over
clusters), with G / (G - 1) and Student's t on G - 1 degrees of freedom for G clusters.

Two things that this gets wrong are mended, both towards wider intervals:

- Clusters that all say the same have no variance and still prove little. No half-width is below
  that of one unseen cluster, log(2 / alpha) / G times the largest value seen (1 where all are 0).
- Rare differences are not normal. Where less than half of the clusters differ from 0 and no
  cluster can count for more than its `n`, each end also holds that of Tango's interval on as many
  pairs and discordant pairs as the clusters are worth: with jumps of k = sum c^2 / sum |c| at once,
  sum n / k pairs of which sum c+ / k and sum c- / k are discordant. This has the linearised
  variance, and the score interval's care for few events. k starts from one jump of a mean cluster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from shadow_mw.decide.stats.interval import Floats, Interval, student, unseen
from shadow_mw.decide.stats.tango import tango


@dataclass(frozen=True, slots=True)
class Linear:
    """A ratio over clusters, before a level is chosen."""

    ratio: float
    se: float
    """Standard error, linearised."""
    clusters: int
    largest: float
    """What the largest cluster says, in units of a mean one."""


def linearise(x: Floats, n: Floats) -> Linear | None:
    """Of sums `x` and sizes `n`, one a cluster; None where fewer than two clusters have a size."""
    used = (n > 0) | (x != 0)
    x, n = (x, n) if used.all() else (x[used], n[used])
    size, count = float(n.sum()), len(n)
    if count < 2 or not size > 0:
        return None
    most = max(float(x.max()), -float(x.min()))
    if not math.isfinite(most * count):
        return None
    ratio = float(x.sum()) / size
    terms = ratio * n
    np.subtract(x, terms, out=terms)
    se = math.sqrt(count / (count - 1) * float(terms @ terms)) / size
    largest = most * count / size
    return Linear(ratio, se, count, largest)


def reach(found: Linear, alpha: float) -> float:
    """The half-width of the interval of `found`."""
    half = student(found.clusters - 1, alpha) * found.se
    return max(half, unseen(found.clusters, alpha) * (found.largest or 1.0))


def sparse(x: Floats, n: Floats, unit: float, alpha: float) -> Interval | None:
    """Tango's interval on effective counts; None where differences are not rare.

    Args:
        x: sums of differences by cluster.
        n: sizes, `abs(x) <= n`.
        unit: how much one difference counts: the mean weight.
        alpha: two-sided level.
    """
    if 2 * np.count_nonzero(x) > len(x) or (np.abs(x) > n * (1 + 1e-9)).any():
        return None
    up, down = float(x[x > 0].sum()), float(-x[x < 0].sum())
    size = float(n.sum())
    square = float(x @ x) + unit * size / len(n)
    jump = square / (up + down + unit)
    return tango(size / jump, down / jump, up / jump, alpha)
