"""Intervals of the difference of two rates, candidate minus primary, over clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import special  # type: ignore[import-untyped]

from shadow_mw.decide import stats
from shadow_mw.decide.stats import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.decide.units import Units
    from shadow_mw.evidence import Bools, Floats

    Column = npt.NDArray[np.number | np.bool_]

TANGO: Final = "Tango 1998"
CLUSTERED: Final = "ratio of sums over clusters, linearised (Cochran 1977, Liang & Zeger 1986)"
SEQUENCE: Final = "empirical-Bernstein confidence sequence (Choe & Ramdas 2024)"


@dataclass(frozen=True, slots=True)
class Sums:
    """Counts of both legs by cluster, weighted; clusters without a unit are left out."""

    primary: Floats
    candidate: Floats
    of: Floats
    """What the counts are out of."""
    n: int
    """The same over all, unweighted."""
    plain: bool
    """Each cluster is one unit of weight 1: a table of yes and no."""

    @property
    def differences(self) -> Floats:
        """Candidate minus primary."""
        return self.candidate - self.primary

    @property
    def rates(self) -> tuple[float, float]:
        """Of the primary and of the candidate."""
        total = float(self.of.sum())
        return float(self.primary.sum()) / total, float(self.candidate.sum()) / total

    def chosen(self, clusters: Floats) -> Sums:
        """Some of the clusters, by a mask or by index."""
        of = self.of[clusters]
        n = round(float(of.sum()))
        return Sums(self.primary[clusters], self.candidate[clusters], of, n, self.plain)


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference with its interval."""

    primary: float
    candidate: float
    interval: Interval
    n: int
    method: str


def sums(
    units: Units, weight: Floats | None, primary: Column, candidate: Column, of: Column
) -> Sums | None:
    """Add counts of pairs up over clusters; None where there is nothing to count.

    Args:
        units: the clusters of the pairs.
        weight: of the pairs; None where all are alike.
        primary: the primary's counts, by pair.
        candidate: the candidate's.
        of: what they are out of; 0 for pairs that are not scored.
    """
    n = int(of.sum())
    if not n:
        return None
    columns = (of, primary, candidate)
    if weight is not None:
        # In units of the first pair's, so that most counts stay whole.
        columns = tuple(column * (weight / weight[0]) for column in columns)
    total, ours, theirs = map(units.sums, columns)
    keep = _all_or(total > 0)
    plain = weight is None and units.codes is None and int(of.max()) == 1
    return Sums(ours[keep], theirs[keep], total[keep], n, plain)


def _all_or(chosen: Bools) -> Bools | slice:
    """All of them are no copy."""
    return slice(None) if chosen.all() else chosen


def difference(found: Sums, alpha: float, *, planned: bool) -> Difference:
    """The interval of candidate minus primary.

    Args:
        found: the counts.
        alpha: two-sided level.
        planned: whether this is a planned look; else the interval holds at every time.
    """
    changed = found.differences
    if not planned:
        interval = stats.ratio_sequence(changed, found.of, alpha, [len(changed)])[-1]
        return Difference(*found.rates, interval, found.n, SEQUENCE)
    if found.plain:
        lost, won = int((changed < 0).sum()), int((changed > 0).sum())
        return Difference(*found.rates, stats.tango(found.n, lost, won, alpha), found.n, TANGO)
    interval = stats.ratio_of_sums(changed, found.of, alpha=alpha)
    method = f"{CLUSTERED}; design effect {design_effect(found):.2f}"
    return Difference(*found.rates, interval, found.n, method)


def design_effect(found: Sums) -> float:
    """Variance of the difference against that of as many independent units; 1 at least.

    Kish (1965, section 8.2). Without any difference it is taken for as large as it can be: the
    mean size of the cluster of a unit.
    """
    if found.plain:
        return 1.0
    changed, of = found.differences, found.of
    total = float(of.sum())
    if len(of) < 2 or not changed.any():
        return max(1.0, float((of * of).sum()) / total * found.n / total)
    ratio = float(changed.sum()) / total
    alone = (float(np.abs(changed).sum()) / total - ratio**2) / found.n
    return max(1.0, _error(found) ** 2 / alone) if alone > 0 else 1.0


def jump(found: Sums) -> float:
    """How many units differ at once where any does; 1 at least.

    By size, sum |c|^3 / sum c^2: the sum of few jumps is as skewed as one of so many that are
    alike, so that a size with this figure reaches its power. Without any difference it is taken
    for as large as it can be, as `design_effect` is.
    """
    size = np.abs(found.differences)
    if found.plain or not size.any():
        return design_effect(found)
    return max(1.0, float((size**3).sum() / (size @ size)))


def worse(found: Sums, margin: float, *, lower: bool) -> float:
    """One-sided p of being worse than the margin allows, at one look: small where that is proven.

    The larger of the p of the linearised ratio (Student's t over clusters) and, where less than
    half of the clusters differ, of the score test on the effective counts (Rao & Scott, Biometrics
    48 (1992)).

    Args:
        found: the counts.
        margin: how much worse the candidate may be.
        lower: whether less is better.
    """
    clusters = len(found.of)
    if clusters < 2:
        return 1.0
    sparse = found.plain or 2 * np.count_nonzero(found.differences) < clusters
    p = _score_p(found, margin, lower=lower) if sparse else 0.0
    if found.plain:
        return p
    ours, theirs = found.rates
    excess, error = (theirs - ours if lower else ours - theirs) - margin, _error(found)
    if not error:
        return p if excess > 0 else 1.0
    return max(p, float(special.stdtr(clusters - 1, -excess / error)))


def _score_p(found: Sums, margin: float, *, lower: bool) -> float:
    changed = found.differences
    scale = found.n / float(found.of.sum())
    less, more = -float(changed[changed < 0].sum()), float(changed[changed > 0].sum())
    good, bad = (less, more) if lower else (more, less)
    return score_p(found.n, good * scale, bad * scale, margin, design_effect(found))


def score_p(n: int, good: float, bad: float, margin: float, size: float) -> float:
    """One-sided p of a table that is as much smaller as its design effect says.

    Counts are rounded so that p does not become smaller by it.
    """
    better, worse_off = math.ceil(good / size - 1e-9), math.floor(bad / size + 1e-9)
    whole = max(math.ceil(n / size - 1e-9), better + worse_off)
    return stats.tango_p(whole, better, worse_off, margin)


def _error(found: Sums) -> float:
    """Standard error of the difference over two clusters or more, linearised."""
    changed, of = found.differences, found.of
    total, clusters = float(of.sum()), len(of)
    terms = changed - float(changed.sum()) / total * of
    return math.sqrt(float((terms**2).sum()) * clusters / (clusters - 1)) / total
