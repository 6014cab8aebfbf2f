"""One case to decide: the plan, the evidence, and the part of it that counts at this look."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from shadow_mw.decide.calendar import Calendar, calendar
from shadow_mw.decide.looks import Look, look_at
from shadow_mw.decide.plan import Plan
from shadow_mw.decide.units import Units, units
from shadow_mw.evidence import Evidence, Pairs

if TYPE_CHECKING:
    from shadow_mw.evidence import Floats

NO_DATA = Look("no data yet", False, 0.05, 0.0, 0.0, 0.0, 0.0, False)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that a gate reads."""

    plan: Plan
    evidence: Evidence
    look: Look
    window: Pairs
    """Pairs of the window, those after the look too."""
    pairs: Pairs
    """Pairs that the look is about."""
    units: Units
    """Of `pairs`."""
    weight: Floats | None
    """Of `pairs`; None where all are alike."""
    when: Calendar
    """Of `window`."""


def case_of(plan: Plan, evidence: Evidence) -> Case:
    """Cut the evidence to what counts."""
    time_s = evidence.pairs.time_s
    look = look_at(plan, time_s) or NO_DATA
    window = before(evidence.pairs, look.end)
    pairs = before(window, look.until)
    alike = not len(pairs) or bool(np.all(pairs.weight == pairs.weight[0]))
    return Case(
        plan,
        evidence,
        look,
        window,
        pairs,
        units(pairs, plan.cluster),
        None if alike else pairs.weight,
        calendar(window.time_s, plan.window.timezone),
    )


def before(pairs: Pairs, time_s: float) -> Pairs:
    """Pairs before a unix time; views, no copies."""
    stop = int(np.searchsorted(pairs.time_s, time_s, side="left"))
    if stop == len(pairs):
        return pairs
    return Pairs(**{field.name: getattr(pairs, field.name)[:stop] for field in fields(Pairs)})
