"""What the window covered: days, weekdays, hours of the week, and the calls that made a pair."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import numpy as np

from shadow_mw.decide import words
from shadow_mw.decide.calendar import WEEKDAYS, iso
from shadow_mw.decide.case import Case
from shadow_mw.decide.labelled import labelled
from shadow_mw.decide.looks import HOUR
from shadow_mw.decide.stats.clusters import added, blocks
from shadow_mw.verdicts import Coverage

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.evidence import Bools, Floats

    Ints = npt.NDArray[np.int64]

HOURS: Final = 24
WEEK: Final = 7 * HOURS
MOST_NAMED: Final = 12
"""Lines about what is missing."""


def covered(case: Case) -> Coverage:
    """What the pairs of the window cover, whatever the look."""
    pairs, when, look = case.window, case.when, case.look
    counts = np.zeros((7, HOURS), dtype=np.int64)
    for some in blocks(len(pairs)):
        np.add.at(counts, ((when.day[some] - 1) % 7, when.hour[some]), 1)
    days = window_days(case)
    seen = np.isin(days, when.day)
    weekdays = tuple(int(((days[seen] - 1) % 7 == weekday).sum()) for weekday in range(7))
    share, hours = _volume(case)
    completion = _completion(case)
    return Coverage(
        start=words.stamp(look.start) if len(pairs) else "",
        end=words.stamp(look.end) if len(pairs) else "",
        days=int(seen.sum()) + _begun(case, days, seen),
        complete=look.complete,
        hours=tuple(tuple(int(n) for n in row) for row in counts),
        weekdays=weekdays,
        volume_share=share,
        completion=completion,
        missing=tuple(_missing(case, days[~seen], hours)),
        production_share=_production_share(case),
    )


def window_days(case: Case) -> Ints:
    """Ordinals of the days whose noon lies in the window: as many as the plan has days."""
    if not len(case.window):
        return np.zeros(0, dtype=np.int64)
    zone = ZoneInfo(case.plan.window.timezone)
    first = datetime.fromtimestamp(case.look.start, zone)
    day = first.toordinal() + (first.hour >= 12)
    return np.arange(day, day + case.plan.window.days, dtype=np.int64)


def _begun(case: Case, days: Ints, seen: Bools) -> int:
    """Of a window that began after noon the first afternoon and the last morning are one day.

    Until it is over the afternoon stands for both: it has pairs, and somebody reads that.
    """
    if case.look.complete or not len(days):
        return 0
    return int(case.when.day[0] < days[0] and not seen[-1])


def _volume(case: Case) -> tuple[float, list[str]]:
    """Share of production's calls in hours that have pairs, and the empty hours of days with pairs.

    What production's calls were in an hour without pairs is taken from the same hour of the other
    days with pairs: the mean over the same weekday, and where there is none, over all.
    """
    if not len(case.window):
        return 0.0, []
    first = datetime.fromtimestamp(case.look.start, ZoneInfo(case.plan.window.timezone))
    began = first.toordinal() * HOURS + first.hour
    slots = began + np.arange(case.plan.window.days * HOURS)
    place = case.when.day * HOURS + case.when.hour - began
    # Where clocks are set back at the window's end an hour lies beyond it.
    np.clip(place, 0, len(slots) - 1, out=place)
    load = added(place, case.window.weight, len(slots))
    lively = np.isin(slots // HOURS, np.unique(case.when.day))
    expected = _expected(load, slots, lively)
    empty = (load == 0) & (expected > 0)
    total = float(load.sum())
    return total / (total + float(expected[empty].sum())), _names(slots[empty & lively])


def _expected(load: Floats, slots: Ints, lively: Bools) -> Floats:
    """Calls of each hour by the mean of comparable ones."""
    return np.where(
        np.isin(slots % WEEK, slots[lively] % WEEK),
        _means(load, slots % WEEK, lively),
        _means(load, slots % HOURS, lively),
    )


def _means(load: Floats, group: Ints, lively: Bools) -> Floats:
    """The mean over lively hours of the same group; 0 where there is none."""
    count = np.bincount(group[lively], minlength=WEEK)
    total = np.bincount(group[lively], load[lively], minlength=WEEK)
    return (total / np.maximum(count, 1))[group]


def _names(slots: Ints) -> list[str]:
    return [
        f"{WEEKDAYS[(slot // HOURS - 1) % 7]} {iso(slot // HOURS)} {slot % HOURS:02}:00"
        for slot in slots.tolist()
    ]


def _completion(case: Case) -> float:
    lost = sum(case.evidence.lost.values())
    due = case.evidence.paired + lost
    return case.evidence.paired / due if due else 0.0


def _production_share(case: Case) -> float | None:
    """Pairs whose candidate was asked live, of the calls that all pairs stand for."""
    timed = ~np.isnan(case.window.candidate_latency_ms)
    calls = float(case.window.weight.sum())
    return float(timed.sum()) / calls if calls and timed.any() else None


def _missing(case: Case, days: Ints, hours: list[str]) -> list[str]:
    if not len(case.window):
        return ["no pair yet"]
    look, last = case.look, int(case.when.day[-1])
    gone = [day for day in days.tolist() if look.complete or day < last]
    lines = [f"no pair on {WEEKDAYS[(day - 1) % 7]} {iso(day)}" for day in gone]
    if not look.complete:
        left = (look.end - look.newest) / HOUR
        lines.append(f"the window ends {words.stamp(look.end)}: {left:,.0f} hours are to come")
    elif hours:
        more = f" and {len(hours) - 6} more" if len(hours) > 6 else ""
        lines.append(f"hours without a pair: {', '.join(hours[:6])}{more}")
    if (truths := labelled(case)) and truths.days:
        more = f" and {len(truths.days) - 6} more" if len(truths.days) > 6 else ""
        lines.append(f"too few labels: {', '.join(truths.days[:6])}{more}")
    lines += _unlabelled(case)
    lost = sorted(case.evidence.lost.items(), key=lambda item: (-item[1], item[0]))
    lines += [f"{n:,} calls made no pair: {reason}" for reason, n in lost if n]
    rest = len(lines) - MOST_NAMED
    return lines if rest <= 0 else [*lines[:MOST_NAMED], f"and {rest} more"]


def _unlabelled(case: Case) -> list[str]:
    """What nobody labels may be invented freely: no gate sees it."""
    found = case.evidence.unlabelled
    if not found:
        return []
    shown = ", ".join(f"{path} ({n:,} times)" for path, n in list(found.items())[:6])
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    fields = words.calls(len(found), "field")
    return [f"no truth names {fields} that the candidate's outputs have: {shown}{more}"]
