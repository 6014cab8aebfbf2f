"""What an output did with one leaf of the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from shadow_mw.evaluate.fields.blank import is_blank
from shadow_mw.evaluate.fields.rules import Node
from shadow_mw.results import FieldOutcome
from shadow_mw.types import Json

CORRECT: Final = FieldOutcome.CORRECT
CORRECT_NULL: Final = FieldOutcome.CORRECT_NULL
HALLUCINATED: Final = FieldOutcome.HALLUCINATED
INVALID: Final = FieldOutcome.INVALID_OUTPUT
MISSED: Final = FieldOutcome.MISSED
NOT_LABELLED: Final = FieldOutcome.NOT_LABELLED
NULL_LIKE: Final = FieldOutcome.NULL_LIKE
UNEXPECTED: Final = FieldOutcome.UNEXPECTED_FIELD
WRONG: Final = FieldOutcome.WRONG_VALUE


@dataclass(frozen=True, slots=True)
class Misplaced:
    """A scalar or list where an object belongs, or the like: at each of its leaves, right at none.

    A reader of `vendor.name` does not find it in `vendor`.
    """

    value: Json


NO_OUTPUT: Final = object()
"""In place of every value of an output that is no JSON object."""


def fitting(leg: Json, kind: type) -> Json:
    """What an output has in place of an object or list, as its leaves are to see it."""
    if leg is None or leg is NO_OUTPUT or isinstance(leg, kind | Misplaced):
        return leg
    return Misplaced(leg)


def value_leaf(node: Node, truth: Json, output: Json) -> FieldOutcome:
    """Where the truth has a value."""
    if type(output) is type(truth) and output == truth:
        return CORRECT
    if output is NO_OUTPUT:
        return INVALID
    if isinstance(output, Misplaced):
        return MISSED if is_blank(output.value) else WRONG
    if _same_kind(truth, output) and node.normal(truth) == node.normal(output):
        return CORRECT
    if node.says_nothing(output):
        return MISSED
    # Two texts that differ may still say the same: no rule can tell.
    texts = isinstance(truth, str) and isinstance(output, str)
    return NOT_LABELLED if texts and node.rule.normalise == "free_text" else WRONG


def _same_kind(truth: Json, output: Json) -> bool:
    return isinstance(truth, list) == isinstance(output, list) and not isinstance(output, dict)


def null_leaf(node: Node, output: Json) -> FieldOutcome:
    """Where the truth is null."""
    if output is None:
        return CORRECT_NULL
    if output is NO_OUTPUT:
        return INVALID
    nothing = is_blank(output.value) if isinstance(output, Misplaced) else node.says_nothing(output)
    return NULL_LIKE if nothing else HALLUCINATED


def says_null(node: Node, truth: Json) -> bool:
    """A placeholder in the truth labels no value, unless it is declared as one of an enum."""
    return isinstance(truth, str) and node.says_nothing(truth)


def placeholder_leaf(node: Node, truth: Json, output: Json) -> FieldOutcome:
    """What differs from a truth such as `""` or `"N/A"`: a value is made up, a null is none."""
    if output is not None and not isinstance(output, Misplaced):
        outcome = value_leaf(node, truth, output)
        if outcome in (CORRECT, INVALID):
            return CORRECT_NULL if outcome is CORRECT else INVALID
    return NULL_LIKE if output is None else null_leaf(node, output)
