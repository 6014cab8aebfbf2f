"""Faults of both legs as 2x2 tables: of deterministic checks by pair, hallucinations by leaf."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from shadow_mw.evaluate.scores import FINE
from shadow_mw.evaluate.series import SERIES
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


def check_faults(store: Store, key: tuple[str, str]) -> tuple[PairedCount, ...]:
    """What found something to check, in a fixed order."""
    rows = store.query(
        f"""SELECT 1 - primary_json, 1 - candidate_json, count(*) FROM pairs
        WHERE series = {SERIES} AND primary_json IS NOT NULL AND candidate_json IS NOT NULL
        GROUP BY 1, 2""",
        key,
    )
    counts = [_count(JSON, rows)]
    for check, fault in CHECKS.items():
        rows = store.query(
            f"""SELECT "primary" != ?, candidate != ?, count(*)
            FROM check_labels CROSS JOIN check_results
                ON check_results.label = check_labels.id AND series = {SERIES}
            WHERE name = ? AND "primary" IS NOT NULL AND candidate IS NOT NULL GROUP BY 1, 2""",
            (FINE[check], FINE[check], *key, check),
        )
        counts.append(_count(fault, rows))
    return tuple(count for count in counts if count.n)


def null_faults(store: Store, key: tuple[str, str]) -> tuple[PairedCount, ...]:
    """Hallucinations at leaves whose truth is null, by path; every path that has such leaves."""
    found: defaultdict[str, list[tuple[bool, bool, int]]] = defaultdict(list)
    for path, ours, theirs, n in store.query(
        f"""SELECT paths.path, "primary" = 'hallucinated', candidate = 'hallucinated', sum(n)
        FROM paths CROSS JOIN fields
            ON fields.path = paths.id AND series = {SERIES} AND truth = 'null'
        GROUP BY 1, 2, 3""",
        key,
    ):
        found[path].append((ours, theirs, n))
    return tuple(_count(path, found[path]) for path in sorted(found))


def _count(name: str, rows: Iterable[tuple[bool, bool, int]]) -> PairedCount:
    known = {(bool(ours), bool(theirs)): n for ours, theirs, n in rows}
    return PairedCount(
        name,
        sum(known.values()),
        both=known.get((True, True), 0),
        primary_only=known.get((True, False), 0),
        candidate_only=known.get((False, True), 0),
    )
