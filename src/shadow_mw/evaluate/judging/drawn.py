"""How many pairs each judged one stands for, over all draws of a store that grows.

Pairs that came between two draws are a cohort (`draws`). A draw takes pairs in the order of a hash
of their ids, so that it treats those of one cohort alike, whatever its seed and size, and so does
a run that a budget or an interruption stops. Given how many pairs of a cohort were drawn, those are
therefore a simple random sample of it, over any number of draws: each stands for `N_c / n_c` pairs,
with `N_c` the pairs of the cohort that could be drawn (post-stratification: Holt and Smith 1979,
Journal of the Royal Statistical Society A 142; Särndal, Swensson and Wretman, Model Assisted Survey
Sampling, 1992, section 7.6). Pooling the draws as if all pairs had had one chance would count the
early ones, which several draws could reach, too often.

Of the pairs drawn, those that a judge was not asked about yet are like the others of their cohort.
Those that it was asked about in vain are not: what a judge's server refuses may be the worst that
a candidate says. They, cohorts that this judge has not reached, and pairs that came after the last
draw are a share of all that nothing is known about (`Unjudged`).
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shadow_mw.evaluate.judging.values import Item
from shadow_mw.standings import Unjudged

Key = tuple[str, str]
"""A pair's id, and the digest of what was shown of it."""

FEWEST = 10
"""Pairs drawn of a cohort; with fewer it is taken with the next ones, whose chance was nearly its
own."""

NOT_REACHED = "not_reached"
"""Pairs of cohorts of which this judge has said nothing yet."""
NOT_DRAWN = "not_drawn"
"""Pairs that came after the last draw."""


@dataclass(frozen=True, slots=True)
class DrawnPair:
    """One pair that was drawn, and that a win rate is of."""

    pair_id: str
    item: str | None
    """None where both outputs are the same: a tie, and nobody is asked."""
    cohort: int = 0
    stands_for: float = 1.0
    """Pairs of its cohort, each weighed by the calls of production that it stands for."""
    cluster: Hashable = None
    """What it shares its luck with; None for nothing."""
    by_lot: bool = True
    """False where it came with a verdict, and was never drawn."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What each call drawn stands for, beside those of the first cohort; by default all alike."""

    joined: Mapping[int, int] = field(default_factory=dict)
    """Cohort to the first one of those that are taken for one."""
    factors: Mapping[int, float] = field(default_factory=dict)
    """By the latter."""
    after: float = 0.0
    """What came after the last draw stands for, in the same measure."""
    pairs_after: int = 0

    def of(self, cohort: int) -> float:
        """What each call drawn of a cohort stands for."""
        return self.factors.get(self.joined.get(cohort, cohort), 1.0)


def scale(
    able: Mapping[int, float],
    taken: Mapping[int, Sequence[float]],
    after: float = 0.0,
    pairs_after: int = 0,
) -> Scale:
    """`N_c / n_c` of every cohort.

    Args:
        able: cohort to the calls that its pairs stand for which could be drawn.
        taken: cohort to the calls that each pair drawn stands for, also where it could not be
            shown to a judge.
        after: calls of the pairs that came after the last draw.
        pairs_after: how many pairs those are.
    """
    joined = _joined({cohort: len(taken.get(cohort, ())) for cohort in able.keys() | taken.keys()})
    there, ours = defaultdict[int, float](float), defaultdict[int, float](float)
    for cohort, first in joined.items():
        there[first] += able.get(cohort, 0.0)
        ours[first] += math.fsum(taken.get(cohort, ()))
    stands = {first: there[first] / ours[first] for first in sorted(ours) if ours[first]}
    one = next(iter(stands.values()), 0.0) or 1.0
    factors = {first: factor / one for first, factor in stands.items()}
    return Scale(joined, factors, after / one, pairs_after)


def _joined(drawn: Mapping[int, int]) -> dict[int, int]:
    """Cohort to the first one of those that follow one another and are taken for one."""
    groups, n = list[list[int]](), 0
    for cohort in sorted(drawn):
        if not groups or n >= FEWEST:
            groups.append([])
            n = 0
        groups[-1].append(cohort)
        n += drawn[cohort]
    if len(groups) > 1 and n < FEWEST:
        last = groups.pop()
        groups[-1] += last
    return {cohort: group[0] for group in groups for cohort in group}


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a judge's pairs stand for."""

    weights: Mapping[str, float]
    """By pair id; empty where all stand for as many."""
    mean: float
    """What a judged pair stands for on average."""
    clusters: Mapping[str, Hashable]
    """By pair id; empty where no cluster has two of them."""
    judged: float
    """What the judged pairs stand for, together."""
    identical: float
    """What those stand for whose outputs are the same."""
    size: float
    """Kish's sample size of the pairs drawn: how many equal weights tell as much."""
    unjudged: Unjudged

    def of(self, pair_id: str) -> tuple[float, Hashable]:
        """What one judged pair stands for, and its cluster."""
        return self.weights.get(pair_id, 1.0), self.clusters.get(pair_id)


