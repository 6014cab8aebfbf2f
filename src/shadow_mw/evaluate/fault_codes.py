"""Which pair has which fault on which leg, as arrays beside the columns of the pairs; needs numpy.

Counts say all where pairs are independent and alike. Where sessions repeat, or pairs stand for
different numbers of calls, a decision has to know whose the faults are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shadow_mw.evaluate.faults import CHECKS, JSON
from shadow_mw.evaluate.pair_columns import COMPARED
from shadow_mw.evaluate.scores import FINE
from shadow_mw.evaluate.series import DATED, SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import CANDIDATE_FAULT, NOT_CHECKED, PRIMARY_FAULT, Pairs

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.evidence import Codes, Flags, Floats

    Ints = npt.NDArray[np.int64]

AT_ONCE: Final = 2_000
"""Rows that are objects at the same time."""
_JSON: Final = f"""SELECT id AS pair, NOT primary_json AS ours, NOT candidate_json AS theirs
    FROM pairs NOT INDEXED
    WHERE series = {SERIES} AND {COMPARED} AND {DATED} AND primary_json IS NOT NULL"""
_RESULTS: Final = f"""SELECT pair, "primary" != ? AS ours, candidate != ? AS theirs
    FROM check_results INDEXED BY check_results_values
    WHERE "primary" IS NOT NULL AND candidate IS NOT NULL AND series = {SERIES}
        AND label IN (SELECT id FROM check_labels WHERE name = ?)"""
_CODE: Final = f"{PRIMARY_FAULT} * ours + {CANDIDATE_FAULT} * theirs"

PRIME: Final = 1_000_003


def matters(pairs: Pairs) -> bool:
    """Whether some pairs belong together, or stand for more calls than others."""
    return differ(pairs.weight) or _repeats(pairs.session) or _repeats(pairs.key)


def differ(weight: Floats) -> bool:
    """Whether some stand for more calls than others."""
    return bool(np.any(weight != weight[:1]))


def fault_codes(store: Store, key: tuple[str, str], ids: Ints) -> Mapping[str, Flags]:
    """By the name of the fault: one code for each row of `pair_columns`, in its order.

    Args:
        store: where they are.
        key: experiment and candidate.
        ids: of these rows.
    """
    reader = _Reader(store, ids)
    found = {JSON: reader.codes(_JSON, key)}
    for check, fault in CHECKS.items():
        found[fault] = reader.codes(_RESULTS, (FINE[check], FINE[check], *key, check))
    return {name: codes for name, codes in found.items() if codes is not None}


def _repeats(codes: Codes) -> bool:
    """Numbers are given in the order of appearance: fewer of them than rows that have one."""
    return int(codes.max(initial=-1)) + 1 < int(np.count_nonzero(codes >= 0))


class _Reader:
    """Reads checks of pairs; mostly several checked the same pairs, which are read once."""

    def __init__(self, store: Store, ids: Ints) -> None:
        self._store, self._ids = store, ids
        self._by_id = np.argsort(ids)
        self._known = {pairs_name(ids): np.zeros(len(ids), np.int8)}

    def codes(self, sql: str, values: tuple[Any, ...]) -> Flags | None:
        """In the order of time; None where nothing was checked."""
        *name, many = self._store.one(
            "SELECT count(*), total(pair), total(pair * pair % ?),"
            f" count(*) FILTER (WHERE ours OR theirs) FROM ({sql})",
            (PRIME, *values),
        )
        n = name[0]
        if not n:
            return None
        checked = self._known.get(tuple(name))
        if checked is None:
            checked = self._checked(
                _array(self._store, f"SELECT pair FROM ({sql})", values, (n, 1))
            )
            self._known[tuple(name)] = checked
        if not many:
            return checked
        faulty = f"SELECT pair, {_CODE} FROM ({sql}) WHERE ours OR theirs"
        rows, codes = _array(self._store, faulty, values, (many, 2)), checked.copy()
        places = self._places(rows[:, 0])
        codes[places[places >= 0]] = rows[places >= 0, 1]
        return codes

    def _checked(self, pairs: Ints) -> Flags:
        codes = np.full(len(self._ids), NOT_CHECKED, np.int8)
        places = self._places(pairs[:, 0])
        codes[places[places >= 0]] = 0
        return codes

    def _places(self, pairs: Ints) -> Ints:
        """Where each pair is in the ids; -1 where it does not compare."""
        if not len(self._ids):
            return np.full(len(pairs), -1)
        found = np.searchsorted(self._ids, pairs, sorter=self._by_id)
        places = self._by_id[np.minimum(found, len(self._ids) - 1)]
        return np.where(self._ids[places] == pairs, places, -1)


def pairs_name(ids: Ints) -> tuple[int, ...]:
    """By which a set of pairs is known: number, sum, and sum of the squares' remainders."""
    return len(ids), int(ids.sum()), int((ids * ids % PRIME).sum())


def _array(store: Store, sql: str, values: tuple[Any, ...], shape: tuple[int, int]) -> Ints:
    """Whole numbers; no more rows than the shape has."""
    found, done = np.empty(shape, np.int64), 0
    for rows in store.chunks(sql, values, AT_ONCE):
        for column, numbers in enumerate(zip(*rows, strict=True)):
            found[done : done + len(rows), column] = numbers
        done += len(rows)
    return found[:done]
