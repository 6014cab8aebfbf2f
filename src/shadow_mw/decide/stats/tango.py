"""The difference of two paired rates, from the 2x2 table of both.

Tango, Equivalence test and confidence interval for the difference in proportions for the
paired-sample design, Statistics in Medicine 17 (1998), 891-908: score test, sections 2 and 3. It
needs no discordant pair to be honest. Its normal tail is too light where very few pairs are
discordant (one fault in 100 pairs "proves" 0.1 %), so there each end also holds the exact tail.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide.stats.interval import Floats, Interval, normal
from shadow_mw.decide.stats.roots import root

FEW = 50
"""Discordant pairs below which the exact tail counts too."""
_DOUBLINGS = 60


def tango(n: float, primary_only: float, candidate_only: float, alpha: float = 0.05) -> Interval:
    """The interval of `(candidate_only - primary_only) / n`; [-1, 1] where n is 0.

    Args:
        n: pairs.
        primary_only: pairs in which the primary alone has the fault (or the merit).
        candidate_only: the same of the candidate.
        alpha: two-sided level.

    Raises:
        ValueError: more discordant pairs than pairs, or counts below 0.
    """
    low, high = bounds(n, primary_only, candidate_only, alpha)
    estimate = (candidate_only - primary_only) / n if n else 0.0
    return Interval(estimate, float(low), float(high))


def bounds(
    n: npt.ArrayLike, primary_only: npt.ArrayLike, candidate_only: npt.ArrayLike, alpha: float
) -> tuple[Floats, Floats]:
    """Both ends for arrays of tables, which broadcast against one another."""
    n, y, x = _tables(n, primary_only, candidate_only)
    low, high = score_bounds(n, y, x, alpha)
    few = (x + y < FEW) & (n > 0)
    if few.any():
        rows = np.stack([np.round(n[few]), y[few], x[few], -low[few], high[few]], axis=-1)
        rows, which = np.unique(rows, axis=0, return_inverse=True)
        total, down, up, lowest, highest = rows.T
        high[few] = _exact_upper(total, down, up, highest, alpha)[which.ravel()]
        low[few] = -_exact_upper(total, up, down, lowest, alpha)[which.ravel()]
    return low, high


def score_bounds(
    n: npt.ArrayLike, primary_only: npt.ArrayLike, candidate_only: npt.ArrayLike, alpha: float
) -> tuple[Floats, Floats]:
    """Tango's interval as published, found where the score is +-z."""
    n, y, x = _tables(n, primary_only, candidate_only)
    z = normal(alpha)
    return np.array(-_score_upper(n, x, y, z)), np.array(_score_upper(n, y, x, z))


def tango_p(n: float, primary_only: float, candidate_only: float, margin: float) -> float:
    """One-sided p of "the candidate is worse than `margin`": small where that is proven.

    The null is `(candidate's rate - primary's rate) <= margin`; 1 where nothing speaks against it.
    The larger of the score test's and, under 50 discordant pairs, the exact tail's.

    Args:
        n: pairs.
        primary_only: pairs in which the primary alone has the fault.
        candidate_only: the same of the candidate.
        margin: in [-1, 1], as a fraction.
    """
    total, y, x = _tables(n, primary_only, candidate_only)
    if n == 0 or candidate_only - primary_only <= n * margin:
        return 1.0
    p = float(special.ndtr(-_score(total, y, x, np.asarray(margin))))
    if primary_only + candidate_only < FEW:
        # The tail of "as low", with the roles swapped.
        one = _tail(total[None], x[None], y[None], np.array([-margin]))
        p = max(p, float(one[0]))
    return p


def _tables(
    n: npt.ArrayLike, primary_only: npt.ArrayLike, candidate_only: npt.ArrayLike
) -> tuple[Floats, Floats, Floats]:
    tables = np.broadcast_arrays(*(np.asarray(v, float) for v in (n, primary_only, candidate_only)))
    total, y, x = (np.array(table) for table in tables)
    if (y < 0).any() or (x < 0).any() or (x + y > total * (1 + 1e-9)).any():
        raise ValueError("discordant pairs are at least 0 and at most all pairs")
    return total, y, x


