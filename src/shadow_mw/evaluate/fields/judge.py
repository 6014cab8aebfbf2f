"""The strict field judge: what each leg did with every field of the truth, no partial credit.

A leaf is a value that is neither an object nor a list with items. A key that the truth lacks is not
labelled; `null` in the truth says that there is no value, and may be hallucinated; so may what a
placeholder such as `""` or `"N/A"` in the truth stands for. Items of lists
are paired first (`align`). The truth's list is the whole list: an item that it lacks is
hallucinated at each of its leaves, one that the output lacks is missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shadow_mw.evaluate.fields.blank import is_blank
from shadow_mw.evaluate.fields.paths import join
from shadow_mw.evaluate.fields.request_schema import Schema
from shadow_mw.evaluate.fields.rules import PLAIN, Node
from shadow_mw.evaluate.fields.walk import Leaf, Walk
from shadow_mw.results import FieldOutcome
from shadow_mw.types import Json

__all__ = ["FieldScore", "check_truth", "is_blank", "judge", "judge_pair", "leaves"]

NOTHING_SAID = frozenset({FieldOutcome.MISSED, FieldOutcome.INVALID_OUTPUT})

Schemas = tuple[Schema | None, Schema | None]


def no_schemas() -> Schemas:
    """Nothing is known of what the request asked for."""
    return None, None


@dataclass(frozen=True, slots=True)
class FieldScore:
    """One leaf of one pair; a path that goes into a list comes once for each item."""

    path: str
    truth: str | None
    """`value` or `null` where the truth labels it."""
    primary: FieldOutcome
    candidate: FieldOutcome


def judge_pair(
    truth: Json,
    primary: Json,
    candidate: Json,
    rules: Node = PLAIN,
    asked: Callable[[], Schemas] = no_schemas,
) -> list[FieldScore]:
    """Judge both outputs against one truth, over the same leaves.

    Args:
        truth: a JSON object.
        primary: a JSON object; anything else is no valid output.
        candidate: the same.
        rules: what counts as equal, from `compile_rules`.
        asked: gives the schemas that the request has for the two outputs; only called where one
            of them has a field that the truth lacks.
    """
    # One output that both gave is walked once.
    legs = (primary,) if primary is candidate else (primary, candidate)
    walk = Walk(truth, legs, rules)
    beyond = walk.unlabelled(asked()[: len(legs)]) if walk.beyond else ()
    return [
        *(FieldScore(path, None, *_of_both(outcomes)) for path, outcomes in beyond),
        *map(_score, walk.leaves),
        *(FieldScore(path, "null", *_of_both(outcomes)) for path, outcomes in walk.extra()),
    ]


def judge(
    truth: Json, output: Json, rules: Node = PLAIN, schema: Schema | None = None
) -> list[tuple[str, FieldOutcome]]:
    """The outcome of every labelled leaf, and of what the output has beyond them."""
    walk = Walk(truth, (output,), rules)
    return [
        *((path, outcome) for path, (outcome,) in walk.unlabelled((schema,))),
        *((leaf.path, leaf.outcomes[0]) for leaf in walk.leaves),
        *((path, outcome) for path, (outcome,) in walk.extra()),
    ]


def leaves(truth: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every labelled leaf with its path."""
    if isinstance(truth, dict):
        for key, value in truth.items():
            yield from leaves(value, join(path, key))
    elif isinstance(truth, list) and truth:
        for value in truth:
            yield from leaves(value, f"{path}[]")
    else:
        yield path, truth


def check_truth(truth: Json) -> None:
    """Refuse a truth that labels nothing where somebody may think that it does.

    Raises:
        ValueError: saying which part, and what to write instead.
    """
    if not any(True for _ in leaves(truth)):
        raise ValueError("`truth` labels no field")
    path = next(_empty(truth, ""), None)
    if path is not None:
        raise ValueError(
            f"`truth` labels no field in {path}: say null where there is nothing, or leave it out"
        )


def _empty(value: Json, path: str) -> Iterator[str]:
    """Objects without a key."""
    if isinstance(value, dict):
        if not value:
            yield path
        for key, item in value.items():
            yield from _empty(item, join(path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _empty(item, f"{path}[]")


def _of_both(outcomes: Sequence[FieldOutcome]) -> tuple[FieldOutcome, FieldOutcome]:
    return outcomes[0], outcomes[-1]


def _score(leaf: Leaf) -> FieldScore:
    """What no rule can decide for one leg is compared for neither: a rate needs both.

    Where the other one says nothing at all, what is said counts as right: it would else be hidden
    that a model drops a text that the other one always writes in words of its own.
    """
    primary, candidate = _of_both(leaf.outcomes)
    undecided = FieldOutcome.NOT_LABELLED
    if primary is undecided and candidate in NOTHING_SAID:
        primary = FieldOutcome.CORRECT
    elif candidate is undecided and primary in NOTHING_SAID:
        candidate = FieldOutcome.CORRECT
    if primary is undecided or candidate is undecided:
        return FieldScore(leaf.path, None, undecided, undecided)
    return _known(leaf.path, "null" if leaf.is_null else "value", primary, candidate)


_known = lru_cache(4096)(FieldScore)
