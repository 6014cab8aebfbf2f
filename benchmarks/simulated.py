"""Windows of 14 days whose truth is known, looked at every day as `shadow-mw verdict` does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from shadow_mw.decide import stats
from shadow_mw.decide.stats.running import moments
from shadow_mw.decide.stats.sequences import mean_reach
from shadow_mw.decide.stats.tango import bounds

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Ends = tuple[Floats, Floats]

ALPHA = 0.05
DAYS = 14
INTERIM, FINAL = stats.obrien_fleming((0.5, 1.0), ALPHA)
_BATCH = 2_000_000


@dataclass(frozen=True, slots=True)
class Windows:
    """What all looks at many windows saw: low and high ends, one row a run."""

    plain: Ends
    """At the end, at 95 %: (runs,)."""
    interim: Ends
    final: Ends
    sequence: Ends
    """Each day: (runs, 14)."""

    def passes(self, margin: float, better: str) -> npt.NDArray[np.bool_]:
        """On which day the gate would pass: an interval at a look, else the sequence."""
        end = 1 if better == "lower" else 0
        ends = self.sequence[end].copy()
        ends[:, DAYS // 2 - 1], ends[:, -1] = self.interim[end], self.final[end]
        return ends < margin if better == "lower" else ends > margin


Simulate = Callable[[np.random.Generator, int, int], Windows]


def days(n: int) -> list[int]:
    return [n * day // DAYS for day in range(1, DAYS + 1)]


def pairs(up: float, down: float, mondays: float = 1.0) -> Simulate:
    """Yes-or-no faults of pairs: `up` of the candidate alone, `down` of the primary alone.

    With `mondays` the candidate's faults are that many times as frequent on every seventh day, with
    the same average over the window.
    """

    def simulate(rng: np.random.Generator, runs: int, n: int) -> Windows:
        at = days(n)
        rate = np.repeat(up * mondays_shape(mondays), np.diff([0, *at])).astype(np.float32)
        parts = []
        for first in range(0, runs, step := max(1, _BATCH // n)):
            drawn = rng.random((min(step, runs - first), n), dtype=np.float32)
            differences = (drawn < rate).astype(float)
            differences -= drawn > 1 - np.float32(down)
            sums = moments(differences, None, at)
            worse = np.stack(
                [(differences[:, :count] > 0).sum(axis=1) for count in (at[6], at[13])]
            )
            parts.append((sums.total, sums.squares, worse.T))
        total, squares, worse = (np.concatenate(column) for column in zip(*parts, strict=True))
        reach = mean_reach(squares, ALPHA)
        better = worse - total[:, [6, 13]]
        return Windows(
            bounds(n, better[:, 1], worse[:, 1], ALPHA),
            bounds(at[6], better[:, 0], worse[:, 0], INTERIM),
            bounds(n, better[:, 1], worse[:, 1], FINAL),
            ((total - reach) / at, (total + reach) / at),
        )

    return simulate


def mondays_shape(mondays: float) -> Floats:
    """Each day's part of an average rate."""
    shape = np.ones(DAYS)
    shape[::7] = mondays
    return np.asarray(shape * (DAYS / shape.sum()))


def running_truth(up: float, down: float, mondays: float, n: int) -> Floats:
    """The average difference up to each day."""
    sizes = np.diff([0, *days(n)])
    return np.asarray(np.cumsum(sizes * (up * mondays_shape(mondays) - down)) / np.cumsum(sizes))


def in_sessions(rng: np.random.Generator, n: int, mean: float) -> Codes:
    """Session codes in the order of time, of geometric sizes."""
    if mean == 1:
        return np.arange(n)
    starts = rng.random(n) < 1 / mean
    starts[0] = True
    return np.asarray(np.cumsum(starts) - 1)


def latencies(ratio: float, spread: float, percent: float, timeouts: float) -> Simulate:
    """Log-normal; half of the spread is the call's own; a share of the candidate's time out.

    The candidate's calls are scaled so that the ratio of the percentiles is `ratio` all the same.
    """
    normal = NormalDist().inv_cdf
    p = percent / 100
    scale = ratio * math.exp(spread * (normal(p) - normal(p / (1 - timeouts))))

    def one(rng: np.random.Generator, n: int) -> list[stats.Interval]:
        noise = rng.normal(0, spread / math.sqrt(2), (3, n))
        primary = np.exp(noise[0] + noise[1])
        candidate = scale * np.exp(noise[0] + noise[2])
        candidate[rng.random(n) < timeouts] = np.inf
        half = n // 2
        return [
            stats.quantile_ratio(primary, candidate, percent, ALPHA),
            stats.quantile_ratio(primary[:half], candidate[:half], percent, INTERIM),
            stats.quantile_ratio(primary, candidate, percent, FINAL),
            *stats.quantile_ratio_sequence(primary, candidate, percent, ALPHA, days(n)),
        ]

    return windows_of(one)


