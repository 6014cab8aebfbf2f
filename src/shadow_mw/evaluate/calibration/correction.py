"""From a judge's win rate to the one that people would have given: PPI++ with strata and weights.

For a judge score f of all N items and a human score y of n of them, with weights `w = 1 / pi`
from the probability `pi` that the item was chosen to be labelled:

    theta = lambda * mean_all(f) + mean_labelled(y - lambda * f)

- Prediction-powered inference, Angelopoulos et al., 2301.09633: right whatever the judge's bias.
- PPI++, Angelopoulos, Duchi and Zrnic, 2311.01453: lambda minimises the variance, here within
  [0, 1]; at 0 the judge is ignored and the people's mean is left. A tie is y or f = 0.5.
- Stratified PPI, Fisch et al., 2406.04291: one theta and lambda for each segment, joined by the
  segments' share of all items.
- Active inference, Zrnic and Candès, 2403.03208: `(y - lambda * f) / pi` for unequal
  probabilities; the weights are normalised (Hájek), so that equal ones leave the plain mean.

Items may stand for different numbers of pairs (`judging.drawn`). Then both means are weighted by
that, and w by both: Hájek's ratio estimator, Särndal, Swensson and Wretman, Model Assisted Survey
Sampling, 1992, section 5.7.

The variance is that of the linearised terms `lambda * (f - mean_all(f)) + w * (r - mean_w(r))` with
r = y - lambda * f where labelled, 0 elsewhere, each times the pairs that it stands for. The
labelled items are among all, so both parts are correlated; summing term by term has that in it.
Terms of one cluster are added up before they are squared.

Rogan-Gladen with the interval of Lee et al. (2511.21140) is left out on purpose: it is for labels
that are *not* from this traffic, it knows no ties, and its interval is useless where
TPR + TNR - 1 is small, which is where a correction is needed.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from shadow_mw.evaluate.calibration import quantiles
from shadow_mw.evaluate.calibration.clusters import Values, numbered, summed

SMALLEST_STRATUM = 30
"""Labels that a segment needs for a correction of its own; smaller ones share one.

On LLMBar's five subsets with 100 labels, 10 made intervals that cover 91 % and not 95 %.
"""

BEYOND_CHANCE = 4.0
"""Standard errors: 1 in 16,000 samples is so far off."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A rate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Scored:
    """One judged item: scores in [0, 1], 1 where the output in question wins."""

    judge: float
    human: float | None = None
    segment: str | None = None
    inclusion: float | None = None
    weight: float = 1.0
    """How many pairs it stands for, beside the others."""
    cluster: Hashable = None
    """What it shares its luck with; None for nothing."""


@dataclass(frozen=True, slots=True)
class Stratum:
    """The correction of one segment, or of the small ones together."""

    segments: tuple[str | None, ...]
    n: int
    labelled: int
    lam: float
    theta: float
    variance: float


@dataclass(frozen=True, slots=True)
class Correction:
    """The corrected rate and how it came about."""

    estimate: Estimate
    strata: tuple[Stratum, ...]
    unlabelled_segments: tuple[str | None, ...]
    """Taken to be like the rest: nobody labelled an item of them."""


def plain(scores: Sequence[float]) -> Estimate:
    """A mean with the textbook interval: what a judge's scores say if they are taken for truth."""
    values = np.asarray(scores, dtype=float)
    half = (
        quantiles.normal() * float(values.std(ddof=1)) / math.sqrt(len(values))
        if len(values) > 1
        else 1
    )
    return _estimate(float(values.mean()), half)


def mean(items: Sequence[Scored]) -> Estimate:
    """What a judge's scores say if they are taken for truth, each for the pairs it stands for."""
    weights = np.array([item.weight for item in items])
    if len(set(weights)) == 1 and numbered([item.cluster for item in items]) is None:
        return plain([item.judge for item in items])
    f = np.array([item.judge for item in items])
    value = float(np.average(f, weights=weights))
    terms = summed(weights * (f - value), numbered([item.cluster for item in items]))
    n = len(terms)
    few = n / (n - 1) if n > 1 else 1.0
    half = quantiles.normal() * math.sqrt(few * float(terms @ terms)) / float(weights.sum())
    return _estimate(value, half if n > 1 else 1)


def correct(items: Sequence[Scored], lam: float | None = None) -> Correction:
    """The rate that people would have given all items, from the labels of some.

    Args:
        items: all that were judged, of which at least one is labelled. Within a segment the
            labelled ones are a random sample, or carry their `inclusion`.
        lam: forces lambda: 0 is people alone, 1 is plain PPI.
    """
    groups, bare = _groups(items)
    strata = tuple(_stratum(group, weights, lam) for group, weights in groups)
    shares = [sum(item.weight for item in group) for group, _ in groups]
    total, n = sum(shares), _effective(np.array([item.weight for item in items]))
    theta = sum(s * stratum.theta for s, stratum in zip(shares, strata, strict=True)) / total
    within = sum(
        (s / total) ** 2 * stratum.variance for s, stratum in zip(shares, strata, strict=True)
    )
    spread = sum(
        s * (stratum.theta - theta) ** 2 for s, stratum in zip(shares, strata, strict=True)
    )
    between = spread / (total * n)
    size = _effective(np.concatenate([weights for _, weights in groups]))
    reach = quantiles.student(max(size - len(strata), 1)) * math.sqrt(within + between)
    # A few labels that all say the same have no spread, and prove little all the same.
    return Correction(_estimate(theta, max(reach, quantiles.unseen(size))), strata, bare)


