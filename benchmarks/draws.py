"""Seeded draws whose figures come out as asked: by quota and by strata, not left to chance."""

from __future__ import annotations

import random
from math import exp, log
from statistics import NormalDist

_NORMAL = NormalDist()
_Z99 = _NORMAL.inv_cdf(0.99)
STRATA = 1000


class Quota:
    """Says yes to a share of what it is asked, at random places: over any stretch +-1."""

    def __init__(self, share: float, rng: random.Random) -> None:
        self._share, self._rng = share, rng
        self._asked = self._events = 0
        self._next = self._place()

    def draw(self) -> bool:
        self._asked += 1
        if self._next >= self._asked:
            return False
        self._events += 1
        self._next = self._place()
        return True

    def _place(self) -> float:
        """One event in each stretch of 1/share."""
        return (self._events + self._rng.random()) / self._share if self._share else float("inf")


class Quotas:
    """One quota for each kind of event and share."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._known: dict[tuple[str, float], Quota] = {}

    def draw(self, kind: str, share: float) -> bool:
        key = kind, share
        if key not in self._known:
            self._known[key] = Quota(share, self._rng)
        return self._known[key].draw()


class Uniform:
    """Numbers from 0 to 1: each thousandth once in a thousand draws, in random order."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._places: list[int] = []

    def draw(self) -> float:
        if not self._places:
            self._places = self._rng.sample(range(STRATA), STRATA)
        return (self._places.pop() + self._rng.random()) / STRATA


def skewed(u: float, p50: float, p99: float) -> float:
    """The quantile `u` of a log-normal with this median and 99th percentile."""
    return p50 * exp(log(p99 / p50) / _Z99 * _NORMAL.inv_cdf(u))


def around(u: float, mean: float, spread: float) -> float:
    """The quantile `u` of a log-normal with this mean; `spread` is that of its logarithm."""
    return mean * exp(spread * _NORMAL.inv_cdf(u) - spread**2 / 2)
