"""Whether the pairs that have a truth are from all of the window, and not from its first days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from shadow_mw.decide.calendar import WEEKDAYS, iso
from shadow_mw.decide.case import Case

NEED_TRUTH: Final = ("hallucination", "invalid_output", "null_like", "accuracy")
LEAST: Final = 0.1
"""Of a day's own part of the labels: one label on a busy day does not speak for it."""


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


def labelled(case: Case) -> Labelled | None:
    """None where the plan asks for no truth, or nothing has one: its gates say that themselves."""
    pairs = case.pairs
    asked = any(getattr(case.plan.gates, name) is not None for name in NEED_TRUTH)
    if not asked or not pairs.scored.any():
        return None
    days, which = np.unique(case.when.day[: len(pairs)], return_inverse=True)
    calls = np.bincount(which, pairs.weight)
    labels = np.bincount(which, pairs.weight * pairs.scored)
    enough = labels / labels.sum() >= LEAST * calls / calls.sum()
    never = np.setdiff1d((days - 1) % 7, (days[enough] - 1) % 7)
    return Labelled(
        float(calls[enough].sum() / calls.sum()),
        tuple(f"{WEEKDAYS[(day - 1) % 7]} {iso(day)}" for day in days[~enough].tolist()),
        tuple(WEEKDAYS[day] for day in never.tolist()),
        int(pairs.scored.sum()),
    )
