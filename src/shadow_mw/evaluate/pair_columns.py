"""The pairs of a series as arrays, read in one scan of one table; needs numpy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from shadow_mw.evaluate.pair_sums import INFINITE
from shadow_mw.evaluate.series import DATED, SERIES, WEIGHT
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.tables import DOCUMENT
from shadow_mw.evidence import Pairs
from shadow_mw.spilled import let_go, room

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
    **dict.fromkeys(DOCUMENT, ("", np.int8)),
    "primary_failed": ("primary_failed", np.bool_),
    # Whoever ended it: a primary that was cut off is in no pair that compares.
    "candidate_failed": (f"candidate_latency_ms IS {INFINITE}", np.bool_),
    **{f"{leg}_latency_ms": (_MS.format(other, leg), np.float64) for other, leg in _BOTH},
    **{f"{leg}_cost_usd": (_USD.format(other, leg), np.float64) for other, leg in _BOTH},
    "exact": ("coalesce(exact_match, -1)", np.int8),
    "id": ("id", np.int64),
}
"""By the names of `Pairs`, in its order, and their ids; counts take a byte each for as long as they
fit, and are read together (`PACKED`)."""
READ: Final = tuple(name for name in COLUMNS if name not in DOCUMENT)
TEXTS: Final = ("session", "key")
BITS: Final = 12
"""Of each count on its way out of the store, where no count can be larger than the leaves."""
PACKED: Final = tuple(
    f"""CASE WHEN leaves IS NULL THEN 0 WHEN leaves < {1 << BITS} THEN
    {" | ".join(f"({name} << {BITS * place})" for place, name in enumerate(names))} ELSE -1 END"""
    for names in (DOCUMENT[:5], DOCUMENT[5:])
)
"""Five counts in one number each: what is read costs by the column. -1 where they do not fit."""
BLOCK: Final = 1 << 16
"""Rows of what is worked out in between."""
CHUNKS: Final = 50
"""After so many times `AT_ONCE` rows columns that lie in files leave memory."""

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
    columns: Arrays = {name: _empty(n, kind) for name, (_, kind) in COLUMNS.items()}
    n = _fill(columns, store, key)
    _sort(columns, n)
    columns["time_s"] = _seconds(columns["time_s"])
    for name in TEXTS:
        columns[name] = _numbered(columns.pop(name))
        let_go(columns.values())
    columns["segment"], names = _named(store, columns["segment"])
    ids = columns.pop("id")
    return Pairs(**{name: _once(column) for name, column in columns.items()}), names, ids


def _empty(n: int, kind: Any) -> npt.NDArray[Any]:
    kind = np.dtype(kind)
    return np.frombuffer(room(n * kind.itemsize), kind, n)


def _fill(columns: Arrays, store: Store, key: tuple[str, str]) -> int:
    wanted = ", ".join((*PACKED, *(COLUMNS[name][0] for name in READ)))
    # Not by the index of the series: its pairs are most of the table, and in the order of harm.
    sql = f"SELECT {{}} FROM pairs NOT INDEXED WHERE series = {SERIES} AND {COMPARED} AND {DATED}"
    done, large = 0, False
    for number, rows in enumerate(
        store.chunks(f"{sql.format(wanted)} ORDER BY id", key, AT_ONCE), 1
    ):
        end = done + len(rows)
        first, second, *read = zip(*rows, strict=True)
        for names, packed in ((DOCUMENT[:5], first), (DOCUMENT[5:], second)):
            counts = np.array(packed, np.int64)
            large |= bool(counts.min() < 0)
            for place, name in enumerate(names):
                _put(columns, name, slice(done, end), counts >> BITS * place & (1 << BITS) - 1)
        for name, values in zip(READ, read, strict=True):
            columns[name][done:end] = list(map(hash, values)) if name in TEXTS else values
        done = end
        if number % CHUNKS == 0:
            let_go(columns.values())
    if large:
        _put_large(columns, done, store, f"{sql} AND leaves >= {1 << BITS}", key)
    return done


def _put_large(columns: Arrays, n: int, store: Store, sql: str, key: tuple[str, str]) -> None:
    """Counts that did not fit, column by column."""
    for rows in store.chunks(sql.format(", ".join(("id", *DOCUMENT))), key, AT_ONCE):
        ids, *read = (np.array(values, np.int64) for values in zip(*rows, strict=True))
        places = np.searchsorted(columns["id"][:n], ids)
        for name, counts in zip(DOCUMENT, read, strict=True):
            _put(columns, name, places, counts)


def _put(columns: Arrays, name: str, where: Any, counts: npt.NDArray[np.int64]) -> None:
    columns[name] = _holding(columns[name], int(counts.max()))
    columns[name][where] = counts


def _holding(counts: npt.NDArray[Any], most: int) -> npt.NDArray[Any]:
    """The column, in as many bytes as its largest count needs."""
    if most <= np.iinfo(counts.dtype).max:
        return counts
    wider = _empty(len(counts), np.int16 if most <= np.iinfo(np.int16).max else np.int32)
    wider[:] = counts
    return wider


def _sort(columns: Arrays, n: int) -> None:
    """Put the first n rows in the order of time; what is in order already is not copied."""
    time_ns = columns["time_s"][:n]
    order = None if np.all(time_ns[:-1] <= time_ns[1:]) else np.argsort(time_ns, kind="stable")
    for name in COLUMNS:
        # One after the other: only one column is there twice.
        columns[name] = columns[name][:n]
        if order is not None:
            columns[name][:] = columns[name][order]
            let_go([columns[name]])


def _seconds(time_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """In place."""
    time_s = time_ns.view(np.float64)
    for some in _blocks(len(time_ns)):
        time_s[some] = time_ns[some] / 1e9
    return time_s


def _once(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A column that is the same in every row takes the memory of one."""
    alike = len(column) > 1 and bool(np.all(column == column[0]))
    let_go([column])
    return np.broadcast_to(column[:1].copy(), column.shape) if alike else column


