"""What sizes are searched and checked with."""

from __future__ import annotations

import math
from collections.abc import Callable

from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide.stats.interval import normal
from shadow_mw.decide.stats.sequences import V_OPT, mean_reach

_MOST = 1e12


def least(passes: Callable[[float], bool], start: float) -> float:
    """The least count that passes, where more always passes too."""
    high = max(2.0, start)
    while not passes(high):
        high *= 2
        if high > _MOST:
            return math.inf
    low = high / 2
    while high - low > max(1.0, 1e-7 * high):
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return up(high)


def up(n: float) -> float:
    """Whole pairs, at least one."""
    return float(max(1, math.ceil(n - 1e-9)))


def z(power: float) -> float:
    """Standard errors that a probability leaves."""
    return float(special.ndtri(power))


def check_power(power: float) -> None:
    """Raises ValueError where it is no probability."""
    if not 0 < power < 1:
        raise ValueError(f"power is {power}; accepted is between 0 and 1")


def check_shares(**shares: float) -> None:
    """Raises ValueError where one is not from 0 to 1."""
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"{name} is {share}; accepted is a share from 0 to 1")


def fixed_size(variance: float, distance: float, alpha: float, power: float) -> float:
    """Of a mean that is normal, at one look."""
    check_power(power)
    reach = normal(alpha) + z(power)
    if distance <= 0:
        return math.inf
    if variance == 0:
        # Nothing differs, and that too has to be seen often enough.
        return up(normal(alpha) ** 2 * (1 / distance - 1)) if distance < 1 else 1.0
    return up(reach**2 * variance / distance**2)


def anytime_size(variance: float, distance: float, alpha: float, power: float) -> float:
    """Of a mean of values in [-1, 1], by the empirical-Bernstein sequence."""
    check_power(power)

    def passes(n: float) -> bool:
        bound = float(mean_reach(variance * n, alpha, V_OPT))
        return bound + z(power) * math.sqrt(variance * n) <= distance * n

    return least(passes, 1.0)
