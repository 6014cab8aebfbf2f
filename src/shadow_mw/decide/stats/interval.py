"""An estimate between two ends, and the quantiles that intervals are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special  # type: ignore[import-untyped]

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a two-sided interval; `low <= estimate <= high`, an end may be infinite.

    Where nothing was seen the estimate is the neutral 0 (1 for a ratio) and the ends are as wide
    as the figure can be.
    """

    estimate: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """From end to end."""
        return self.high - self.low


def normal(alpha: float) -> float:
    """How many standard errors a two-sided interval at level `alpha` reaches to either side."""
    _check(alpha)
    return float(-special.ndtri(alpha / 2))


def student(df: float, alpha: float) -> float:
    """The same of Student's t with `df` > 0 degrees of freedom."""
    _check(alpha)
    return float(-special.stdtrit(df, alpha / 2))


def unseen(n: int, alpha: float) -> float:
    """How frequent something may be that did not happen in `n` independent trials.

    log(2 / alpha) / n, at most 1: 3.7 / n at 5 % two-sided. Hanley & Lippman-Hand, If nothing goes
    wrong, is everything all right?, JAMA 249 (1983); theirs is one-sided, the "rule of three".
    """
    _check(alpha)
    return min(1.0, math.log(2 / alpha) / n) if n else 1.0


def _check(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha!r}; accepted is a level between 0 and 1")
