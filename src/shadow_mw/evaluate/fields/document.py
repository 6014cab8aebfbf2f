"""What the leaves of one pair add up to: the columns of `tables.DOCUMENT`."""

from __future__ import annotations

from collections.abc import Sequence

from shadow_mw.evaluate.fields.judge import FieldScore
from shadow_mw.evaluate.tables import DOCUMENT
from shadow_mw.results import FieldOutcome

_KINDS = (
    (FieldOutcome.CORRECT, FieldOutcome.CORRECT_NULL),
    (FieldOutcome.HALLUCINATED,),
    (FieldOutcome.INVALID_OUTPUT,),
    (FieldOutcome.NULL_LIKE,),
)
"""In the order of the columns, each for the primary, then for the candidate."""


def document_sums(scores: Sequence[FieldScore] | None) -> tuple[int | None, ...]:
    """Labelled leaves, those whose truth is null, and both legs' outcomes; None if not scored."""
    if scores is None:
        return (None,) * len(DOCUMENT)
    labelled = [score for score in scores if score.truth is not None]
    legs = [score.primary for score in labelled], [score.candidate for score in labelled]
    counts = [sum(map(leg.count, kind)) for kind in _KINDS for leg in legs]
    return len(labelled), sum(score.truth == "null" for score in labelled), *counts
