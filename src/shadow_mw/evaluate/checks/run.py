"""All checks of a pair that need no ground truth; start here, then read `checking`.

Two of them are columns of their own: the same answer, and strict JSON where JSON was wanted.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.answer import Answer
from shadow_mw.evaluate.checks.case import Case
from shadow_mw.evaluate.checks.check import NOT_RUN, Check, CheckResult, failed, sound
from shadow_mw.evaluate.checks.citations import CitationOverlap, Citations
from shadow_mw.evaluate.checks.facts import FactsDiffer
from shadow_mw.evaluate.checks.json_grade import JsonGrade
from shadow_mw.evaluate.checks.length import Empty, LengthBand, Truncated
from shadow_mw.evaluate.checks.lexical import LexicalSimilarity
from shadow_mw.evaluate.checks.own_checks import Unusable, own_checks
from shadow_mw.evaluate.checks.refusal import Refusal
from shadow_mw.evaluate.checks.schema import SchemaValidity
from shadow_mw.evaluate.checks.tokens import PromptTokens
from shadow_mw.evaluate.checks.tool_calls import InvalidToolCall, ToolCalls
from shadow_mw.evaluate.pair import Leg, Pair
from shadow_mw.types import ToolCall

logger = logging.getLogger("shadow_mw")


@dataclass(frozen=True, slots=True)
class Checks:
    """The results for one pair; None where a check does not apply."""

    exact_match: bool | None = None
    primary_json: bool | None = None
    candidate_json: bool | None = None


def built_in() -> list[Check]:
    """The checks that come with shadow_mw, as they are without settings."""
    return [
        JsonGrade(),
        SchemaValidity(),
        LengthBand(),
        Empty(),
        Truncated(),
        Refusal(),
        ToolCalls(),
        InvalidToolCall(),
        Citations(),
        CitationOverlap(),
        LexicalSimilarity(),
        FactsDiffer(),
        PromptTokens(),
    ]


@cache
def all_checks() -> tuple[Check, ...]:
    """Ours, then those of other packages; looked up once a process."""
    ours = built_in()
    return (*ours, *own_checks({check.name for check in ours}))


def run_checks(
    pair: Pair,
    *,
    has_truth: bool = False,
    context_tokens: int | None = None,
    checks: Sequence[Check] | None = None,
) -> list[CheckResult]:
    """What every check that applies says of a pair; nothing where the legs do not compare.

    Args:
        pair: both legs.
        has_truth: a truth waits to be compared, so that JSON is wanted.
        context_tokens: what the candidate can read and write in one call.
        checks: those to run; all that are installed by default.
    """
    if not pair.comparable:
        return []
    case = Case(pair, has_truth, context_tokens)
    found = (_run(check, case) for check in (all_checks() if checks is None else checks))
    return [result for result in found if result is not None]


def _run(check: Check, case: Case) -> CheckResult | None:
    """One check never costs the others, or the pair."""
    try:
        result = sound(check.run(case), check.name)
    except Exception as error:  # noqa: BLE001  # it may be anybody's code
        _say_once(check.name, _reason(check, error))
        return failed(check.name, error)
    if result is not None and result.label == NOT_RUN:
        _say_once(check.name, result.detail)
    return result


def _reason(check: Check, error: Exception) -> str:
    """What was raised and where; a message of a running check may quote what a user said."""
    if isinstance(check, Unusable):
        return f"{type(error).__name__}: {error}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {last.filename}:{last.lineno}"


_said: set[str] = set()


def _say_once(name: str, why: str) -> None:
    if name not in _said:
        _said.add(name)
        logger.warning("shadow_mw: check %s not run: %s", name, why)


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
    legs = pair.primary, pair.candidate
    return Checks(exact, *(_json_valid(leg, by_call=pair.by_call) for leg in legs))


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


def _json_valid(leg: Leg, *, by_call: bool) -> bool:
    """Of several tool calls, all arguments have to be JSON; a text beside them only where read."""
    reply = leg.answer
    if reply.tool_calls and (by_call or not reply.text.strip()):
        return all(strict_json.is_valid(call.arguments) for call in reply.tool_calls)
    return leg.answered and reply.is_json