def latencies_in_sessions(
    ratio: float, spread: float, percent: float, session: float, blind: bool = False
) -> Simulate:
    """Log-normal; half of the spread is the session's and the leg's own, as where one is long.

    With `blind` the sequence takes calls for independent.
    """

    def one(rng: np.random.Generator, n: int) -> list[stats.Interval]:
        group = in_sessions(rng, n, session)
        common = rng.normal(0, spread / math.sqrt(2), (2, int(group[-1]) + 1))[:, group]
        primary, candidate = np.exp(common + rng.normal(0, spread / math.sqrt(2), (2, n)))
        candidate *= ratio
        half, codes = n // 2, None if blind else group
        return [
            stats.quantile_ratio(primary, candidate, percent, ALPHA, group),
            stats.quantile_ratio(primary[:half], candidate[:half], percent, INTERIM, group[:half]),
            stats.quantile_ratio(primary, candidate, percent, FINAL, group),
            *stats.quantile_ratio_sequence(primary, candidate, percent, ALPHA, days(n), codes),
        ]

    return windows_of(one)


def draw_costs(
    rng: np.random.Generator, n: int, ratio: float, spread: float, session: float
) -> tuple[Floats, Floats, Codes]:
    """Log-normal costs of both legs, which share a part, alike within a session."""
    group = in_sessions(rng, n, session)
    groups = int(group[-1]) + 1
    shared = rng.normal(0, spread / 2, groups)[group] + rng.normal(0, spread, n)
    own = rng.normal(0, spread / 2, (2, groups))[:, group] + rng.normal(0, spread / 2, (2, n))
    return np.exp(shared + own[0]), ratio * np.exp(shared + own[1]), group


def costs(ratio: float, spread: float, session: float = 1.0) -> Simulate:
    """Costs have no sequence."""

    def one(rng: np.random.Generator, n: int) -> list[stats.Interval]:
        primary, candidate, group = draw_costs(rng, n, ratio, spread, session)
        half = n // 2
        early, codes = (None, None) if session == 1 else (group[:half], group)
        return [
            stats.cost_ratio(primary, candidate, codes, ALPHA),
            stats.cost_ratio(primary[:half], candidate[:half], early, INTERIM),
            stats.cost_ratio(primary, candidate, codes, FINAL),
        ]

    return windows_of(one)


def likeness(difference: float, floor: int) -> Simulate:
    """Likeness of outputs in [0, 1] against that of `floor` pairs of the primary with itself."""

    def scores(rng: np.random.Generator, mean: float, n: int) -> tuple[float, float, int]:
        drawn = rng.beta(8 * mean, 8 * (1 - mean), n)
        return float(drawn.mean()), float(drawn.var(ddof=1)), n

    def one(rng: np.random.Generator, n: int) -> list[stats.Interval]:
        early = scores(rng, 0.9 + difference, n // 2)
        late = scores(rng, 0.9 + difference, n - n // 2)
        mean = (early[0] * early[2] + late[0] * late[2]) / n
        within = early[1] * (early[2] - 1) + late[1] * (late[2] - 1)
        between = early[2] * (early[0] - mean) ** 2 + late[2] * (late[0] - mean) ** 2
        every = (mean, (within + between) / (n - 1), n)
        base = scores(rng, 0.9, floor)
        return [
            stats.welch(*every, *base, ALPHA),
            stats.welch(*early, *base, INTERIM),
            stats.welch(*every, *base, FINAL),
        ]

    return windows_of(one)


def windows_of(one: Callable[[np.random.Generator, int], list[stats.Interval]]) -> Simulate:
    def simulate(rng: np.random.Generator, runs: int, n: int) -> Windows:
        found = [one(rng, n) for _ in range(runs)]
        low = np.array([[interval.low for interval in run] for run in found])
        high = np.array([[interval.high for interval in run] for run in found])
        widest = np.full((runs, DAYS), np.inf)
        sequence = (low[:, 3:], high[:, 3:]) if low.shape[1] > 3 else (-widest, widest)
        return Windows(
            (low[:, 0], high[:, 0]),
            (low[:, 1], high[:, 1]),
            (low[:, 2], high[:, 2]),
            sequence,
        )

    return simulate
