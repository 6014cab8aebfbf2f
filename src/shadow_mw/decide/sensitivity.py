"""Whether the outcome hangs on one day, one weekday, or on a few long sessions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from shadow_mw.decide import words
from shadow_mw.decide.calendar import WEEKDAYS, iso
from shadow_mw.decide.case import Case
from shadow_mw.decide.differences import design_effect, difference
from shadow_mw.decide.gates.rates import MEASURES, columns_of, counted
from shadow_mw.decide.segments import NAMES
from shadow_mw.decide.stats.clusters import added
from shadow_mw.decide.units import Units

if TYPE_CHECKING:
    import numpy.typing as npt

    Column = npt.NDArray[np.number]
    Ints = npt.NDArray[np.signedinteger]

Line = tuple[str, str, str]


def sensitivity(case: Case) -> tuple[Line, ...]:
    """(gate, variation, what comes out of it), for each measure that has data."""
    return tuple(line for name in NAMES for line in _lines(case, name)) if len(case.pairs) else ()


def _lines(case: Case, name: str) -> Iterator[Line]:
    measure, pairs = MEASURES[name], case.pairs
    changed, of = columns_of(measure, pairs)
    if not of.any():
        return
    if case.weight is not None:
        changed, of = changed * case.weight, of * case.weight
    day = case.when.day[: len(pairs)]
    weekdays = _by(changed, of, (day - 1) % 7)
    if len(weekdays) > 1:
        yield name, "by weekday", _range({WEEKDAYS[key]: x / n for key, (x, n) in weekdays.items()})
    days = _by(changed, of, day)
    total, size = float(changed.sum()), float(of.sum())
    left = {iso(key): (total - x) / (size - n) for key, (x, n) in days.items() if size > n}
    if len(left) > 1:
        yield name, "a day left out", _range(left)
    if case.units.codes is not None:
        yield name, "one pair a cluster", _first_only(case, name)


def _by(changed: Column, of: Column, group: Ints) -> dict[int, tuple[float, float]]:
    """Sums of each group that has any."""
    first = int(group.min())
    place = group - first
    count = int(place.max()) + 1
    x, n = added(place, changed, count), added(place, of, count)
    sums = zip(x.tolist(), n.tolist(), strict=True)
    return {first + k: (a, b) for k, (a, b) in enumerate(sums) if b > 0}


def _range(found: dict[str, float]) -> str:
    low, high = (pick(found, key=lambda key: (found[key], key)) for pick in (min, max))
    return (
        f"{words.points(found[low])} points ({low}) to {words.points(found[high])} points ({high})"
    )


def _first_only(case: Case, name: str) -> str:
    """One pair of each cluster: independent, but fewer."""
    chosen = case.units.first(len(case.pairs))
    weight = None if case.weight is None else case.weight[chosen]
    alone = Units(None, len(chosen))
    found = counted(MEASURES[name], case.pairs, alone, weight, chosen)
    whole = counted(MEASURES[name], case.pairs, case.units, case.weight)
    if found is None or whole is None:
        return "no pair that counts"
    shown = words.in_points(difference(found, case.look.alpha, planned=case.look.planned).interval)
    return f"{shown}; design effect of all pairs {design_effect(whole):.2f}"
