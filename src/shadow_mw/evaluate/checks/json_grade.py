"""Whether an answer is JSON: strictly, only after repair, or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Final

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.checks.case import Case, Side
from shadow_mw.evaluate.checks.check import CheckResult, legs
from shadow_mw.types import Json

STRICT: Final = "strict"
REPAIRED: Final = "repaired"
INVALID: Final = "invalid"
FAILED: Final = "failed"
"""The call ended without an answer: no JSON either."""

MAX_REPAIRED: Final = 50_000
"""Characters; a longer answer is not repaired but by its code fence."""

_FENCE = re.compile(r"```[ \t]*[\w+-]*[ \t]*\r?\n(.*?)(?:\r?\n[ \t]*```|\Z)", re.DOTALL)
_OPENING = re.compile(r"""\{\s*["'\w]|\[\s*["'{\[\d-]""")
_ORDER = (STRICT, REPAIRED, INVALID)


class JsonGrade:
    """1.0 where the answer is exactly one JSON value, as RFC 8259 has it."""

    name = "json"

    def run(self, case: Case) -> CheckResult | None:
        """Where JSON is wanted; a gate reads strict, repaired is what a lenient parser saves."""
        if not case.wants_json:
            return None
        ours, theirs = (
            grade(side, by_call=case.pair.by_call) for side in (case.primary, case.candidate)
        )
        return legs(self.name, ours, theirs, {STRICT})


def grade(side: Side, *, by_call: bool = False) -> str:
    """The grade of a leg; of several tool calls, of the worst one's arguments.

    Args:
        side: one leg.
        by_call: whether calls are what is read, also where there is text beside them.
    """
    if not side.answered:
        return FAILED
    if not side.tool_calls or (side.text and not by_call):
        return STRICT if side.text and side.leg.answer.is_json else text_grade(side.text)
    return max((text_grade(call.arguments) for call in side.tool_calls), key=_ORDER.index)


def text_grade(text: str) -> str:
    """The grade of a text."""
    if strict_json.is_valid(text):
        return STRICT
    return REPAIRED if _repaired(text) else INVALID


def _repaired(text: str) -> bool:
    fence = _FENCE.search(text)
    inner = (fence[1] if fence else text).strip()
    if fence and strict_json.is_valid(inner):
        return True
    start = min((at for sign in "{[" if (at := inner.find(sign)) >= 0), default=-1)
    if start < 0 or len(inner) > MAX_REPAIRED:
        return False
    end = max(inner.rfind("}"), inner.rfind("]")) + 1
    within = strict_json.loads_or_none(inner[start:end])
    return _is_meant(within, inner) or (start == 0 and _is_meant(_mended(inner), inner))


def _is_meant(value: Json, text: str) -> bool:
    """Prose is no JSON, however much a repairer makes of it: `[1] says so` is no list."""
    if isinstance(value, list) and value:
        whole = text[0] == "[" and text[-1] == "]" and text.count("[") == 1
        return whole or isinstance(value[0], dict | list)
    return isinstance(value, dict) and bool(value)


def _mended(text: str) -> Json:
    loads = _repairer()
    if loads is None or not _OPENING.match(text):
        return None
    try:
        return loads(text)
    except (ValueError, RecursionError, IndexError):
        return None


@cache
def _repairer() -> Callable[[str], Json] | None:
    try:
        from json_repair import loads
    except ImportError:
        return None
    return loads
