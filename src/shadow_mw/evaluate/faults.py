"""Faults of both legs as 2x2 tables: of deterministic checks by pair, hallucinations by leaf."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from shadow_mw.evaluate.checks.check import ERROR, NOT_RUN
from shadow_mw.evaluate.scores import FINE
from shadow_mw.evaluate.series import SERIES, WEIGHT, among
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
PRIME: Final = 1_000_003
NAME: Final = f"count(*) AS n, total({{0}}) AS ids, total({{0}} * {{0}} % {PRIME}) AS squares"
"""By which a set of pairs is known: number, sum, and sum of the squares' remainders."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """Pairs of which a check said the same."""

    check: str
    primary: bool
    """Whether it has the fault."""
    candidate: bool
    pairs: tuple[float, float, float]
    """By `NAME`; the first is their number. Those of disjoint sets add up."""

    @property
    def n(self) -> int:
        """How many."""
        return int(self.pairs[0])


Case = tuple[bool, bool, float]
"""Whether the primary and the candidate have the fault, and how often."""


def check_rows(store: Store, key: tuple[str, str], pairs: str = "") -> list[CheckRow]:
    """What each check gave, and how often; JSON is counted with the pairs.

    Args:
        store: where they are.
        key: experiment and candidate.
        pairs: a condition on `pairs`; '' takes all.
    """
    rows = store.query(
        f"""SELECT name, "primary", candidate, n, ids, squares FROM (
            SELECT label, "primary", candidate, {NAME.format("pair")}
            FROM check_results INDEXED BY check_results_values
            WHERE series = {SERIES} AND "primary" IS NOT NULL AND candidate IS NOT NULL
                {among(pairs)}
            GROUP BY 1, 2, 3
        ) AS counts JOIN check_labels ON check_labels.id = counts.label
        WHERE name IN ({", ".join("?" * len(CHECKS))})""",
        (*key, *CHECKS),
    )
    return [
        CheckRow(name, ours != FINE[name], theirs != FINE[name], tuple(pairs))
        for name, ours, theirs, *pairs in rows
    ]


def check_faults(rows: Iterable[CheckRow]) -> tuple[PairedCount, ...]:
    """What found something to check, in a fixed order."""
    found: defaultdict[str, list[Case]] = defaultdict(list)
    for row in rows:
        found[row.check].append((row.primary, row.candidate, row.n))
    return tuple(_count(fault, found[check]) for check, fault in CHECKS.items() if check in found)


def unchecked(store: Store, key: tuple[str, str], pairs: str = "") -> dict[str, int]:
    """Pairs that a check should have looked at and could not, by the name of the fault."""
    rows = store.query(
        f"""SELECT name, sum(n) FROM (
            SELECT label AS number, count(*) AS n
            FROM check_results INDEXED BY check_results_values
            WHERE series = {SERIES} AND label IN (
                SELECT id FROM check_labels
                WHERE label IN (?, ?) AND name IN ({", ".join("?" * len(CHECKS))})
            ) {among(pairs)} GROUP BY 1
        ) JOIN check_labels ON id = number GROUP BY 1 ORDER BY 1""",
        (*key, ERROR, NOT_RUN, *CHECKS),
    )
    return {CHECKS[name]: n for name, n in rows}


def null_faults(
    store: Store, key: tuple[str, str], pairs: str = "", *, weighted: bool = False
) -> tuple[PairedCount, ...]:
    """Hallucinations at leaves whose truth is null, by path; every path that has such leaves.

    Args:
        store: where they are.
        key: experiment and candidate.
        pairs: a condition on `pairs`; '' takes all.
        weighted: whether pairs stand for different numbers of production's calls.
    """
    found: defaultdict[str, list[Case]] = defaultdict(list)
    leaves: Counter[str] = Counter()
    for path, ours, theirs, n, stands_for in store.query(
        f"""SELECT paths.path, fields."primary" = 'hallucinated', candidate = 'hallucinated',
            sum(n), {f"total(n * {WEIGHT})" if weighted else "sum(n)"}
        FROM paths CROSS JOIN fields
            ON fields.path = paths.id AND fields.series = {SERIES} AND truth = 'null'{among(pairs)}
            {"CROSS JOIN pairs ON pairs.id = fields.pair" if weighted else ""}
        GROUP BY 1, 2, 3""",
        key,
    ):
        found[path].append((ours, theirs, stands_for))
        leaves[path] += n
    return tuple(_count(path, found[path], leaves[path]) for path in sorted(found))


def unlabelled(store: Store, key: tuple[str, str], pairs: str = "") -> dict[str, int]:
    """Fields that candidates' outputs have and no truth ever names: how often, by path.

    Args:
        store: where they are.
        key: experiment and candidate.
        pairs: a condition on `pairs`; '' takes all.
    """
    rows = store.query(
        f"""SELECT paths.path, sum(n) FROM paths CROSS JOIN fields
            ON fields.path = paths.id AND fields.series = {SERIES} AND truth IS NULL
            AND candidate IN ('not_labelled', 'unexpected_field'){among(pairs)}
        WHERE NOT EXISTS (
            SELECT 1 FROM fields WHERE path = paths.id AND series = {SERIES} AND truth IS NOT NULL
        ) GROUP BY 1 ORDER BY 2 DESC, 1""",
        key * 2,
    )
    return {path: int(n) for path, n in rows}


def _count(name: str, rows: Iterable[Case], n: int | None = None) -> PairedCount:
    """Of as many leaves as there are, whatever they stand for."""
    known: defaultdict[tuple[bool, bool], float] = defaultdict(int)
    for ours, theirs, stands_for in rows:
        known[bool(ours), bool(theirs)] += stands_for
    total = sum(known.values())
    n = int(total) if n is None else n
    scale = 1 if n == total else n / total
    parts = (known[legs] * scale for legs in ((True, True), (True, False), (False, True)))
    return PairedCount(name, n, *parts)
