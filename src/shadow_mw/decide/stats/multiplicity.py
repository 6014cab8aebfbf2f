"""Many tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float], alpha: float) -> list[bool]:
    """Which of the hypotheses fall with a family-wise error of `alpha`, under any dependence.

    Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of
    Statistics 6 (1979).
    """
    falls = [False] * len(p)
    for rank, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if not p[index] <= alpha / (len(p) - rank):
            break
        falls[index] = True
    return falls


def e_bh(e: Sequence[float], alpha: float) -> list[bool]:
    """Which of the hypotheses fall with a false discovery rate of `alpha`, under any dependence.

    Wang & Ramdas, False discovery rate control with e-values, Journal of the Royal Statistical
    Society B 84 (2022), section 3 (2009.02824). For e-values at one time, not for their running
    maxima.

    Args:
        e: e-values, at least 0; their expectation under the null is at most 1.
        alpha: the rate.
    """
    values = np.asarray(e, float)
    ordered = np.sort(values)[::-1]
    ranks = np.arange(1, len(values) + 1)
    passing = np.flatnonzero(ranks * ordered >= len(values) / alpha)
    least = ordered[passing[-1]] if len(passing) else np.inf
    return [bool(value >= least and len(passing)) for value in values]
