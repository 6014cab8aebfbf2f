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


def percentile_difference(
    rounds: Sequence[Sequence[float]], reference: Sequence[Sequence[float]], percent: float
) -> Estimate:
    """Of pooled percentiles, by bootstrap over the requests of each round."""
    generator = np.random.default_rng(0)

    def drawn(side: Sequence[Sequence[float]]) -> Values:
        values = np.concatenate([np.asarray(one) for one in side])
        rows = generator.choice(values, (500, len(values)))
        result: Values = np.percentile(rows, percent, axis=1)
        return result

    low, high = np.quantile(drawn(rounds) - drawn(reference), (0.025, 0.975))
    value = pooled(rounds, percent) - pooled(reference, percent)
    return Estimate(value, float(low), float(high))


def pooled(rounds: Sequence[Sequence[float]], percent: float) -> float:
    return float(np.percentile(np.concatenate([np.asarray(one) for one in rounds]), percent))
