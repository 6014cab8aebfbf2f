"""Both legs by segment, by day and by document, aggregated in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from shadow_mw.breakdown import Documents, Slice, SliceLeg
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store

DAY_NS: Final = 86_400 * 10**9
FAILED: Final = "outcome IN ('error', 'timeout')"
SUMS: Final = (
    "count(*)",
    "total(scored)",
    "total(leaves)",
    "total(nulls)",
    "count(exact_match)",
    "total(exact_match)",
    "total(primary_correct)",
    "total(primary_hallucinated)",
    f"total(p.{FAILED})",
    "total(candidate_correct)",
    "total(candidate_hallucinated)",
    f"total(c.{FAILED})",
    # Documents.
    "total(leaves > 0)",
    "total(leaves > 0 AND primary_correct = leaves)",
    "total(leaves > 0 AND candidate_correct = leaves)",
    "total(primary_hallucinated > 0)",
    "total(candidate_hallucinated > 0)",
)
DOCUMENT_SUMS: Final = 5
CELLS: Final = f"""
SELECT coalesce(p.segment, ''), p.time_ns / {DAY_NS}, {", ".join(SUMS)}
FROM pairs JOIN observations p ON p.id = primary_row JOIN observations c ON c.id = candidate_row
WHERE series = {SERIES} GROUP BY 1, 2
"""

Sums = list[int]


def slices(
    store: Store, key: tuple[str, str]
) -> tuple[dict[str, Slice], dict[str, Slice], Documents]:
    """By the primary's segment (empty where none was given), by its day (UTC), and documents."""
    cells = [(row[0], row[1], [int(n) for n in row[2:]]) for row in store.query(CELLS, key)]
    segments = _added((segment, sums) for segment, _, sums in cells)
    days = _added((day, sums) for _, day, sums in sorted(cells, key=lambda cell: cell[1]))
    whole = _added(("", sums) for _, _, sums in cells).get("")
    return (
        {name: _slice(sums) for name, sums in segments.items()},
        {_date(day): _slice(sums) for day, sums in days.items()},
        Documents(*whole[-DOCUMENT_SUMS:]) if whole else Documents(),
    )


def _added(cells: Iterable[tuple[Any, Sums]]) -> dict[Any, Sums]:
    found: dict[Any, Sums] = {}
    for name, sums in cells:
        known = found.get(name)
        found[name] = sums if known is None else [a + b for a, b in zip(known, sums, strict=True)]
    return found


def _slice(sums: Sums) -> Slice:
    pairs, scored, leaves, nulls, matchable, matches = sums[:6]
    legs = SliceLeg(*sums[6:9]), SliceLeg(*sums[9:12])
    return Slice(pairs, scored, leaves, nulls, matchable, matches, *legs)


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()
