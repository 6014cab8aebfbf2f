"""Which pairs people label: unequal probabilities, each of them known and above zero.

A pair's probability is proportional to its weight, `pi_i = n * w_i / sum(w)`; where that is above 1
it is 1, and the others share what is left (Hansen and Hurwitz 1943; Särndal, Swensson and Wretman,
Model Assisted Survey Sampling, 1992, section 3.6.2). The weights favour pairs on which a judge is
likely to be wrong, as active inference does (Zrnic and Candès, 2403.03208), and keep a part that
every pair has alike.

Pairs are drawn systematically from a random order (Madow 1949, Annals of Mathematical Statistics
20(3); Hartley and Rao 1962, 33(2)): with `u` uniform in [0, 1) a pair is drawn where its stretch of
the running sum of `pi` has one of `u, u + 1, u + 2, ...`. That is `n` pairs always, and each with
exactly `pi_i`, so `sum(y_i / pi_i)` over those drawn has the mean `sum(y_i)` over all.

They are asked in a random order of their own. Whoever stops after k of n has then drawn every pair
with `pi_i * k / n`: all weights change by the same factor, which a ratio such as `correct` makes of
them does not see. Asking by weight instead would leave the plain pairs to nobody.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence


def inclusions(weights: Sequence[float], size: int) -> list[float]:
    """The probability of each, proportional to its weight as far as that is at most 1.

    Args:
        weights: all above zero.
        size: how many are to be drawn; the probabilities sum up to it.
    """
    if size >= len(weights):
        return [1.0] * len(weights)
    certain = set[int]()
    while True:
        left = [i for i in range(len(weights)) if i not in certain]
        scale = (size - len(certain)) / math.fsum(weights[i] for i in left)
        over = {i for i in left if weights[i] * scale >= 1}
        if not over:
            return [1.0 if i in certain else w * scale for i, w in enumerate(weights)]
        certain |= over


def systematic(probabilities: Sequence[float], seed: str) -> list[int]:
    """Draw by place, each with its probability, in a random order; the seed decides all of it."""
    chance = random.Random(seed)
    order = list(range(len(probabilities)))
    chance.shuffle(order)
    start, total, drawn = chance.random(), 0.0, list[int]()
    certain = [i for i in order if probabilities[i] >= 1]
    for i in order:
        if probabilities[i] < 1:
            before = math.ceil(total - start)
            total += probabilities[i]
            if math.ceil(total - start) > before:
                drawn.append(i)
    drawn += certain
    chance.shuffle(drawn)
    return drawn