@dataclass(frozen=True, slots=True)
class Drawn:
    """All pairs of a series that were drawn."""

    pairs: tuple[DrawnPair, ...]
    not_drawn: float = 0.0
    """What the pairs stand for that came after the last draw."""
    not_drawn_pairs: int = 0
    unanswered: Mapping[str, Mapping[Key, str]] = field(default_factory=dict)
    """`Opinion.spec` to the pairs that it was asked about in vain, and why."""

    @property
    def identical(self) -> int:
        """Pairs whose outputs are the same."""
        return sum(pair.item is None for pair in self.pairs)

    def weighed(self, judged: Collection[Key], spec: str, *, imported: bool) -> Weighed:
        """What the pairs of one judge stand for.

        Args:
            judged: those that it has judged in both orders.
            spec: as whom it was asked.
            imported: its verdicts came with the pairs, so that nobody drew them.
        """
        known = set(judged)
        pairs = [
            pair
            for pair in self.pairs
            if imported or pair.by_lot or (pair.item and (pair.pair_id, pair.item) in known)
        ]
        vain = {} if imported else self.unanswered.get(spec, {})
        return _weighed(
            pairs,
            known,
            {key: kind for key, kind in vain.items() if key not in known},
            (0.0, 0) if imported else (self.not_drawn, self.not_drawn_pairs),
        )


def drawn_at_once(
    items: Iterable[Item], identical: int, unanswered: Mapping[str, Mapping[Key, str]]
) -> Drawn:
    """One draw, in which all pairs had one chance."""
    shown = tuple(DrawnPair(item.pair_id, item.digest) for item in items)
    same = (DrawnPair("", None) for _ in range(identical))
    return Drawn((*shown, *same), unanswered=unanswered)


def _weighed(
    pairs: Collection[DrawnPair],
    judged: Collection[Key],
    vain: Mapping[Key, str],
    not_drawn: tuple[float, int],
) -> Weighed:
    shown = [(pair, (pair.pair_id, pair.item)) for pair in pairs if pair.item is not None]
    to_judge = _by_cohort(pair for pair, _ in shown)
    asked = _by_cohort(pair for pair, key in shown if key in judged or key in vain)
    answered = [pair for pair, key in shown if key in judged]
    lost = [(pair, vain[key]) for pair, key in shown if key in vain]
    never = [(pair, NOT_REACHED) for pair, _ in shown if pair.cohort not in asked]
    weights = {
        pair.pair_id: pair.stands_for * (to_judge[pair.cohort] / asked[pair.cohort])
        for pair in answered
    }
    of_answered = _by_cohort(answered)
    # Exactly `to_judge` where nothing was asked in vain.
    known = math.fsum(to_judge[c] * (of_answered[c] / asked[c]) for c in of_answered)
    identical = math.fsum(pair.stands_for for pair in pairs if pair.item is None)
    unknown = not_drawn[0] + math.fsum(
        pair.stands_for * (to_judge[pair.cohort] / asked.get(pair.cohort, to_judge[pair.cohort]))
        for pair, _ in (*lost, *never)
    )
    kinds = Counter(why for _, why in (*lost, *never)) + Counter({NOT_DRAWN: not_drawn[1]})
    size = effective([pair.stands_for for pair in pairs])
    return Weighed(
        weights if len(set(weights.values())) > 1 else {},
        known / len(weights) if weights else 0.0,
        _clusters(answered),
        known,
        identical,
        size,
        Unjudged(unknown / (unknown + known + identical), size, dict(sorted(kinds.items())))
        if unknown
        else Unjudged(),
    )


def _by_cohort(pairs: Iterable[DrawnPair]) -> dict[int, float]:
    found = defaultdict[int, float](float)
    for pair in pairs:
        found[pair.cohort] += pair.stands_for
    return dict(found)


def _clusters(pairs: Collection[DrawnPair]) -> dict[str, Hashable]:
    named = {pair.pair_id: pair.cluster for pair in pairs if pair.cluster is not None}
    return named if len(set(named.values())) < len(named) else {}


def effective(weights: Collection[float]) -> float:
    """Kish's sample size: how many equal weights tell as much."""
    squares = sum(weight * weight for weight in weights)
    return sum(weights) ** 2 / squares if squares else 0.0
