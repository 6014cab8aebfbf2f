"""Whether the pairs that have a truth are like the others: of all days, and not the easy ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from shadow_mw.decide.calendar import WEEKDAYS, iso
from shadow_mw.decide.case import Case
from shadow_mw.decide.stats import clopper_pearson
from shadow_mw.decide.stats.clusters import added

if TYPE_CHECKING:
    from shadow_mw.evidence import Pairs

NEED_TRUTH: Final = ("hallucination", "invalid_output", "null_like", "accuracy")
LEAST: Final = 0.1
"""Of a day's own part of the labels: one label on a busy day does not speak for it."""

SURE: Final = 0.01
"""The level of both shares of pairs whose outputs differ."""
MOST_APART: Final = 0.005


@dataclass(frozen=True, slots=True)
class Labelled:
    """Days with pairs, by whether enough of their pairs have a truth."""

    share: float
    """Of production's calls, those on days with labels."""
    days: tuple[str, ...]
    """Days with too few, in the order of time."""
    weekdays: tuple[str, ...]
    """Weekdays that have pairs, and labels on no day."""
    pairs: int
    """With a truth."""
    easier: tuple[float, float] | None
    """Of pairs with a truth and of the others, those whose outputs differ, where the others are
    proven to differ more often: what the candidate did there, no label says."""


def labelled(case: Case) -> Labelled | None:
    """None where the plan asks for no truth, or nothing has one: its gates say that themselves."""
    pairs = case.pairs
    asked = any(getattr(case.plan.gates, name) is not None for name in NEED_TRUTH)
    if not asked or not pairs.scored.any():
        return None
    day = case.when.day[: len(pairs)]
    first = int(day.min())
    which = day - first
    count = int(which.max()) + 1
    seen = added(which, np.broadcast_to(1.0, len(day)), count) > 0
    days = first + np.flatnonzero(seen)
    calls = added(which, pairs.weight, count)[seen]
    labels = added(which, np.where(pairs.scored, pairs.weight, 0.0), count)[seen]
    enough = labels / labels.sum() >= LEAST * calls / calls.sum()
    never = np.setdiff1d((days - 1) % 7, (days[enough] - 1) % 7)
    return Labelled(
        float(calls[enough].sum() / calls.sum()),
        tuple(f"{WEEKDAYS[(day - 1) % 7]} {iso(day)}" for day in days[~enough].tolist()),
        tuple(WEEKDAYS[day] for day in never.tolist()),
        int(pairs.scored.sum()),
        _easier(pairs),
    )


def _easier(pairs: Pairs) -> tuple[float, float] | None:
    """Each bound by Clopper & Pearson; pairs whose outputs were not compared say nothing."""
    found = []
    for some in (pairs.scored, ~pairs.scored):
        exact = pairs.exact[some & (pairs.exact >= 0)]
        found.append(clopper_pearson(int((exact == 0).sum()), len(exact), SURE))
    with_truth, others = found
    apart = others.low > with_truth.high + MOST_APART
    return (with_truth.estimate, others.estimate) if apart else None
