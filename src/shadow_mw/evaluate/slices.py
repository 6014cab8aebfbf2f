"""Both legs by segment, by day and by document."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from shadow_mw.breakdown import Documents, Slice, SliceLeg
from shadow_mw.evaluate.pair_sums import LEGS, Cell, Sums, added, added_by


def slices(cells: Sequence[Cell]) -> tuple[dict[str, Slice], dict[str, Slice], Documents]:
    """By the primary's segment (empty where none was given), by its day (UTC), and documents."""
    segments = added_by(cells, lambda cell: cell.segment)
    days = added_by(cells, lambda cell: cell.day)
    return (
        {name: _slice(sums) for name, sums in segments.items()},
        {_date(day): _slice(sums) for day, sums in days.items()},
        _documents(added(cells)),
    )


def _slice(sums: Sums) -> Slice:
    names = ("pairs", "scored", "leaves", "nulls", "matchable", "matches")
    counts = {name: int(sums[name]) for name in names}
    return Slice(**counts, primary=_leg(sums, "primary"), candidate=_leg(sums, "candidate"))


def _leg(sums: Sums, leg: str) -> SliceLeg:
    return SliceLeg(*(int(sums[f"{leg}_{name}"]) for name in ("correct", "hallucinated", "failed")))


def _documents(sums: Sums) -> Documents:
    kinds = ("all_correct", "any_hallucinated")
    counts = [int(sums[f"{leg}_{kind}"]) for kind in kinds for leg in LEGS]
    return Documents(int(sums["documents"]), *counts)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
