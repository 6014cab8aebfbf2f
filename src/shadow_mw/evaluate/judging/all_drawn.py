"""From the pairs that a judge has judged to all that were drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable

from shadow_mw.evaluate.calibration import quantiles
from shadow_mw.evaluate.calibration.correction import Estimate
from shadow_mw.evaluate.judging.drawn import Weighed
from shadow_mw.evaluate.judging.pools import Judgement
from shadow_mw.standings import Rate, Unjudged


def with_invalid(weighed: Weighed, judgements: Iterable[Judgement]) -> Unjudged:
    """With the pairs that have a verdict in one order at most, each of them unknown too."""
    invalid = [judgement.pair_id for judgement in judgements if not judgement.valid]
    if not invalid:
        return weighed.unjudged
    before, known = weighed.unjudged, weighed.judged + weighed.identical
    all_ = known / (1 - before.share)
    lost = math.fsum(weighed.weights.get(name, weighed.mean) for name in invalid)
    share = before.share + lost / all_
    return Unjudged(share, weighed.size, {**before.pairs, "invalid": len(invalid)})


def bounds(estimate: Estimate | None, unjudged: Unjudged) -> tuple[float, float] | None:
    """The interval of all pairs, whatever those without a verdict are; None without one."""
    if estimate is None:
        return None
    rate = Rate(estimate.value, estimate.low, estimate.high, 1)
    return unjudged.bounds(rate, quantiles.normal())


def with_ties(estimate: Estimate, weighed: Weighed) -> Estimate:
    """Add the pairs that nobody needs to look at; how many they are is chance too."""
    n = weighed.size
    share = weighed.judged / (weighed.judged + weighed.identical)
    value = share * estimate.value + (1 - share) / 2
    error = math.sqrt(share * (1 - share) / n) * abs(estimate.value - 0.5)
    chance = quantiles.normal() * error
    return Estimate(
        value,
        max(value - math.hypot(share * (estimate.value - estimate.low), chance), 0.0),
        min(value + math.hypot(share * (estimate.high - estimate.value), chance), 1.0),
    )
