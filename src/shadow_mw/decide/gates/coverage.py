"""Whether the window saw enough: pairs, days, hours of the week, and calls that made a pair."""

from __future__ import annotations

from shadow_mw.decide import words
from shadow_mw.decide.calendar import WEEKDAYS
from shadow_mw.decide.case import Case
from shadow_mw.decide.gates.result import HIGHER
from shadow_mw.decide.labelled import labelled
from shadow_mw.decide.plan import Window
from shadow_mw.verdicts import Coverage, GateResult, State

MOST_REASONS = 3


def coverage_gates(case: Case, found: Coverage) -> list[GateResult]:
    """Counts; none of them can fail, since more data may come."""
    return [
        *(_pairs(case), _days(case, found), _hours(case, found), _completion(case, found)),
        *_labels(case),
    ]


def _pairs(case: Case) -> GateResult:
    """As many as they are worth: a few that stand for most calls are a few."""
    n, needed = len(case.window), case.plan.sample.pairs
    worth = _worth(case)
    reason = f"{worth:,} of {needed:,} pairs"
    if worth < n:
        reason += f": {n:,} stand for so different numbers of calls that they are worth no more"
    return _counted(
        "coverage.pairs",
        "pairs",
        worth,
        needed,
        "count",
        f"at least {needed:,}",
        reason,
        worth >= needed,
        n,
    )


def _worth(case: Case) -> int:
    """Pairs of one weight that tell as much: Kish (1965), section 11.7."""
    weight = case.window.weight
    if not len(weight) or (weight == weight[0]).all():
        return len(weight)
    return round(float(weight.sum()) ** 2 / float(weight @ weight))


def _days(case: Case, found: Coverage) -> GateResult:
    window = case.plan.window
    rare = [
        f"{name} {n}x"
        for name, n in zip(WEEKDAYS, found.weekdays, strict=True)
        if n < window.weekday_times
    ]
    reason = f"{found.days} of {window.days} days"
    if not found.complete:
        reason += ": the window is not over"
    elif rare:
        reason += f": {', '.join(rare)}, each {window.weekday_times}x is needed"
    missing = [line for line in found.missing if line.startswith("no pair on ")]
    if missing:
        reason += f"; {_first(missing)}"
    return _counted(
        "coverage.days",
        "days",
        found.days,
        window.days,
        "count",
        _needed_days(window),
        reason,
        found.complete and not rare,
        len(case.window),
    )


def _needed_days(window: Window) -> str:
    times = f", each weekday {window.weekday_times}x" if window.weekday_times else ""
    return f"a whole window of {window.days} days{times}"


def _hours(case: Case, found: Coverage) -> GateResult:
    needed = case.plan.window.hour_share
    return _counted(
        "coverage.hours",
        "calls in hours that have pairs",
        found.volume_share,
        needed,
        "share",
        f"at least {words.share(needed)}",
        f"{words.share(found.volume_share)} of the window's calls lie in hours that have pairs",
        bool(len(case.window)) and found.volume_share >= needed,
        len(case.window),
    )


def _completion(case: Case, found: Coverage) -> GateResult:
    needed, lost = case.plan.window.completion, case.evidence.lost
    total = case.evidence.paired + sum(lost.values())
    reason = f"{case.evidence.paired:,} of {total:,} calls that should have made a pair did"
    if losses := sorted(((n, why) for why, n in lost.items() if n), key=lambda x: (-x[0], x[1])):
        shown = [f"{why} {n:,}" for n, why in losses]
        reason += (
            f" ({', '.join(shown[:MOST_REASONS])}{', ...' if len(shown) > MOST_REASONS else ''})"
        )
    return _counted(
        "coverage.completion",
        "calls that made a pair",
        found.completion,
        needed,
        "share",
        f"at least {words.share(needed)}",
        reason,
        bool(total) and found.completion >= needed,
        total,
    )


def _labels(case: Case) -> list[GateResult]:
    """A day without labels may be the bad one: as much has to have them as hours have pairs."""
    found = labelled(case)
    if found is None:
        return []
    needed = case.plan.window.hour_share
    weekdays = found.weekdays if case.plan.window.weekday_times else ()
    reason = (
        f"{words.share(found.share)} of calls lie on days with labels,"
        f" {found.pairs:,} of {words.calls(len(case.pairs), 'pair')} have a truth"
    )
    if weekdays:
        reason += f"; none on any {', '.join(weekdays)}"
    elif found.days:
        reason += f"; too few on {_first(list(found.days))}"
    if found.easier is not None:
        ours, others = map(words.share, found.easier)
        reason += f"; outputs differ in {ours} of these and in {others} of the others"
    return [
        _counted(
            "coverage.labels",
            "calls on days with labels",
            found.share,
            needed,
            "share",
            f"at least {words.share(needed)}",
            reason,
            found.share >= needed and not weekdays and found.easier is None,
            found.pairs,
        )
    ]


def _counted(
    name: str,
    title: str,
    value: float,
    margin: float,
    unit: str,
    needed: str,
    reason: str,
    enough: bool,
    n: int,
) -> GateResult:
    return GateResult(
        name=name,
        title=title,
        primary=None,
        candidate=value,
        delta=None,
        interval=None,
        margin=margin,
        better=HIGHER,
        unit=unit,
        needed=needed,
        state=State.PASS if enough else State.UNPROVEN,
        n=n,
        reason=reason,
        method="counted",
    )


def _first(lines: list[str]) -> str:
    more = f" and {len(lines) - 1} more" if len(lines) > 1 else ""
    return f"{lines[0]}{more}"
