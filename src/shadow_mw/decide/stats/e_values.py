"""Evidence that a ratio is above a margin: e-values, which many tests may share (`multiplicity`).

The inverse of `sequences.ratio_sequence`: the same empirical-Bernstein supermartingale (Howard et
al., Annals of Statistics 49 (2021), theorem 4; Choe & Ramdas, Operations Research 72 (2024)),
valued at the margin instead of solved for the ends of an interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shadow_mw.decide.stats import mixtures
from shadow_mw.decide.stats.running import BAND, moments
from shadow_mw.decide.stats.sequences import BURN, V_OPT, checked_counts, checked_sizes, largest

SHARPEST = 0.001
"""The level at which an e-value is about largest: that of one of 20 to 30 tests."""


def ratio_e_values(
    x: npt.ArrayLike,
    n: npt.ArrayLike,
    margin: float,
    at: Sequence[int],
    most: float | None = None,
    v_opt: float = V_OPT,
) -> list[float]:
    """How much speaks for `sum(x) / sum(n)` being above `margin` over the first `at` documents.

    Where it is expected to be at most `margin` at every count, the expectation is at most 1 at
    whatever time one stops, and no count exceeds 1 / alpha but with probability alpha. The largest
    size need not be known: the value is the supermartingale of the bound that is due, by the part
    of alpha that `ratio_sequence` gives this bound. Each is stopped before a size exceeds its
    bound, and the parts add up to 1 at most, so that the sum over all of them is a
    supermartingale too and never below the value.

    Args:
        x: shape (m,), each within [-n, n]; in the order of time. For "below", its negative.
        n: shape (m,), sizes, at least 0.
        margin: of the ratio.
        at: counts of documents, at most m.
        most: the largest size that there can be, if it is known before the data.
        v_opt: as of `ratio_sequence`.

    Returns:
        One value of at least 0 for each count, maybe infinite; 0 before 100 documents without
        `most`.

    Raises:
        ValueError: an x beyond its n, a size above `most`, or a count beyond m.
    """
    xs, ns = checked_sizes(x, n, most)
    counts = [count for count in checked_counts(at, len(xs)) if most is not None or count >= BURN]
    sums = moments(xs, ns, counts)
    excess, rho = sums.total - margin * sums.size, mixtures.best_rho(v_opt, SHARPEST)
    found = dict.fromkeys(at, 0.0 if most is None else 1.0)
    for place, (bound, part) in enumerate(largest(ns, counts, most)):
        scale = (1 + BAND) * bound
        log = mixtures.gamma_exponential(excess[place], sums.squares[place], rho, scale)
        with np.errstate(over="ignore"):
            found[counts[place]] = float(np.exp(log + math.log(part)))
    return [found[count] for count in at]
