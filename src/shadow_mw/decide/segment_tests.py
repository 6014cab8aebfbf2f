"""Many segments and measures, each against its margin: which of them are proven worse.

Each test is two-sided at alpha as every interval is, and decided at one end, so at alpha / 2.

At a planned look Holm's procedure on the p of a fixed number of pairs: that any segment within its
margin is called worse has a probability of alpha / 2 at most. In between e-BH on e-values (Wang &
Ramdas 2022): of the segments that are called worse, alpha / 2 at most are not, in expectation, at
whatever time somebody looks. While none is worse, a call at any time at all has a probability of
alpha / 2 at most too: e-BH calls one only where the mean of all e-values is 2 / alpha, and the mean
is a supermartingale (Ville). That is as long as no further segment grows large enough to test.

Each is where it finds more. Of 7 segments with 5,000 pairs each, 3 measures, 4 segments worse by
five times the margin (1,000 windows, `benchmarks/simulated_segments.py`), the share of what is
worse that is found: Holm 99 % and e-BH 75 % at the final look; e-BH 72 % and Bonferroni over
confidence sequences 47 % on the day before it. With all at their margins Holm called one worse in
0.9 % of the windows, e-BH in none, on any of 14 days.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shadow_mw.decide import stats
from shadow_mw.decide.differences import Sums, worse

V_OPT: Final = 150.0
"""As of `stats.ratio_sequence`: a segment has a part of the window's events."""


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """One measure of one segment."""

    counts: Sums
    margin: float
    """How much worse the candidate may be, at least 0."""
    lower: bool
    """Whether less is better."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of it."""

    worse: bool
    """Proven."""
    distance: float
    """From being proven worse, in no unit: less is nearer."""


def tested(tests: Iterable[SegmentTest], alpha: float, *, planned: bool) -> list[Tested]:
    """Each test, in the same order.

    Args:
        tests: all that are made at this look.
        alpha: two-sided level.
        planned: whether this is a planned look.
    """
    return by_holm(tests, alpha) if planned else by_e_values(tests, alpha)


def by_holm(tests: Iterable[SegmentTest], alpha: float) -> list[Tested]:
    """By the p of what there is now, which holds at one look."""
    p = [worse(test.counts, test.margin, lower=test.lower) for test in tests]
    return list(map(Tested, stats.holm(p, alpha / 2), p))


def by_e_values(tests: Iterable[SegmentTest], alpha: float) -> list[Tested]:
    """By evidence that holds at any time."""
    e = [_evidence(test) for test in tests]
    distances = [-math.log(value) if value else math.inf for value in e]
    return list(map(Tested, stats.e_bh(e, alpha / 2), distances))


def _evidence(test: SegmentTest) -> float:
    changed = test.counts.differences
    excess = changed if test.lower else -changed
    return stats.ratio_e_values(excess, test.counts.of, test.margin, [len(changed)], v_opt=V_OPT)[
        -1
    ]
