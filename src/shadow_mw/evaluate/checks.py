"""Checks that need no ground truth: the same answer, and valid JSON where JSON was wanted."""

from __future__ import annotations

from dataclasses import dataclass

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.answer import Answer
from shadow_mw.evaluate.pair import Leg, Pair
from shadow_mw.types import ToolCall


@dataclass(frozen=True, slots=True)
class Checks:
    """The results for one pair; None where a check does not apply."""

    exact_match: bool | None = None
    primary_json: bool | None = None
    candidate_json: bool | None = None


def check(pair: Pair, *, has_truth: bool) -> Checks:
    """Compare the two answers of a pair that may be compared.

    An exact match is not asked for where the primary failed: there is nothing to match. A failed
    candidate matches nothing and is not valid JSON.
    """
    primary, candidate = pair.primary.answer, pair.candidate.answer
    exact = None
    if pair.primary.answered:
        exact = pair.candidate.answered and same_answer(primary, candidate)
    if not (
        has_truth
        or pair.primary.observation.expects_json
        or primary.is_document
        or candidate.is_document
    ):
        return Checks(exact_match=exact)
    return Checks(exact, _json_valid(pair.primary), _json_valid(pair.candidate))


def same_answer(one: Answer, other: Answer) -> bool:
    """The same trimmed text and the same tool calls by name and JSON arguments, in any order."""
    return (
        one.text.strip() == other.text.strip()
        and one.refusal.strip() == other.refusal.strip()
        and _same_calls(one.tool_calls, other.tool_calls)
    )


def _same_calls(ours: tuple[ToolCall, ...], theirs: tuple[ToolCall, ...]) -> bool:
    if len(ours) != len(theirs):
        return False
    rest = [_comparable(call) for call in theirs]
    for call in map(_comparable, ours):
        if call not in rest:
            return False
        rest.remove(call)
    return True


def _comparable(call: ToolCall) -> object:
    try:
        arguments = strict_json.comparable(strict_json.loads(call.arguments))
    except strict_json.InvalidJson:
        arguments = call.arguments
    return call.name, arguments


def _json_valid(leg: Leg) -> bool:
    """Of several tool calls without text, all arguments have to be JSON."""
    reply = leg.answer
    if not reply.text.strip() and reply.tool_calls:
        return all(strict_json.is_valid(call.arguments) for call in reply.tool_calls)
    return leg.answered and reply.is_json
