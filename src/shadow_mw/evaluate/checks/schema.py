"""Whether an answer follows the schema that the request itself asks for."""

from __future__ import annotations

from typing import Final

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.checks import validation
from shadow_mw.evaluate.checks.case import Case, Side
from shadow_mw.evaluate.checks.check import CheckResult, legs, not_run
from shadow_mw.evaluate.fields.request_schema import Schema

VALID: Final = "valid"
INVALID: Final = "invalid"
NOT_JSON: Final = "not_json"
FAILED: Final = "failed"
CALLS: Final = "calls"
"""The leg called tools instead of answering: their arguments have schemas of their own."""


class SchemaValidity:
    """1.0 where the answer is strict JSON that follows the request's schema, formats included."""

    name = "schema"

    def run(self, case: Case) -> CheckResult | None:
        """Only where the request has a schema for its text, and somebody answered with text."""
        schema = case.schema
        if schema is None:
            return None
        if not validation.available():
            return not_run(self.name, validation.MISSING)
        by_call = case.pair.by_call
        classes = [_class(s, schema, by_call=by_call) for s in (case.primary, case.candidate)]
        if None in classes:
            return not_run(self.name, validation.UNUSABLE)
        if CALLS in classes:
            return None
        return legs(self.name, str(classes[0]), str(classes[1]), {VALID})


def _class(side: Side, schema: Schema, *, by_call: bool) -> str | None:
    if not side.answered:
        return FAILED
    if side.tool_calls and (by_call or not side.text):
        return CALLS
    answer = side.leg.answer
    try:
        value = answer.value if answer.is_json else strict_json.loads(side.text)
    except strict_json.InvalidJson:
        return NOT_JSON
    valid = validation.follows(value, schema.text)
    return None if valid is None else VALID if valid else INVALID
