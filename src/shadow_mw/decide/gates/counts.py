"""Tables of yes and no on both legs, which come as counts."""

from __future__ import annotations

import math

from shadow_mw.decide import stats
from shadow_mw.decide.case import Case
from shadow_mw.decide.stats import Interval
from shadow_mw.evidence import PairedCount

RATES = "beta-binomial confidence sequences of both rates (Robbins 1970)"


def paired_interval(case: Case, count: PairedCount, alpha: float, size: float) -> Interval:
    """Of a difference of two rates that share their units.

    At a planned look Tango's. In between, both one-sided rates have a sequence of their own at half
    the level, and the difference lies between their ends.
    """
    n, lost, won = count.n / size, count.primary_only / size, count.candidate_only / size
    if case.look.planned:
        return stats.tango(n, lost, won, alpha)
    whole = math.ceil(n)
    ours = stats.rate_sequence(round(lost), whole, alpha / 2)
    theirs = stats.rate_sequence(round(won), whole, alpha / 2)
    return Interval((won - lost) / n, theirs.low - ours.high, theirs.high - ours.low)
