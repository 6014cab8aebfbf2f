"""How bad it would have been to get the candidate's answer instead: pairs are shown worst first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from shadow_mw.evaluate.checks.check import CheckResult
from shadow_mw.evaluate.checks.run import Checks
from shadow_mw.evaluate.fields.divergence import Divergence
from shadow_mw.evaluate.fields.field_judge import Divergences
from shadow_mw.evaluate.fields.judge import FieldScore
from shadow_mw.evaluate.fields.transitions import RIGHT
from shadow_mw.evaluate.pair import Pair
from shadow_mw.harms import Harm
from shadow_mw.results import FieldOutcome

RANKS: Final = {harm: rank for rank, harm in enumerate(Harm)}
"""As `pairs.harm` has them: 0 is the worst. A judge's loss is never there, it is in `opinions`."""

SILENT: Final = frozenset({"refusal", "empty"})
"""Checks that find no answer in what a call gave."""

_OUTCOMES: Final = {
    FieldOutcome.HALLUCINATED: Harm.HALLUCINATED,
    FieldOutcome.INVALID_OUTPUT: Harm.INVALID_JSON,
    FieldOutcome.WRONG_VALUE: Harm.WRONG_VALUE,
    FieldOutcome.NULL_LIKE: Harm.WRONG_VALUE,
    FieldOutcome.MISSED: Harm.MISSED,
}
_ANYWAY: Final = frozenset({FieldOutcome.HALLUCINATED, FieldOutcome.INVALID_OUTPUT})
"""Worse than anything else that the primary may have done with the field."""
_SIGNS: Final[dict[tuple[Divergence, bool | None], Harm]] = {
    (Divergence.CANDIDATE_ONLY, False): Harm.HALLUCINATED,
    (Divergence.DIFFERENT, False): Harm.WRONG_VALUE,
    (Divergence.PRIMARY_ONLY, True): Harm.MISSED,
}
"""By kind, and whether the value is in the request."""


def harm(
    pair: Pair,
    checks: Checks,
    scores: Sequence[FieldScore] | None,
    results: Sequence[CheckResult],
    divergences: Divergences | None,
) -> int | None:
    """The rank of the worst that is known of a pair; None where the primary failed.

    The truth says what the candidate did worse than the primary. Pairs without one have signs
    only: a value that is not in the request counts as made up.
    """
    if checks.exact_match:
        return RANKS[Harm.SAME]
    found = set() if scores is None else _by_truth(scores)
    leaves = divergences.leaves if divergences else {}
    if scores is None:
        found |= {_SIGNS[kind, known] for _, kind, known in leaves if (kind, known) in _SIGNS}
    if pair.primary.answered and not pair.candidate.answered:
        found.add(Harm.NEW_REFUSAL)
    if any(r.candidate == 1 and r.primary == 0 and r.name in SILENT for r in results):
        found.add(Harm.NEW_REFUSAL)
    if checks.primary_json and not checks.candidate_json:
        found.add(Harm.INVALID_JSON)
    if not found and checks.exact_match is not None:
        found.add(Harm.SAME if divergences is not None and not leaves else Harm.DIFFERS)
    return min(map(RANKS.__getitem__, found), default=None)


def _by_truth(scores: Sequence[FieldScore]) -> set[Harm]:
    return {
        _OUTCOMES[score.candidate]
        for score in scores
        if score.truth is not None
        and score.candidate in _OUTCOMES
        and score.candidate is not score.primary
        and (score.primary in RIGHT or score.candidate in _ANYWAY)
    }
