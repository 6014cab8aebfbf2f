"""How many calls the ratio of a percentile needs, at a look and by its sequence."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide.stats.quantile_ratio import ranks
from shadow_mw.decide.stats.quantile_sequences import sequence_ranks
from shadow_mw.decide.stats.search import check_power, least, z


def pairs_for_quantile_ratio(
    percent: float,
    most: float,
    spread: float,
    ratio: float = 1.0,
    alpha: float = 0.05,
    power: float = 0.9,
    failures: float = 0.0,
) -> float:
    """Calls to prove a ratio of percentiles below `most` by order statistics of both legs.

    For log-normal latencies with unrelated noise (the worst that pairing gives), with the ranks
    that `quantile_ratio` takes and the standard error of those order statistics (David & Nagaraja,
    Order Statistics (2003), section 10.2).

    Args:
        percent: of the percentile.
        most: ratio that is to be stayed below.
        spread: standard deviation of the logarithm of one latency.
        ratio: that is believed in.
        alpha: two-sided level.
        power: the probability of proving it.
        failures: share of the candidate's calls that fail, and are infinite.
    """

    def held(n: float) -> tuple[float, float]:
        low, high = ranks(math.floor(n), percent, alpha / 2)
        return float(low), float(high)

    return _quantiles(held, percent, math.log(most / ratio) / spread, power, failures)


def pairs_for_quantile_ratio_anytime(
    percent: float,
    most: float,
    spread: float,
    ratio: float = 1.0,
    alpha: float = 0.05,
    power: float = 0.9,
    failures: float = 0.0,
) -> float:
    """The same for `quantile_ratio_sequence`."""

    def held(n: float) -> tuple[float, float]:
        low, high = sequence_ranks(np.array([math.floor(n)]), percent, alpha / 2)
        return float(low[0]), float(high[0])

    return _quantiles(held, percent, math.log(most / ratio) / spread, power, failures)


def _quantiles(
    held: Callable[[float], tuple[float, float]],
    percent: float,
    distance: float,
    power: float,
    failures: float,
) -> float:
    """The least count whose ranks `held` are nearer than `distance`, in units of the spread."""
    check_power(power)
    p, whole = percent / 100, 1 - failures
    if distance <= 0 or p >= whole:
        return math.inf

    def passes(n: float) -> bool:
        low, high = (rank / (n + 1) for rank in held(n))
        if low <= 0 or high >= whole:
            return False
        top, bottom = special.ndtri([high / whole, low])
        reach = top - special.ndtri(p / whole) + special.ndtri(p) - bottom
        noise = math.hypot(_error(high, top) / whole, _error(low, bottom))
        return bool(reach + z(power) * noise / math.sqrt(n) <= distance)

    return least(passes, 1 / (p * (1 - p)))


def _error(share: float, at: float) -> float:
    """Of an order statistic of normal values, times the root of their number."""
    return math.sqrt(share * (1 - share)) / (math.exp(-at * at / 2) / math.sqrt(2 * math.pi))
