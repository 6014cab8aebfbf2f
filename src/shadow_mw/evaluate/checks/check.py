"""What a check is: it reads one pair and says one thing about it.

Read this first to write one of your own. A check with a value for each leg says something about
that leg alone, as a share from 0 to 1 (`1.0` where its JSON is valid); a check that compares the
two legs gives the candidate's value only (a ratio, a similarity).
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

from shadow_mw.evaluate.checks.case import Case

ERROR: Final = "error"
"""The label of a check that raised: counted and named, and no result."""

NOT_RUN: Final = "not run"
"""The label of a check that lacks something it needs; the detail says what."""

MAX_NAME: Final = 64
MAX_DETAIL: Final = 200


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check says of one pair."""

    name: str
    primary: float | None
    """None where the check compares the two legs."""
    candidate: float | None
    label: str
    """A word of few: labels are counted. `primary/candidate` where each leg has its own."""
    detail: str = ""
    """Short, for people: names and counts, never what a model or a user said."""


class Check(Protocol):
    """One check; an instance or a class without arguments may be an entry point."""

    @property
    def name(self) -> str:
        """What its results are stored under: lower case, digits, `_`, `.` and `-`."""

    def run(self, case: Case) -> CheckResult | None:
        """Look at one pair; None where the check does not apply to it."""


def legs(
    name: str, primary: str, candidate: str, counted: Collection[str], detail: str = ""
) -> CheckResult:
    """A result from a class of each leg: 1.0 where it is one of `counted`."""
    return _legs(name, primary, candidate, primary in counted, candidate in counted, detail)


@lru_cache(1024)
def _legs(
    name: str, primary: str, candidate: str, ours: bool, theirs: bool, detail: str
) -> CheckResult:
    """Made once: there are few classes, and few details."""
    return CheckResult(name, float(ours), float(theirs), f"{primary}/{candidate}", detail)


def not_run(name: str, why: str) -> CheckResult:
    """A check that would apply, and lacks something."""
    return CheckResult(name, None, None, NOT_RUN, why[:MAX_DETAIL])


def failed(name: str, error: BaseException) -> CheckResult:
    """A check that raised; its message may quote content, so only the kind is kept."""
    return CheckResult(name, None, None, ERROR, type(error).__name__[:MAX_DETAIL])


def sound(result: object, name: str) -> CheckResult | None:
    """A result as a store can hold it, under the name of its check.

    Raises:
        TypeError: it is no result at all.
    """
    if result is None:
        return None
    if not isinstance(result, CheckResult):
        raise TypeError("a check returns a CheckResult or None")
    if result.name == name and _is_sound(result):
        return result
    return CheckResult(
        name,
        _finite(result.primary),
        _finite(result.candidate),
        _line(result.label, MAX_NAME),
        _line(result.detail, MAX_DETAIL),
    )


def _is_sound(result: CheckResult) -> bool:
    for value in (result.primary, result.candidate):
        if value is not None and not (type(value) is float and math.isfinite(value)):
            return False
    detail = result.detail
    # Most have none.
    return _is_line(result.label, MAX_NAME) and (detail == "" or _is_line(detail, MAX_DETAIL))


def _is_line(text: str, most: int) -> bool:
    return type(text) is str and len(text) <= most and text.isprintable()


def _finite(value: float | None) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _line(text: str, most: int) -> str:
    """Only characters that a database and a terminal take."""
    shown = str(text)
    if not shown.isprintable():
        shown = "".join(char if char.isprintable() else " " for char in shown)
    return shown[:most]
