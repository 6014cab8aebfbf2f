"""What the pairs of a series add up to, by segment and day: one scan of one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from shadow_mw.evaluate.series import PRICED, SERIES
from shadow_mw.evaluate.store import Store

DAY_NS: Final = 86_400 * 10**9
LEGS: Final = ("primary", "candidate")
INFINITE: Final = "9e999"
"""Latency of a call that did not end properly."""

_COSTED: Final = f"{PRICED} AND primary_cost_usd IS NOT NULL AND candidate_cost_usd IS NOT NULL"
# Of a stream: a failed call is one where the other leg says when it began.
_TTFT: Final = f"timed AND (primary_ttft_ms < {INFINITE} OR candidate_ttft_ms < {INFINITE})"
BOTH_MS: Final = "timed AND primary_latency_ms IS NOT NULL AND candidate_latency_ms IS NOT NULL"
BOTH_TTFT: Final = f"{_TTFT} AND primary_ttft_ms IS NOT NULL AND candidate_ttft_ms IS NOT NULL"
"""Pairs whose latency compares, and whose time to the first byte does."""

_LEG: Final = {
    "correct": "total({0}_correct)",
    "hallucinated": "total({0}_hallucinated)",
    "all_correct": "total(leaves > 0 AND {0}_correct = leaves)",
    "any_hallucinated": "total({0}_hallucinated > 0)",
    "json": "total({0}_json)",
    "usd": f"total({{0}}_cost_usd) FILTER (WHERE {_COSTED})",
    "used": "count({0}_input_tokens)",
    "input": "total({0}_input_tokens)",
    "output": "total({0}_output_tokens)",
    "cache_read": "total({0}_cache_read_tokens)",
    "cache_write": "total({0}_cache_write_tokens)",
    "unpriced": f"count(*) FILTER (WHERE {PRICED} AND {{0}}_cost_usd IS NULL)",
    "unanswered": f"count(*) FILTER (WHERE timed AND {{0}}_latency_ms = {INFINITE})",
}
SUMS: Final = {
    "pairs": "count(*)",
    "scored": "total(scored)",
    "leaves": "total(leaves)",
    "nulls": "total(nulls)",
    "documents": "total(leaves > 0)",
    "matchable": "count(exact_match)",
    "matches": "total(exact_match)",
    "json": "count(primary_json)",
    "costed": f"count(*) FILTER (WHERE {_COSTED})",
    "backfilled": "count(*) FILTER (WHERE NOT timed AND excluded IS NULL)",
    "ms": f"count(*) FILTER (WHERE {BOTH_MS})",
    "ttft": f"count(*) FILTER (WHERE {BOTH_TTFT})",
    "primary_failed": "total(primary_failed)",
    # A candidate's call that was cut off or cancelled is one that its caller did not get.
    "candidate_failed": f"total(candidate_latency_ms IS {INFINITE})",
    **{f"{leg}_{name}": sql.format(leg) for name, sql in _LEG.items() for leg in LEGS},
}

Sums = Counter[str]


@dataclass(frozen=True, slots=True)
class Cell:
    """Pairs of one segment, day and so on, added up."""

    segment: str
    """Empty where none was given."""
    day: int
    """Since 1970, UTC."""
    primary_model: str | None
    candidate_model: str | None
    excluded: str | None
    sums: Sums
    """By the names of `SUMS`."""


def pair_cells(store: Store, key: tuple[str, str]) -> list[Cell]:
    """All pairs of a series, each in one cell.

    Args:
        store: where they are.
        key: experiment and candidate.
    """
    names = dict(store.query("SELECT id, name FROM names"))
    # Not by the index of the series: its pairs are most of the table, and in the order of harm.
    rows = store.query(
        f"""SELECT segment, time_ns / {DAY_NS}, primary_model, candidate_model, excluded,
            {", ".join(SUMS.values())}
        FROM pairs NOT INDEXED WHERE series = {SERIES} GROUP BY 1, 2, 3, 4, 5""",
        key,
    )
    return [
        Cell(
            *(names.get(segment, ""), day, names.get(ours), names.get(theirs), excluded),
            Counter(dict(zip(SUMS, sums, strict=True))),
        )
        for segment, day, ours, theirs, excluded, *sums in rows
    ]


def added(cells: Iterable[Cell]) -> Sums:
    """All of them together."""
    whole: Sums = Counter()
    for cell in cells:
        whole.update(cell.sums)
    return whole


def added_by(cells: Iterable[Cell], name: Callable[[Cell], Any]) -> dict[Any, Sums]:
    """The same by anything that a cell has, in its order."""
    found: dict[Any, Sums] = {}
    for cell in cells:
        found.setdefault(name(cell), Counter()).update(cell.sums)
    return {name: found[name] for name in sorted(found, key=lambda name: (name is not None, name))}
