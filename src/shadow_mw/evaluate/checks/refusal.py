"""Whether a leg answered, and where only one of the two refused."""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate.checks.case import Case, Side
from shadow_mw.evaluate.checks.check import CheckResult, legs
from shadow_mw.evaluate.checks.length import is_empty
from shadow_mw.evaluate.checks.refusal_rules import partly, refuses
from shadow_mw.evaluate.fields.blank import is_blank
from shadow_mw.types import Json

ANSWERED: Final = "answered"
PARTIAL: Final = "partial"
"""It refuses, and answers all the same."""
REFUSED: Final = "refused"
BLOCKED: Final = "blocked"
"""A filter of the server stopped the call, whatever the model wanted."""
EMPTY: Final = "empty"

_FILTERED = frozenset(
    {"content_filter", "content_filtered", "safety", "sensitive", "guardrail_intervened"}
    | {"prohibited_content", "blocklist", "recitation", "spii"}
)
"""Finish reasons of servers behind an OpenAI-compatible API, in lower case."""

_POLICY = (
    *("content_filter", "content_policy", "contentpolicy", "policy_violation", "moderation"),
    *("guardrail", "data_inspection", "responsible_ai", "safety"),
)
"""In the error types of calls that a filter rejected."""


_SAID_IN = ("refusal", "error", "message")
"""Keys of a document that has nothing else to say."""


class Refusal:
    """1.0 where a leg refused or was blocked; the candidate's alone are new refusals."""

    name = "refusal"

    def run(self, case: Case) -> CheckResult | None:
        """Not where a call failed for another reason: that says nothing about refusing."""
        primary, candidate = answer_class(case.primary), answer_class(case.candidate)
        if primary is None or candidate is None:
            return None
        result = legs(self.name, primary, candidate, {REFUSED, BLOCKED})
        if result.primary == result.candidate:
            return result
        detail = "new refusal" if result.candidate else "lost refusal"
        return CheckResult(self.name, result.primary, result.candidate, result.label, detail)


def answer_class(side: Side) -> str | None:
    """What kind of answer a leg is: what the server says goes before what the text looks like."""
    if not side.answered:
        error = (side.leg.observation.error_type or "").lower()
        return BLOCKED if any(word in error for word in _POLICY) else None
    if side.finish_reason.lower() in _FILTERED or side.refusal in _FILTERED:
        return BLOCKED
    if side.refusal.strip() or side.finish_reason == "refusal":
        return REFUSED
    if is_empty(side):
        return EMPTY
    if side.is_document and not side.tool_calls:
        return REFUSED if _refuses_in_json(side.leg.answer.value) else ANSWERED
    if side.tool_calls or not refuses(side.text):
        return ANSWERED
    return PARTIAL if partly(side.text) else REFUSED


def _refuses_in_json(value: Json) -> bool:
    """Whether an object only says that there will be no answer."""
    if not isinstance(value, dict) or value.keys().isdisjoint(_SAID_IN):
        return False
    said = [value[key] for key in _SAID_IN if isinstance(value.get(key), str)]
    if not all(is_blank(item) for key, item in value.items() if key not in _SAID_IN):
        return False
    return not is_blank(value.get("refusal")) or any(map(refuses, said))