def apart(items: Sequence[Scored]) -> tuple[float, float] | None:
    """The judge's mean over the labelled items and over all, where no chance sets them so apart.

    A random sample of the items, or one whose probabilities are known, has the mean of all but for
    its standard error; one that was picked has not, and no correction holds for it.
    """
    known = [item for item in items if item.human is not None]
    if len(known) < SMALLEST_STRATUM or len(known) == len(items):
        return None
    f, chosen = (np.array([item.judge for item in some]) for some in (items, known))
    weights = np.array([item.weight / (item.inclusion or 1) for item in known])
    all_ = float(np.average(f, weights=[item.weight for item in items]))
    mean = float(weights @ chosen / weights.sum())
    error = math.sqrt(float(weights**2 @ (chosen - all_) ** 2)) / float(weights.sum())
    error = max(error, float(f.std()) / math.sqrt(_effective(weights)))
    return (mean, all_) if abs(mean - all_) > BEYOND_CHANCE * error else None


def _groups(
    items: Sequence[Scored],
) -> tuple[list[tuple[list[Scored], Values]], tuple[str | None, ...]]:
    """Segments with labels enough for themselves, then the rest; each with its labels' weights."""
    by_segment = defaultdict[str | None, list[Scored]](list)
    for item in items:
        by_segment[item.segment].append(item)
    weights = {segment: _weights(group) for segment, group in by_segment.items()}
    alone = [segment for segment in by_segment if len(weights[segment]) >= SMALLEST_STRATUM]
    rest = [segment for segment in by_segment if segment not in alone]
    bare = tuple(segment for segment in rest if not len(weights[segment]))
    if len(bare) == len(rest) and rest:
        # Nothing to learn from among them: all is one group.
        alone, rest = [], list(by_segment)
    joined = [[segment] for segment in alone] + ([rest] if rest else [])
    return [
        (
            [item for segment in group for item in by_segment[segment]],
            np.concatenate([weights[segment] for segment in group]),
        )
        for group in joined
    ], bare


def _weights(group: Sequence[Scored]) -> Values:
    """How many items each labelled one stands for, in the order of the items."""
    labelled = [item for item in group if item.human is not None]
    return np.array(
        [item.weight / (item.inclusion or len(labelled) / len(group)) for item in labelled]
    )


def _stratum(items: Sequence[Scored], weights: Values, lam: float | None) -> Stratum:
    f = np.array([item.judge for item in items])
    known = np.array([item.human is not None for item in items])
    y = np.array([item.human for item in items if item.human is not None], dtype=float)
    n, labelled = len(f), len(y)
    pairs = np.array([item.weight for item in items], dtype=float)
    pairs *= n / pairs.sum()
    stands_for = weights * (n / weights.sum())
    y_mean, f_mean = float(stands_for @ y) / n, float(stands_for @ f[known]) / n
    human = np.zeros(n)
    human[known] = stands_for * (y - y_mean)
    f_all = float(np.average(f, weights=pairs))
    gain = pairs * (f - f_all)
    gain[known] -= stands_for * (f[known] - f_mean)
    clusters = numbered([item.cluster for item in items])
    human, gain = summed(human, clusters), summed(gain, clusters)
    used = _tuned(human, gain) if lam is None else lam
    terms = human + used * gain
    fitted = 2 if lam is None and 0 < used < 1 else 1
    # Where items stand for different numbers of pairs, a few labels bear most of the weight.
    size = _effective(weights) if float(np.ptp(pairs)) else labelled
    few = size / (size - fitted) if size > fitted else n
    return Stratum(
        tuple(dict.fromkeys(item.segment for item in items)),
        n,
        labelled,
        used,
        y_mean + used * (f_all - f_mean),
        few * float(terms @ terms) / n**2,
    )


def _tuned(human: Values, gain: Values) -> float:
    """The lambda with the least variance of `human + lambda * gain`, within [0, 1]."""
    spread = float(gain @ gain)
    return min(max(-float(human @ gain) / spread, 0.0), 1.0) if spread > 0 else 0.0


def _effective(weights: Values) -> float:
    """Kish's sample size: how many equal weights tell as much."""
    return float(weights.sum() ** 2 / (weights @ weights))


def _estimate(value: float, half: float) -> Estimate:
    def bounded(number: float) -> float:
        return min(max(number, 0.0), 1.0)

    return Estimate(bounded(value), bounded(value - half), bounded(value + half))
