"""Planned looks: how much of the level each may spend.

Lan & DeMets, Discrete sequential boundaries for clinical trials, Biometrika 70 (1983), with the
spending function that comes near O'Brien & Fleming, Biometrics 35 (1979). Each end of a two-sided
interval decides for itself, so each spends alpha / 2 on its own: of a fraction t of the data
4 - 4 Phi(z(alpha / 4) / sqrt(t)) of the two-sided level. The crossing probabilities are integrated
recursively over the increments: Armitage, McPherson & Rowe, Journal of the Royal Statistical
Society A 132 (1969).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide.stats.interval import Floats, normal

_POINTS = 2001
_FAR = 8.5


def obrien_fleming(fractions: Sequence[float], alpha: float = 0.05) -> tuple[float, ...]:
    """The nominal two-sided level of the interval at each look.

    Args:
        fractions: of the information at each look, ascending, above 0 and at most 1.
        alpha: two-sided level over all looks.

    Returns:
        One level for each look: (0.00305, 0.0490) for looks at a half and at the end, at 5 %.

    Raises:
        ValueError: fractions that do not ascend within (0, 1].
    """
    normal(alpha)
    times = [float(t) for t in fractions]
    if any(not a < b for a, b in zip([0.0, *times], times, strict=False)) or times[-1:] > [1.0]:
        raise ValueError(f"looks at {list(fractions)}: accepted are ascending shares up to 1")
    levels: list[float] = []
    spent = before = bound = 0.0
    path: tuple[Floats, Floats] | None = None
    for index, time in enumerate(times):
        if index:
            # Only where a look follows: it is nearly all of the work.
            path = _continue(path, times[index - 2] if index > 1 else 0.0, before, bound)
        target = _spend(time, alpha / 2)
        bound = _solve(path, before, time, target - spent)
        levels.append(2 * float(special.ndtr(-bound / math.sqrt(time))))
        spent, before = target, time
    return tuple(levels)


def _spend(time: float, alpha: float) -> float:
    return 2 * float(special.ndtr(special.ndtri(alpha / 2) / math.sqrt(time)))


def _crossing(
    path: tuple[Floats, Floats] | None, before: float, time: float, bound: float
) -> float:
    """P(over `bound` at `time` and never before), for a Brownian motion."""
    step = math.sqrt(time - before)
    if path is None:
        return float(special.ndtr(-bound / step))
    points, mass = path
    return float(mass @ special.ndtr((points - bound) / step))


def _solve(path: tuple[Floats, Floats] | None, before: float, time: float, target: float) -> float:
    low, high = -_FAR * math.sqrt(time), _FAR * math.sqrt(time)
    for _ in range(60):
        middle = (low + high) / 2
        if _crossing(path, before, time, middle) > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _continue(
    path: tuple[Floats, Floats] | None, before: float, time: float, bound: float
) -> tuple[Floats, Floats]:
    """Where the motion is at `time` while it has not crossed: points and their mass (Simpson)."""
    points = np.linspace(-_FAR * math.sqrt(time), bound, _POINTS)
    step = math.sqrt(time - before)
    if path is None:
        density = np.exp(-0.5 * (points / step) ** 2)
    else:
        density = np.exp(-0.5 * ((points[:, None] - path[0]) / step) ** 2) @ path[1]
    density /= step * math.sqrt(2 * math.pi)
    weights = np.full(_POINTS, 2.0)
    weights[1::2] = 4.0
    weights[[0, -1]] = 1.0
    return points, density * weights * (points[1] - points[0]) / 3
