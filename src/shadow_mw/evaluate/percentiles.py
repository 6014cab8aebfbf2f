"""Percentiles by the nearest rank, of lists and of columns that are too long for one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store

AT_ONCE: Final = 2_000


def percentile(ordered: list[float], percent: int) -> float | None:
    """The nearest rank (inverted CDF): the smallest value that `percent` of all do not exceed."""
    rank = nearest(percent, len(ordered))
    return ordered[rank - 1] if ordered else None


def nearest(percent: int, n: int) -> int:
    """The rank of a percentile among n, from 1."""
    return -(-percent * n // 100)


def ranked(
    store: Store, key: tuple[str, str], column: str, where: str, n: int, percents: Iterable[int]
) -> dict[int, float | None]:
    """Percentiles of one column of `pairs`; SQLite sorts, on disk where there are many.

    Args:
        store: where they are.
        key: experiment and candidate.
        column: of `pairs`.
        where: which rows; none of them is NULL.
        n: how many these are.
        percents: whole ones.
    """
    if n == 0:
        return dict.fromkeys(percents)
    ranks = {percent: nearest(percent, n) - 1 for percent in percents}
    sql = f"SELECT {column} FROM pairs NOT INDEXED WHERE series = {SERIES} AND {where} ORDER BY 1"
    found: dict[int, float | None] = {}
    start = 0
    for rows in store.chunks(sql, key, AT_ONCE):
        end = start + len(rows)
        found |= {p: rows[rank - start][0] for p, rank in ranks.items() if start <= rank < end}
        start = end
        if len(found) == len(ranks):
            break
    return found
