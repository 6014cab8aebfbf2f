"""Where the outputs of a series differ, and how often that is a fault, aggregated in SQL."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable

from shadow_mw.breakdown import Differences, DivergenceSummary, ErrorRates, FieldDivergence
from shadow_mw.evaluate.fields.divergence import Divergence, divergence_rates
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import FieldOutcome

_WRONG = "f.candidate != 'correct'"
LABELLED_VALUES = f"""
SELECT {
    ", ".join(
        f"count(*) FILTER (WHERE {grounded} AND {outcome})"
        for grounded in ("d.grounded", "NOT d.grounded")
        for outcome in (f"NOT {_WRONG}", _WRONG)
    )
}
FROM divergences d CROSS JOIN fields f ON f.pair = d.pair AND f.path = d.path
WHERE d.pair > 0 AND +d.series = {SERIES} AND d.path IN (
        SELECT id FROM paths WHERE instr(path, '[]') = 0)
    AND +d.kind IN ('candidate_only', 'different') AND d.grounded IS NOT NULL
    AND f.truth IS NOT NULL
"""
"""In a list nobody knows which leaf of the truth a differing one is; outside there is only one.

In the order of pairs, which is that of both tables: `+` keeps SQLite from an index of another.
"""
CASES = ((False, False), (False, True), (True, False), (True, True))
"""Of what it counts: whether the value is not grounded, and whether it is wrong."""


def divergence_summary(
    store: Store, key: tuple[str, str], labelled: Iterable[tuple[FieldOutcome, FieldOutcome, int]]
) -> DivergenceSummary:
    """Count a series' divergences.

    Args:
        store: whose pairs.
        key: experiment and candidate.
        labelled: both legs' outcomes at labelled leaves, and how many leaves are alike.
    """
    shapes = store.query(
        f"SELECT shape, count(*) FROM pairs NOT INDEXED WHERE series = {SERIES}"
        " AND shape IS NOT NULL GROUP BY 1",
        key,
    )
    (divergent,) = store.one(
        "SELECT count(*) FROM (SELECT DISTINCT pair FROM divergences"
        f" WHERE pair > 0 AND +series = {SERIES})",
        key,
    )
    rates = divergence_rates(labelled)
    cases = zip(CASES, store.one(LABELLED_VALUES, key), strict=True)
    return DivergenceSummary(
        pairs=sum(n for _, n in shapes),
        divergent=divergent,
        fields=_fields(store, key, shapes),
        hallucinated=rates[Divergence.CANDIDATE_ONLY],
        missed=rates[Divergence.PRIMARY_ONLY],
        wrong=ErrorRates.of((signal, fault, n) for (signal, fault), n in cases),
    )


def _fields(
    store: Store, key: tuple[str, str], shapes: Iterable[tuple[int, int]]
) -> dict[str, FieldDivergence]:
    leaves: Counter[str] = Counter()
    for shape, n in shapes:
        (found,) = store.one("SELECT leaves FROM shapes WHERE id = ?", (shape,))
        for path, number in json.loads(found).items():
            leaves[path] += number * n
    rows = store.query(
        f"""SELECT paths.path, counts.* FROM (
            SELECT path, kind, total(n) AS n, total(n) FILTER (WHERE grounded),
                total(n) FILTER (WHERE NOT grounded)
            FROM divergences WHERE series = {SERIES} GROUP BY path, kind
        ) AS counts JOIN paths ON paths.id = counts.path""",
        key,
    )
    kinds: defaultdict[str, dict[str, Differences]] = defaultdict(dict)
    for path, _, kind, *counts in rows:
        kinds[path][kind] = Differences(*map(int, counts))
    table = {path: FieldDivergence(n, **kinds[path]) for path, n in leaves.items()}
    return dict(sorted(table.items(), key=_harm))


def _harm(item: tuple[str, FieldDivergence]) -> tuple[int, int, int, int, int, str]:
    """Values that only the candidate has and nobody can have read come first."""
    path, field = item
    alone, other = field.candidate_only, field.different
    return -alone.ungrounded, -alone.n, -other.ungrounded, -field.primary_only.n, -other.n, path
