"""Faults of both legs as 2x2 tables: of deterministic checks by pair, hallucinations by leaf."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from shadow_mw.evaluate.scores import FINE
from shadow_mw.evaluate.series import SERIES, among
from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import PairedCount

CHECKS: Final = {
    "schema": "schema_invalid",
    "empty": "empty",
    "truncated": "truncated",
    "refusal": "refused",
    "invalid_tool_call": "invalid_tool_call",
    "invalid_citation": "invalid_citation",
}
"""Ours that judge each leg by itself, and the name of the fault. Whether a value of other packages'
checks is good or bad, they do not say."""
JSON: Final = "json_invalid"

Case = tuple[bool, bool, int]
"""Whether the primary and the candidate have the fault, and how often."""


def check_faults(store: Store, key: tuple[str, str], pairs: str = "") -> tuple[PairedCount, ...]:
    """What found something to check, in a fixed order; JSON is counted with the pairs."""
    rows = store.query(
        f"""SELECT name, "primary", candidate, n FROM (
            SELECT label, "primary", candidate, count(*) AS n
            FROM check_results INDEXED BY check_results_values
            WHERE series = {SERIES} AND "primary" IS NOT NULL AND candidate IS NOT NULL
                {among(pairs)}
            GROUP BY 1, 2, 3
        ) AS counts JOIN check_labels ON check_labels.id = counts.label
        WHERE name IN ({", ".join("?" * len(CHECKS))})""",
        (*key, *CHECKS),
    )
    found: defaultdict[str, list[Case]] = defaultdict(list)
    for name, ours, theirs, n in rows:
        found[name].append((ours != FINE[name], theirs != FINE[name], n))
    return tuple(_count(fault, found[check]) for check, fault in CHECKS.items() if check in found)


def null_faults(store: Store, key: tuple[str, str], pairs: str = "") -> tuple[PairedCount, ...]:
    """Hallucinations at leaves whose truth is null, by path; every path that has such leaves."""
    found: defaultdict[str, list[Case]] = defaultdict(list)
    for path, ours, theirs, n in store.query(
        f"""SELECT paths.path, "primary" = 'hallucinated', candidate = 'hallucinated', sum(n)
        FROM paths CROSS JOIN fields
            ON fields.path = paths.id AND series = {SERIES} AND truth = 'null'{among(pairs)}
        GROUP BY 1, 2, 3""",
        key,
    ):
        found[path].append((ours, theirs, n))
    return tuple(_count(path, found[path]) for path in sorted(found))


def _count(name: str, rows: Iterable[Case]) -> PairedCount:
    known: Counter[tuple[bool, bool]] = Counter()
    for ours, theirs, n in rows:
        known[bool(ours), bool(theirs)] += n
    both, primary_only, candidate_only = known[True, True], known[True, False], known[False, True]
    return PairedCount(name, known.total(), both, primary_only, candidate_only)
