"""The pairs of a series as arrays, read in one scan of one table; needs numpy."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from shadow_mw.evaluate.pair_sums import INFINITE
from shadow_mw.evaluate.series import DATED, SERIES, WEIGHT
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.tables import DOCUMENT
from shadow_mw.evidence import Pairs

AT_ONCE: Final = 2_000
"""Rows that are objects at the same time: more are slower, they leave the caches."""
COMPARED: Final = "(excluded IS NULL OR timed)"
"""Pairs whose legs are whole: of those without content latency and cost compare all the same."""

# What both legs have to have, or neither has it.
_MS = "CASE WHEN timed AND {0}_latency_ms IS NOT NULL THEN {1}_latency_ms END"
_USD = "CASE WHEN {0}_cost_usd IS NOT NULL THEN {1}_cost_usd END"
_BOTH: Final = (("candidate", "primary"), ("primary", "candidate"))
COLUMNS: Final[dict[str, tuple[str, Any]]] = {
    "time_s": ("time_ns", np.int64),
    "segment": ("coalesce(segment, 0)", np.int32),
    "session": ("session", np.int64),
    "key": ("key", np.int64),
    "weight": (WEIGHT, np.float64),
    "scored": ("scored", np.bool_),
    **{name: (f"coalesce({name}, 0)", np.int8) for name in DOCUMENT},
    "primary_failed": ("primary_failed", np.bool_),
    # Whoever ended it: a primary that was cut off is in no pair that compares.
    "candidate_failed": (f"candidate_latency_ms IS {INFINITE}", np.bool_),
    **{f"{leg}_latency_ms": (_MS.format(other, leg), np.float64) for other, leg in _BOTH},
    **{f"{leg}_cost_usd": (_USD.format(other, leg), np.float64) for other, leg in _BOTH},
    "exact": ("coalesce(exact_match, -1)", np.int8),
    "id": ("id", np.int64),
}
"""By the names of `Pairs`, in its order, and their ids. The key's index is no way to read all
pairs."""
TEXTS: Final = ("session", "key")
COUNTS: Final = frozenset(DOCUMENT)
"""A byte each for as long as they fit: of millions of pairs they would be most of the memory."""

Arrays = dict[str, npt.NDArray[Any]]


def pair_columns(
    store: Store, key: tuple[str, str]
) -> tuple[Pairs, tuple[str, ...], npt.NDArray[np.int64]]:
    """Every dated pair that compares in the order of time, the names of segments, and their ids.

    Pairs of the same time stand as they were stored. Segments are sorted; '' is that of pairs
    without one, where there are any.

    Args:
        store: where they are.
        key: experiment and candidate.
    """
    (n,) = store.one(f"SELECT count(*) FROM pairs WHERE series = {SERIES}", key)
    columns: Arrays = {name: np.empty(n, kind) for name, (_, kind) in COLUMNS.items()}
    n = _fill(columns, store, key)
    _sort(columns, n)
    columns["time_s"] = columns["time_s"] / 1e9
    for name in TEXTS:
        columns[name] = _numbered(columns[name])
    columns["segment"], names = _named(store, columns["segment"])
    ids = columns.pop("id")
    return Pairs(**{name: _once(column) for name, column in columns.items()}), names, ids


def _fill(columns: Arrays, store: Store, key: tuple[str, str]) -> int:
    wanted = ", ".join(sql for sql, _ in COLUMNS.values())
    # Not by the index of the series: its pairs are most of the table, and in the order of harm.
    sql = (
        f"SELECT {wanted} FROM pairs NOT INDEXED WHERE series = {SERIES} AND {COMPARED} AND {DATED}"
    )
    done = 0
    for rows in store.chunks(f"{sql} ORDER BY id", key, AT_ONCE):
        end = done + len(rows)
        for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True):
            if name in COUNTS:
                columns[name] = _holding(columns[name], max(values))
            columns[name][done:end] = list(map(hash, values)) if name in TEXTS else values
        done = end
    return done


def _holding(counts: npt.NDArray[Any], most: int) -> npt.NDArray[Any]:
    """The column, in as many bytes as its largest count needs."""
    if most <= np.iinfo(counts.dtype).max:
        return counts
    return counts.astype(np.int16 if most <= np.iinfo(np.int16).max else np.int32)


def _sort(columns: Arrays, n: int) -> None:
    """Put the first n rows in the order of time; what is in order already is not copied."""
    time_ns = columns["time_s"][:n]
    ordered = bool(np.all(time_ns[:-1] <= time_ns[1:]))
    order = slice(n) if ordered else np.argsort(time_ns, kind="stable")
    for name in COLUMNS:
        # One after the other: only one column is there twice.
        columns[name] = columns[name][:n][order]


def _once(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A column that is the same in every row takes the memory of one."""
    alike = len(column) > 1 and bool(np.all(column == column[0]))
    return np.broadcast_to(column[:1].copy(), column.shape) if alike else column


NOTHING: Final = hash(None)


def _numbered(hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Numbers from 0 in the order of appearance: hashes differ from process to process.

    64 bits: of two million texts two are taken for one with a chance of 1 in ten million.
    """
    if np.all(hashes == NOTHING):
        return np.full(len(hashes), -1, np.int32)
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    begins = np.append(True, ordered[1:] != ordered[:-1])
    # Of equal hashes the first pair comes first.
    first, named = order[begins], ordered[begins] != NOTHING
    del ordered
    ranks = np.full(len(first), -1, np.int32)
    appeared = np.argsort(np.where(named, first, len(hashes)), kind="stable")[: named.sum()]
    ranks[appeared] = np.arange(len(appeared), dtype=np.int32)
    numbers = np.empty(len(hashes), np.int32)
    numbers[order] = np.repeat(ranks, np.diff(np.append(np.flatnonzero(begins), len(hashes))))
    return numbers


def _named(
    store: Store, numbers: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    found, codes = np.unique(numbers, return_inverse=True)
    names = dict(store.query("SELECT id, name FROM names"))
    texts = [names.get(number, "") for number in found.tolist()]
    ordered = sorted(set(texts))
    rank = {text: place for place, text in enumerate(ordered)}
    ranks = np.array([rank[text] for text in texts], np.int32)
    return (ranks[codes] if len(ranks) else codes.astype(np.int32)), tuple(ordered)
