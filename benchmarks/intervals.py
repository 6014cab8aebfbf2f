"""Estimates with their uncertainty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 4000
Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    def show(self, digits: int = 1, *, sign: bool = True) -> str:
        form = f"{'+' if sign else ''}.{digits}f"
        if self.low == self.high:
            return f"{self.value:{form}} (one round)"
        return f"{self.value:{form}} [{self.low:{form}}, {self.high:{form}}]"


def mean_difference(with_it: Sequence[float], without: Sequence[float]) -> Estimate:
    """Of blocks measured in pairs: the mean of the differences, by bootstrap over the pairs.

    One block in ten at either end is left out: another process's burst hits single blocks.
    """
    differences = np.asarray(with_it) - np.asarray(without)
    drawn = np.random.default_rng(0).choice(differences, (RESAMPLES, len(differences)))
    low, high = np.quantile(_trimmed(drawn), (0.025, 0.975))
    return Estimate(float(_trimmed(differences[None])[0]), float(low), float(high))


def _trimmed(rows: Values) -> Values:
    ordered = np.sort(rows, axis=1)
    cut = rows.shape[1] // 10
    means: Values = ordered[:, cut : rows.shape[1] - cut].mean(axis=1)
    return means


def typical(rounds: Sequence[Sequence[float]], percent: float) -> float:
    """The median of the rounds' percentiles: a burst of somebody else's work hits one round."""
    return float(np.median([np.percentile(one, percent) for one in rounds]))


def percentile_difference(
    rounds: Sequence[Sequence[float]],
    references: Sequence[Sequence[Sequence[float]]],
    percent: float,
) -> Estimate:
    """The median of the differences round by round, by bootstrap over the rounds.

    Each round's reference is the mean of what all `references` had in it.
    """
    baselines = [
        np.mean([np.percentile(reference[number], percent) for reference in references])
        for number in range(len(rounds))
    ]
    own = [np.percentile(one, percent) for one in rounds]
    differences = np.asarray(own) - np.asarray(baselines)
    drawn = np.random.default_rng(0).choice(differences, (RESAMPLES, len(differences)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return Estimate(float(np.median(differences)), float(low), float(high))
