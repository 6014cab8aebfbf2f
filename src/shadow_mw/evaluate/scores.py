"""A pair's results as the scores that go back on its trace, about the candidate's leg."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from shadow_mw.evaluate.checks.check import ERROR, NOT_RUN, CheckResult
from shadow_mw.results import UNLABELLED, FieldOutcome
from shadow_mw.scores import Score

MOST_PATHS = 5
"""Named in one explanation."""

CORRECT = frozenset({FieldOutcome.CORRECT, FieldOutcome.CORRECT_NULL})

FINE: Final[Mapping[str, float]] = {
    "json": 1.0,
    "schema": 1.0,
    "empty": 0.0,
    "truncated": 0.0,
    "refusal": 0.0,
    "tool_calls": 1.0,
    "invalid_tool_call": 0.0,
    "invalid_citation": 0.0,
    "facts_differ": 0.0,
}
"""Our checks that give a verdict, with the value of a leg that nothing is wrong with. They say
something only where one leg has another: most pairs have nothing, and rates are in /metrics."""

Field = tuple[str, str | None, FieldOutcome]
"""Path, what the truth has there (`value`, `null` or None), the candidate's outcome."""


def scores(
    exact_match: bool | None,
    json_valid: bool | None,
    fields: Iterable[Field],
    results: Iterable[CheckResult] = (),
) -> tuple[Score, ...]:
    """The comparisons that applied to the pair, and every verdict that finds something."""
    labelled = [field for field in fields if field[1] is not None and field[2] not in UNLABELLED]
    found = {result.name: result for result in results}
    return tuple(
        score
        for score in (
            _check("shadow.exact_match", exact_match),
            _check("shadow.json_valid", json_valid),
            _field_accuracy(labelled),
            _null_hallucination([field for field in labelled if field[1] == "null"]),
            *(_verdict(found[name], fine) for name, fine in FINE.items() if name in found),
        )
        if score is not None
    )


def _check(name: str, passed: bool | None) -> Score | None:
    return None if passed is None else Score(name, float(passed), _label(passed), None)


def _verdict(result: CheckResult, fine: float) -> Score | None:
    """The label says more than pass or fail would: who refused, which call differs in what."""
    values = {value for value in (result.primary, result.candidate) if value is not None}
    if result.label in (ERROR, NOT_RUN) or values == {fine}:
        return None
    return Score(f"shadow.{result.name}", result.candidate, result.label, result.detail or None)


def _field_accuracy(labelled: list[Field]) -> Score | None:
    wrong = [field for field in labelled if field[2] not in CORRECT]
    right = len(labelled) - len(wrong)
    return _share("shadow.field_accuracy", right, labelled, "correct", wrong)


def _null_hallucination(nulls: list[Field]) -> Score | None:
    invented = [field for field in nulls if field[2] == FieldOutcome.HALLUCINATED]
    return _share("shadow.null_hallucination", len(invented), nulls, "hallucinated", invented)


def _share(name: str, n: int, of: list[Field], word: str, faults: list[Field]) -> Score | None:
    """A share of labelled fields; the explanation names those at fault, with their outcomes."""
    if not of:
        return None
    text = f"{n} of {len(of)} labelled {'fields' if len(of) > 1 else 'field'} {word}"
    named = [f"{path} ({outcome})" for path, _, outcome in faults[:MOST_PATHS]]
    more = [f"{len(faults) - MOST_PATHS} more"] if len(faults) > MOST_PATHS else []
    explanation = ": ".join([text, ", ".join(named + more)]) if faults else text
    return Score(name, n / len(of), _label(not faults), explanation)


def _label(passed: bool) -> str:
    return "pass" if passed else "fail"
