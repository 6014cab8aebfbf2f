"""Windows whose documents or pairs come in sessions that are alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.simulated import (
    ALPHA,
    FINAL,
    INTERIM,
    Codes,
    Floats,
    Simulate,
    Windows,
    days,
    in_sessions,
    windows_of,
)
from shadow_mw.decide import stats
from shadow_mw.decide.differences import Sums, jump


@dataclass(frozen=True, slots=True)
class Documents:
    """Hallucinations per null leaf, 1 to `leaves` a document, sessions of `session` documents."""

    candidate: float
    primary: float
    leaves: int = 3
    session: float = 1.0
    icc: float = 0.0
    """Correlation of the leaves of one session and leg (beta-binomial)."""

    def draw(self, rng: np.random.Generator, n: int) -> tuple[Floats, Floats, Codes]:
        """Differences, leaves and sessions of `n` documents."""
        sessions = in_sessions(rng, n, self.session)
        size = rng.integers(1, self.leaves + 1, n)
        found = [
            rng.binomial(size, self._rates(rng, rate, int(sessions[-1]) + 1)[sessions])
            for rate in (self.candidate, self.primary)
        ]
        return (found[0] - found[1]).astype(float), size.astype(float), sessions

    def _rates(self, rng: np.random.Generator, rate: float, sessions: int) -> Floats:
        if not self.icc:
            return np.full(sessions, rate)
        spread = 1 / self.icc - 1
        return rng.beta(rate * spread, (1 - rate) * spread, sessions)

    def differing(self) -> tuple[float, float]:
        """Variance of the difference on one leaf, and how many differ at once: a pilot."""
        x, size, sessions = self.draw(np.random.default_rng(7), 400_000)
        changed, of = (np.bincount(sessions, each).astype(float) for each in (x, size))
        found = Sums(np.maximum(-changed, 0), np.maximum(changed, 0), of, int(of.sum()), False)
        return float(changed @ changed) / float(of.sum()), jump(found)

    def simulate(self, rng: np.random.Generator, runs: int, n: int) -> Windows:
        return windows_of(self._one)(rng, runs, n)

    def _one(self, rng: np.random.Generator, n: int) -> list[stats.Interval]:
        x, size, sessions = self.draw(rng, n)
        at, half = days(n), days(n)[6]
        if self.session == 1:
            return [
                stats.ratio_of_sums(x, size, alpha=ALPHA),
                stats.ratio_of_sums(x[:half], size[:half], alpha=INTERIM),
                stats.ratio_of_sums(x, size, alpha=FINAL),
                *stats.ratio_sequence(x, size, ALPHA, at),
            ]
        return [
            stats.ratio_of_sums(x, size, sessions, alpha=ALPHA),
            stats.ratio_of_sums(x[:half], size[:half], sessions[:half], alpha=INTERIM),
            stats.ratio_of_sums(x, size, sessions, alpha=FINAL),
            *_by_session(x, size, sessions, at),
        ]


def _by_session(x: Floats, size: Floats, sessions: Codes, at: list[int]) -> list[stats.Interval]:
    counts = [int(sessions[count - 1]) + 1 for count in at]
    return stats.ratio_sequence(
        np.bincount(sessions, x), np.bincount(sessions, size), ALPHA, counts
    )


def accuracies(difference: float, discordance: float, session: float, icc: float) -> Simulate:
    """Paired differences of -1, 0 and 1 with a share `icc` that whole sessions have in common."""
    up, down = (discordance + difference) / 2, (discordance - difference) / 2

    def draw(rng: np.random.Generator, n: int) -> Floats:
        drawn = rng.random(n)
        return np.asarray((drawn < up).astype(float) - (drawn > 1 - down))

    def one(rng: np.random.Generator, n: int) -> list[stats.Interval]:
        group = in_sessions(rng, n, session)
        common = draw(rng, int(group[-1]) + 1)[group]
        values = np.where(rng.random(n) < math.sqrt(icc), common, draw(rng, n))
        half = days(n)[6]
        return [
            stats.mean(values, group, alpha=ALPHA),
            stats.mean(values[:half], group[:half], alpha=INTERIM),
            stats.mean(values, group, alpha=FINAL),
            *_by_session(values, np.ones(n), group, days(n)),
        ]

    return windows_of(one)
