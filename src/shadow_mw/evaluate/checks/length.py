"""How long answers are, whether they are there, and whether they were cut."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

from shadow_mw.evaluate.checks.case import Case, Side
from shadow_mw.evaluate.checks.check import CheckResult, legs

SHORTEST: Final = 0.5
LONGEST: Final = 2.0
BOTH_SHORT: Final = 40
"""Characters below which a ratio says nothing: `Yes.` against `Yes, it is.`"""

UNSEEN: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Fillers and the empty braille pattern: letters and symbols by name."""

CUT: Final = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded", "model_length"}
)
"""Finish reasons of all wire formats that say: the limit ended the answer."""


class LengthBand:
    """Characters of the candidate's text over the primary's."""

    name = "length"

    def __init__(self, shortest: float = SHORTEST, longest: float = LONGEST) -> None:
        self._shortest, self._longest = shortest, longest

    def run(self, case: Case) -> CheckResult | None:
        """Where both have text; characters, since two models count tokens differently."""
        ours, theirs = len(case.primary.text), len(case.candidate.text)
        if not ours or not theirs:
            return None
        ratio = theirs / ours
        return CheckResult(self.name, None, ratio, self._label(ours, theirs, ratio))

    def _label(self, ours: int, theirs: int, ratio: float) -> str:
        if max(ours, theirs) < BOTH_SHORT:
            return "both_short"
        if ratio < self._shortest:
            return "shorter"
        return "longer" if ratio > self._longest else "within"


class Empty:
    """1.0 where a call ended properly and said nothing: no text, no tool call, no refusal."""

    name = "empty"

    def run(self, case: Case) -> CheckResult | None:
        """Where both calls ended properly; a failed one is counted as a failure."""
        return _both(self.name, case, _fullness, "empty")


class Truncated:
    """1.0 where the output limit or the context ended the answer."""

    name = "truncated"

    def run(self, case: Case) -> CheckResult | None:
        """Where both calls ended properly."""
        return _both(self.name, case, _ending, "truncated")


def is_empty(side: Side) -> bool:
    """Nothing that an app could use."""
    return not (side.tool_calls or _is_visible(side.text) or _is_visible(side.refusal))


def _is_visible(text: str) -> bool:
    """Whether it has anything but space, controls, and letters that print as nothing."""
    if text.isascii():
        return bool(text.strip())
    return any(unicodedata.category(c)[0] not in "CZ" and c not in UNSEEN for c in text)


def _both(
    name: str, case: Case, classify: Callable[[Side], str], counted: str
) -> CheckResult | None:
    if not (case.primary.answered and case.candidate.answered):
        return None
    return legs(name, classify(case.primary), classify(case.candidate), {counted})


def _fullness(side: Side) -> str:
    return "empty" if is_empty(side) else "filled"


def _ending(side: Side) -> str:
    return "truncated" if side.finish_reason.lower() in CUT else "complete"
