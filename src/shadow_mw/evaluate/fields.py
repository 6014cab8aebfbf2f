"""The strict field judge: what each leg did with every field of the truth, no partial credit.

A leaf is everything but an object; a list is one leaf, compared as a whole. A key that the truth
lacks is not labelled; `null` in the truth says that there is no value, and may be hallucinated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from shadow_mw.evaluate import strict_json
from shadow_mw.results import FieldOutcome
from shadow_mw.types import Json

NULL_WORDS = frozenset(
    {
        *("", "-", "--", "---", "\N{EN DASH}", "\N{EM DASH}", "?", "n/a", "n.a.", "na", "nil"),
        *("none", "null", "unknown", "undefined", "not available", "not applicable"),
        *("not found", "not specified", "not provided", "not stated"),
    }
)
"""Strings that say there is no value, in lower case."""

MAX_UNLABELLED = 50
"""Paths of one output that the truth does not mention: what a model invents is bounded here."""

MAX_PATH = 200

Outcomes = dict[str, FieldOutcome]


@dataclass(frozen=True, slots=True)
class FieldScore:
    """One path of one pair."""

    path: str
    truth: str | None
    """`value` or `null` where the truth labels it."""
    primary: FieldOutcome
    candidate: FieldOutcome


def judge_pair(truth: Json, primary: Json, candidate: Json) -> list[FieldScore]:
    """Judge both outputs against one truth, over the same paths."""
    labelled = {path: "null" if value is None else "value" for path, value in leaves(truth)}
    ours, theirs = judge(truth, primary), judge(truth, candidate)
    absent = FieldOutcome.NOT_LABELLED
    return [
        FieldScore(path, labelled.get(path), ours.get(path, absent), theirs.get(path, absent))
        for path in dict.fromkeys([*ours, *theirs])
    ]


def judge(truth: Json, output: Json) -> Outcomes:
    """The outcome of every labelled leaf, and of what the output has beyond them.

    Args:
        truth: a JSON object.
        output: a JSON object; anything else is no valid output.
    """
    if not isinstance(output, dict):
        return {path: FieldOutcome.INVALID_OUTPUT for path, _ in leaves(truth)}
    labelled = dict(_labelled(truth, output, ""))
    beyond = sorted(_unlabelled(truth, output, ""))[:MAX_UNLABELLED]
    return {path[:MAX_PATH]: outcome for path, outcome in beyond} | labelled


def leaves(truth: Json, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every labelled leaf with its path."""
    if not isinstance(truth, dict):
        yield path, truth
        return
    for key, value in truth.items():
        yield from leaves(value, _join(path, key))


def _labelled(truth: Json, output: Json, path: str) -> Iterator[tuple[str, FieldOutcome]]:
    if not isinstance(truth, dict):
        yield path, _leaf(truth, output)
    elif isinstance(output, dict) or output is None:
        for key, value in truth.items():
            yield from _labelled(value, (output or {}).get(key), _join(path, key))
    else:
        # A scalar or list stands where an object belongs, so at each of its leaves, and right
        # at none: a reader of `vendor.name` does not find it in `vendor`.
        for leaf, value in leaves(truth, path):
            outcome = _leaf(value, output)
            yield leaf, _NEVER_RIGHT.get(outcome, outcome)


_NEVER_RIGHT = {FieldOutcome.CORRECT: FieldOutcome.WRONG_VALUE}


def _leaf(truth: Json, output: Json) -> FieldOutcome:
    if truth is None:
        return _null_leaf(output)
    if _equal(truth, output):
        return FieldOutcome.CORRECT
    return FieldOutcome.MISSED if is_blank(output) else FieldOutcome.WRONG_VALUE


def _null_leaf(output: Json) -> FieldOutcome:
    if output is None:
        return FieldOutcome.CORRECT_NULL
    return FieldOutcome.NULL_LIKE if is_blank(output) else FieldOutcome.HALLUCINATED


def _unlabelled(truth: Json, output: Json, path: str) -> Iterator[tuple[str, FieldOutcome]]:
    """Paths that only the output has; what stands in place of a labelled leaf is judged there."""
    for key, value in output.items():
        below = _join(path, key)
        known = isinstance(truth, dict) and key in truth
        expected = truth[key] if known else {}
        if isinstance(value, dict) and value and isinstance(expected, dict):
            yield from _unlabelled(expected, value, below)
        elif not known:
            blank = is_blank(value)
            yield below, FieldOutcome.NOT_LABELLED if blank else FieldOutcome.UNEXPECTED_FIELD


def is_blank(value: Json) -> bool:
    """Null, or a way to say null: an empty or dashed string, `N/A`, nothing but blanks inside."""
    if isinstance(value, str):
        return strict_json.normal(value).casefold() in NULL_WORDS
    if isinstance(value, dict):
        return all(map(is_blank, value.values()))
    if isinstance(value, list):
        return all(map(is_blank, value))
    return value is None


def _equal(truth: Json, output: Json) -> bool:
    return strict_json.comparable(truth, fold=True) == strict_json.comparable(output, fold=True)


def _join(path: str, key: str) -> str:
    """Keys that would read as several, or as a terminal's commands, are quoted."""
    bare = key and key.isprintable() and not any(char in key for char in '."[]')
    part = key if bare else json.dumps(key)
    return f"{path}.{part}" if path else part
