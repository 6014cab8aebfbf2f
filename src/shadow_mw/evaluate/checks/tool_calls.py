"""Whether the candidate calls the tools that the primary called, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from shadow_mw.evaluate.checks.case import Case
from shadow_mw.evaluate.checks.check import CheckResult, legs
from shadow_mw.evaluate.checks.made_calls import Made
from shadow_mw.evaluate.fields.assignment import assign
from shadow_mw.evaluate.offered import Offered

FAILED: Final = "failed"
"""The candidate's call failed: it called no tool, and that is no decision of its own."""
NO_CALLS: Final = "no_calls"
IDENTICAL: Final = "identical"
EQUIVALENT: Final = "equivalent"
OTHER_ORDER: Final = "other_order"
"""The same calls, where their order counts."""
OTHER_ARGUMENTS: Final = "other_arguments"
EXTRA_CALL: Final = "extra_call"
MISSING_CALL: Final = "missing_call"
OTHER_TOOLS: Final = "other_tools"
BREAKS_SCHEMA: Final = "breaks_schema"
NOT_OFFERED: Final = "not_offered"
NONE_EXPECTED: Final = "none_expected"
"""It calls where the primary did not."""
CALL_EXPECTED: Final = "call_expected"
"""It does not call where the primary did."""

SAME: Final = frozenset({NO_CALLS, IDENTICAL, EQUIVALENT})
MAX_ASSIGNED: Final = 16
"""Calls of one side that are held against each other; only the names of arguments depend on it."""


class ToolCalls:
    """1.0 where the candidate makes the same calls as the primary, or as little any."""

    name = "tool_calls"

    def __init__(self, *, ordered: bool = False) -> None:
        self._ordered = ordered

    def run(self, case: Case) -> CheckResult | None:
        """Where tools are offered, or somebody called one; parallel calls in any order."""
        if not _concerned(case) or not case.primary.answered:
            return None
        ours, theirs = case.calls
        label = FAILED
        if case.candidate.answered:
            label = ladder(ours, theirs, case.offered, ordered=self._ordered)
        detail = ", ".join(differing(ours, theirs)) if label == OTHER_ARGUMENTS else ""
        return CheckResult(self.name, None, float(label in SAME), label, detail)


class InvalidToolCall:
    """1.0 where a leg calls a tool that is not offered, or with arguments that it cannot take."""

    name = "invalid_tool_call"

    def run(self, case: Case) -> CheckResult | None:
        """Where both calls ended properly and at least one of them called a tool."""
        both = case.primary, case.candidate
        if not all(side.answered for side in both) or not any(side.tool_calls for side in both):
            return None
        ours, theirs = (_fault(calls, case.offered) for calls in case.calls)
        return legs(self.name, ours, theirs, {NOT_OFFERED, BREAKS_SCHEMA})


def ladder(
    ours: Sequence[Made],
    theirs: Sequence[Made],
    offered: Offered | None = None,
    *,
    ordered: bool = False,
) -> str:
    """The step on which the candidate's calls stand; the worst one that is true."""
    if not ours and not theirs:
        return NO_CALLS
    if [call.written for call in ours] == [call.written for call in theirs]:
        return IDENTICAL
    if (fault := _fault(theirs, offered)) in (NOT_OFFERED, BREAKS_SCHEMA):
        return fault
    if not ours or not theirs:
        return CALL_EXPECTED if ours else NONE_EXPECTED
    left, right = [call.canonical for call in ours], [call.canonical for call in theirs]
    if Counter(left) == Counter(right):
        return OTHER_ORDER if ordered and left != right else EQUIVALENT
    return _by_names([call.name for call in ours], [call.name for call in theirs])


def differing(ours: Sequence[Made], theirs: Sequence[Made]) -> list[str]:
    """Names of arguments that differ (`tool.argument`), calls matched so that they are fewest."""
    ours, theirs = _unmatched(ours, theirs)
    found: set[str] = set()
    for name in dict.fromkeys(call.name for call in ours):
        left = [call for call in ours if call.name == name][:MAX_ASSIGNED]
        right = [call for call in theirs if call.name == name][:MAX_ASSIGNED]
        if len(left) > len(right):
            left, right = right, left
        if not left:
            continue
        unequal = [[_unequal(one, other) for other in right] for one in left]
        for row, column in enumerate(assign([[len(names) for names in row] for row in unequal])):
            found |= {f"{name}.{argument}" for argument in unequal[row][column]}
    return sorted(found)


def _concerned(case: Case) -> bool:
    return bool(case.offered or case.primary.tool_calls or case.candidate.tool_calls)


def _fault(calls: Sequence[Made], offered: Offered | None) -> str:
    """What is wrong with calls by themselves."""
    if not calls:
        return NO_CALLS
    if offered is not None and any(call.tool is None for call in calls):
        return NOT_OFFERED
    return BREAKS_SCHEMA if any(call.breaks_schema for call in calls) else "valid"


def _by_names(ours: list[str], theirs: list[str]) -> str:
    """Calls of one tool count each: twice the same is not once."""
    more, less = Counter(theirs) - Counter(ours), Counter(ours) - Counter(theirs)
    if more and less:
        return OTHER_TOOLS
    if more:
        return EXTRA_CALL
    return MISSING_CALL if less else OTHER_ARGUMENTS


def _unmatched(
    ours: Sequence[Made], theirs: Sequence[Made]
) -> tuple[Sequence[Made], Sequence[Made]]:
    """Both without the calls that have an equal one on the other side."""
    rest = Counter(call.canonical for call in theirs)
    left: list[Made] = []
    for call in ours:
        if rest[call.canonical]:
            rest[call.canonical] -= 1
        else:
            left.append(call)
    right: list[Made] = []
    for call in theirs:
        if rest[call.canonical]:
            rest[call.canonical] -= 1
            right.append(call)
    return left, right


def _unequal(one: Made, other: Made) -> list[str]:
    ours, theirs = one.by_name, other.by_name
    return sorted(
        key
        for key in ours.keys() | theirs.keys()
        if key not in ours or key not in theirs or ours[key] != theirs[key]
    )
