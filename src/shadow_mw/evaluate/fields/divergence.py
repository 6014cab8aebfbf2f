"""Where one leg has a value and the other has none: a sign of invention that needs no truth."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from shadow_mw.evaluate.fields.blank import is_blank
from shadow_mw.evaluate.fields.detection import ErrorRates, error_rates
from shadow_mw.evaluate.fields.judge import FieldScore
from shadow_mw.evaluate.fields.rules import PLAIN, Node
from shadow_mw.evaluate.fields.walk import Walk
from shadow_mw.results import FieldOutcome
from shadow_mw.types import Json


class Divergence(StrEnum):
    """How the two outputs stand to each other at one leaf."""

    SAME = "same"
    DIFFERENT = "different"
    BOTH_NULL = "both_null"
    CANDIDATE_ONLY = "candidate_only"
    """The primary is null: the candidate may have invented its value."""
    PRIMARY_ONLY = "primary_only"
    """The candidate is null: it may have missed a value, or the primary invented one."""


_OF = {
    FieldOutcome.CORRECT: Divergence.SAME,
    FieldOutcome.WRONG_VALUE: Divergence.DIFFERENT,
    # Free text whose meaning no rule can tell.
    FieldOutcome.NOT_LABELLED: Divergence.DIFFERENT,
    FieldOutcome.MISSED: Divergence.PRIMARY_ONLY,
    FieldOutcome.HALLUCINATED: Divergence.CANDIDATE_ONLY,
    FieldOutcome.CORRECT_NULL: Divergence.BOTH_NULL,
    FieldOutcome.NULL_LIKE: Divergence.BOTH_NULL,
}
"""The candidate judged as if the primary were the truth."""

_BEYOND = {
    FieldOutcome.UNEXPECTED_FIELD: Divergence.CANDIDATE_ONLY,
    FieldOutcome.NOT_LABELLED: Divergence.BOTH_NULL,
}
"""At keys that the primary does not have."""

_POPULATED = {FieldOutcome.CORRECT, FieldOutcome.WRONG_VALUE, FieldOutcome.HALLUCINATED}
_EMPTY = {FieldOutcome.MISSED, FieldOutcome.CORRECT_NULL, FieldOutcome.NULL_LIKE}


def divergence(
    primary: Json, candidate: Json, rules: Node = PLAIN
) -> list[tuple[str, Divergence]] | None:
    """Each leaf of the two outputs, lists paired; None where either is no JSON object."""
    if not isinstance(primary, dict) or not isinstance(candidate, dict):
        return None
    walk = Walk(_nulled(primary), (candidate,), rules)
    return [
        *((path, _BEYOND[outcome]) for path, (outcome,) in walk.unlabelled([None])),
        *((leaf.path, _OF[leaf.outcomes[0]]) for leaf in walk.leaves),
        *((path, _OF[outcome]) for path, (outcome,) in walk.extra()),
    ]


def divergence_rates(scores: Iterable[FieldScore]) -> dict[Divergence, ErrorRates]:
    """How well either kind of divergence shows the candidate's fault, on labelled leaves.

    `CANDIDATE_ONLY` stands for a hallucination and `PRIMARY_ONLY` for a missed value. Leaves where
    a leg has no valid output have no divergence, and are left out.
    """
    known = [
        score
        for score in scores
        if score.truth is not None and {score.primary, score.candidate} <= _POPULATED | _EMPTY
    ]
    return {
        Divergence.CANDIDATE_ONLY: error_rates(
            (
                score.primary in _EMPTY and score.candidate in _POPULATED,
                score.candidate is FieldOutcome.HALLUCINATED,
            )
            for score in known
        ),
        Divergence.PRIMARY_ONLY: error_rates(
            (
                score.primary in _POPULATED and score.candidate in _EMPTY,
                score.candidate is FieldOutcome.MISSED,
            )
            for score in known
        ),
    }


def _nulled(value: Json) -> Json:
    """Ways to say null as null, so that they count as no value."""
    if isinstance(value, dict):
        return {key: _nulled(item) for key, item in value.items()}
    if is_blank(value):
        return None
    return [_nulled(item) for item in value] if isinstance(value, list) else value
