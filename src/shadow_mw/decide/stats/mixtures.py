"""Mixture supermartingales: what a confidence sequence is inverted from. Formulas, no data.

The gamma-exponential mixture: Howard, Ramdas, McAuliffe & Sekhon, Time-uniform, nonparametric,
nonasymptotic confidence sequences, Annals of Statistics 49 (2021), proposition 9 (1810.08240), as
in their confseq (MIT). The beta-binomial one: Robbins, Annals of Mathematical Statistics 41 (1970).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide.stats.interval import Floats
from shadow_mw.decide.stats.roots import root

_DOUBLINGS = 60


def gamma_exponential(s: npt.ArrayLike, v: npt.ArrayLike, rho: float, c: float) -> Floats:
    """The logarithm of the mixture at sum `s` and intrinsic time `v`, for scale `c`.

    Args:
        s: sums of deviations, any shape; below -v / c the mixture is taken for 0.
        v: sums of squared deviations, at least 0.
        rho: of the gamma density that mixes, from `best_rho`.
        c: no deviation is below -c.
    """
    scaled = rho / c**2
    leading = (
        special.xlogy(scaled, scaled)
        - special.gammaln(scaled)
        - math.log(special.gammainc(scaled, scaled))
    )
    shape = (np.asarray(v, float) + rho) / c**2
    rate = c * np.asarray(s, float) / c**2 + shape
    with np.errstate(divide="ignore", invalid="ignore"):
        log = (
            leading
            + special.gammaln(shape)
            + np.log(special.gammainc(shape, rate))
            - shape * np.log(rate)
            + rate
            - scaled
        )
    return np.asarray(np.where(rate > 0, log, -np.inf))


def best_rho(v_opt: float, alpha: float) -> float:
    """The rho whose one-sided boundary at `alpha` is about tightest at intrinsic time `v_opt`."""
    log = 2 * math.log(1 / (2 * alpha)) if alpha < 0.5 else 0.0
    return v_opt / (log + math.log(1 + log)) if log else v_opt


def boundary(v: npt.ArrayLike, alpha: float, v_opt: float, c: float) -> Floats:
    """What the sum of deviations exceeds at some time with probability `alpha` at most.

    Same shape as `v`. Sub-exponential of scale `c`, one-sided.
    """
    time = np.asarray(v, float)
    rho, level = best_rho(v_opt, alpha), math.log(1 / alpha)
    low = np.zeros_like(time)
    high = np.sqrt(2 * (time + rho) * level) + 2 * c * level + c
    for _ in range(_DOUBLINGS):
        short = gamma_exponential(high, time, rho, c) < level
        if not short.any():
            break
        high = np.where(short, 2 * high, high)
    return root(lambda s: gamma_exponential(s, time, rho, c) - level, low, high)


def beta_binomial(k: npt.ArrayLike, n: npt.ArrayLike, p: npt.ArrayLike) -> Floats:
    """The logarithm of the mixture over Beta(1/2, 1/2) at `k` of `n` where the rate is `p`."""
    k, n = np.asarray(k, float), np.asarray(n, float)
    log = special.betaln(0.5 + k, 0.5 + n - k) - special.betaln(0.5, 0.5)
    return np.asarray(log - special.xlogy(k, p) - special.xlog1py(n - k, -np.asarray(p, float)))


def above(k: npt.ArrayLike, n: npt.ArrayLike, p: float, prior: float) -> Floats:
    """The same over the rates above `p` only: a supermartingale where the rate is at most `p`.

    The prior is Beta(prior * p, prior * (1 - p)), cut at `p`.
    """
    k, n = np.asarray(k, float), np.asarray(n, float)
    a, b = prior * p, prior * (1 - p)
    with np.errstate(divide="ignore"):
        log = (
            special.betaln(a + k, b + n - k)
            + np.log(special.betaincc(a + k, b + n - k, p))
            - special.betaln(a, b)
            - np.log(special.betaincc(a, b, p))
        )
    return np.asarray(log - k * math.log(p) - (n - k) * math.log1p(-p))