def _nuisance(n: Floats, y: Floats, x: Floats, delta: Floats) -> Floats:
    """The primary-only rate that is likeliest where the difference is `delta` (equation 16)."""
    b = (2 * n - x + y) * delta - x - y
    c = -y * delta * (1 - delta)
    root = np.sqrt(np.maximum(b * b - 8 * n * c, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        # Of the two forms of the same root, the one that does not cancel.
        q = np.where(b > 0, -2 * c / (b + root), (root - b) / (4 * n))
    q = np.maximum(np.nan_to_num(q), np.maximum(0.0, -delta))
    return np.asarray(np.minimum(q, (1 - delta) / 2))


def _score(n: Floats, y: Floats, x: Floats, delta: Floats) -> Floats:
    """How many standard errors the difference lies above `delta`."""
    variance = n * (2 * _nuisance(n, y, x, delta) + delta * (1 - delta))
    above = x - y - n * delta
    with np.errstate(divide="ignore", invalid="ignore"):
        score = above / np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(np.where(above == 0, 0.0, score))


def _score_upper(n: Floats, y: Floats, x: Floats, z: float) -> Floats:
    low = np.where(n > 0, (x - y) / np.where(n > 0, n, 1), 1.0)
    return root(lambda delta: _score(n, y, x, delta) + z, low, np.ones_like(low))


def _exact_upper(n: Floats, y: Floats, x: Floats, least: Floats, alpha: float) -> Floats:
    """The largest difference, from `least`, where one as low as seen has alpha / 2 at least."""
    n = np.maximum(n, 1.0)
    step = np.minimum(np.maximum(least - (x - y) / n, 1 / n), 1.0)
    low, high = least, np.minimum(least + step, 1.0)
    for _ in range(_DOUBLINGS):
        short = (_tail(n, y, x, high) > alpha / 2) & (high < 1)
        if not short.any():
            break
        step = 2 * step
        low, high = np.where(short, high, low), np.where(short, np.minimum(high + step, 1.0), high)
    exact = root(lambda delta: _tail(n, y, x, delta) - alpha / 2, low, high)
    return np.asarray(np.where(_tail(n, y, x, least) > alpha / 2, exact, least))


def _tail(n: Floats, y: Floats, x: Floats, delta: Floats) -> Floats:
    """P(difference as low as seen) where it is `delta` and the other rate the likeliest.

    An estimated p-value (Lloyd, Australian & New Zealand Journal of Statistics 50 (2008), section
    2): multinomial, summed over the number of discordant pairs.
    """
    q = _nuisance(n, y, x, delta)
    p = np.clip(q + delta, 0.0, 1.0)
    share = np.minimum(p + q, 1.0)
    center, spread = n * share, np.sqrt(n * share * (1 - share))
    first = np.floor(np.maximum(center - 8 * spread - 10, 0.0))
    count = int(np.max(np.minimum(center + 8 * spread + 10, n) - first)) + 1
    discordant = first[:, None] + np.arange(count)
    total = np.broadcast_to(n[:, None], discordant.shape)
    known = discordant <= total
    discordant = np.minimum(discordant, total)
    weight = _binomial(discordant, total, share[:, None]) * known
    # X - Y <= d with X + Y = D is X <= (D + d) / 2.
    most = np.floor((discordant + np.ceil(x - y)[:, None]) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_candidate = np.where(share > 0, p / share, 0.0)[:, None]
    most = np.minimum(most, discordant)
    some = np.clip(most, 0, np.maximum(discordant - 1, 0))
    below = special.betaincc(some + 1, np.maximum(discordant - some, 1), of_candidate)
    below = np.where(most < 0, 0.0, np.where(most >= discordant, 1.0, below))
    return np.asarray((weight * below).sum(axis=1))


def _binomial(k: Floats, n: Floats, p: Floats) -> Floats:
    log = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.asarray(np.exp(log + special.xlogy(k, p) + special.xlog1py(n - k, -p)))