NOTHING: Final = hash(None)


def _numbered(hashes: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Numbers from 0 in the order of appearance: hashes differ from process to process.

    64 bits: of two million texts two are taken for one with a chance of 1 in ten million.
    """
    n = len(hashes)
    numbers = _empty(n, np.int32)
    if np.all(hashes == NOTHING):
        numbers[:] = -1
        return numbers
    order = np.argsort(hashes, kind="stable").astype(np.int32)
    # Of equal hashes the first pair comes first, and has the number of all of them.
    begins = np.zeros(n, np.int32)
    for some in _blocks(n, 1):
        before, here = (hashes[order[_back(some, by)]] for by in (1, 0))
        begins[some] = np.where(before != here, np.arange(some.start, some.stop), 0)
    np.maximum.accumulate(begins, out=begins)
    new = hashes != NOTHING
    named = new.copy()
    for some in _blocks(n):
        firsts = order[begins[some]]
        numbers[order[some]] = firsts
        new[order[some]] &= firsts == order[some]
    del order, begins
    ranks = np.cumsum(new, dtype=np.int32)
    for some in _blocks(n):
        numbers[some] = np.where(named[some], ranks[numbers[some]] - 1, -1)
    return numbers


def _blocks(n: int, start: int = 0) -> Iterator[slice]:
    return (slice(first, min(first + BLOCK, n)) for first in range(start, n, BLOCK))


def _back(some: slice, by: int) -> slice:
    return slice(some.start - by, some.stop - by)


def _named(
    store: Store, numbers: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], tuple[str, ...]]:
    """In place."""
    names = dict(store.query("SELECT id, name FROM names"))
    seen = np.zeros(max(names, default=0) + 1, np.bool_)
    for some in _blocks(len(numbers)):
        seen[numbers[some]] = True
    texts = {number: names.get(number, "") for number in np.flatnonzero(seen).tolist()}
    ordered = sorted(set(texts.values()))
    rank = {text: place for place, text in enumerate(ordered)}
    ranks = np.zeros(len(seen), np.int32)
    ranks[seen] = [rank[text] for text in texts.values()]
    for some in _blocks(len(numbers)):
        numbers[some] = ranks[numbers[some]]
    return numbers, tuple(ordered)
