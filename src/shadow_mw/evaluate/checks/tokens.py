"""What the candidate's tokeniser makes of the same prompt, and whether it fits its context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from shadow_mw.evaluate.checks.case import Case
from shadow_mw.evaluate.checks.check import CheckResult
from shadow_mw.types import Json
from shadow_mw.wire.lenient import count

FITS: Final = "fits"
OVERFLOW: Final = "overflow"
UNKNOWN: Final = "context_unknown"

_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_OVERFLOWED = ("context_length", "context_window", "prompt_too_long", "too_many_tokens")
"""In the error types and finish reasons of servers whose context was too short."""


class PromptTokens:
    """Input tokens of the candidate over the primary's, and whether the call fits its context."""

    name = "prompt_tokens"

    def run(self, case: Case) -> CheckResult | None:
        """Where both said their usage, or the candidate said that the context was too short."""
        ours = case.pair.primary.observation.input_tokens
        theirs = case.pair.candidate.observation.input_tokens
        ratio = theirs / ours if ours and theirs is not None else None
        label = _label(case, theirs)
        if ratio is None and label != OVERFLOW:
            return None
        return CheckResult(self.name, None, ratio, label)


def _label(case: Case, prompt: int | None) -> str:
    """What the server said goes before what the numbers say."""
    seen = case.pair.candidate.observation
    said = f"{seen.error_type or ''} {seen.finish_reason or ''}".lower()
    if any(mark in said for mark in _OVERFLOWED):
        return OVERFLOW
    if case.context_tokens is None or prompt is None:
        return UNKNOWN
    limit = wanted(case.request) if "max_" in case.request_text else 0
    return OVERFLOW if prompt + limit > case.context_tokens else FITS


def wanted(request: Mapping[str, Json]) -> int:
    """The output limit that a request sets; none is nothing."""
    limits: list[Json] = [request.get(name) for name in _LIMITS]
    return next((limit for value in limits if (limit := count(value)) is not None), 0)
