"""Which pair has which fault on which leg, as arrays beside the columns of the pairs; needs numpy.

Counts say all where pairs are independent and alike. Where sessions repeat, or pairs stand for
different numbers of calls, a decision has to know whose the faults are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shadow_mw.evaluate.faults import CHECKS, JSON, NAME, PRIME, CheckRow
from shadow_mw.evaluate.pair_columns import BLOCK, COMPARED
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
_RESULTS: Final = f"""FROM check_results INDEXED BY check_results_values
    WHERE series = {SERIES} AND label IN (SELECT id FROM check_labels WHERE name = ?)
        AND candidate IS NOT NULL AND"""
_FAULTY: Final = " UNION ALL ".join(
    # Each a seek in the index: few of many pairs have a fault.
    f"SELECT pair, {code} {_RESULTS} {condition} {unlike} ?"
    for code, condition in (
        (f"{PRIMARY_FAULT} + {CANDIDATE_FAULT} * (candidate != ?)", '"primary"'),
        (f"{CANDIDATE_FAULT} + 0 * ?", '"primary" = ? AND candidate'),
    )
    for unlike in "<>"
)
_JSON: Final = f"""FROM pairs NOT INDEXED
    WHERE series = {SERIES} AND {COMPARED} AND {DATED} AND primary_json IS NOT NULL"""
_NO_JSON: Final = f"""SELECT id,
    {PRIMARY_FAULT} * (NOT primary_json) + {CANDIDATE_FAULT} * (NOT candidate_json)
    {_JSON} AND NOT (primary_json AND candidate_json)"""


def matters(pairs: Pairs) -> bool:
    """Whether some pairs belong together, or stand for more calls than others."""
    return differ(pairs.weight) or _repeats(pairs.session) or _repeats(pairs.key)


def differ(weight: Floats) -> bool:
    """Whether some stand for more calls than others."""
    return bool(np.any(weight != weight[:1]))


def fault_codes(
    store: Store, key: tuple[str, str], ids: Ints, rows: Iterable[CheckRow]
) -> Mapping[str, Flags]:
    """By the name of the fault: one code for each row of `pair_columns`, in its order.

    Args:
        store: where they are.
        key: experiment and candidate.
        ids: of these rows.
        rows: what checks gave, of all pairs.
    """
    reader = _Reader(store, ids)
    found = {}
    if (json := store.one(f"SELECT {NAME.format('id')} {_JSON}", key))[0]:
        checked = reader.checked(json, f"SELECT id, 0 {_JSON}", key)
        found[JSON] = reader.codes(checked, _NO_JSON, key)
    by_check = defaultdict[str, list[CheckRow]](list)
    for row in rows:
        by_check[row.check].append(row)
    for check, same in by_check.items():
        name = tuple(map(sum, zip(*(row.pairs for row in same), strict=True)))
        sql = f'SELECT pair, 0 {_RESULTS} "primary" IS NOT NULL'
        codes = reader.checked(name, sql, (*key, check))
        if any(row.primary or row.candidate for row in same):
            one = FINE[check], *key, check, FINE[check]
            other = FINE[check], *key, check, FINE[check], FINE[check]
            codes = reader.codes(codes, _FAULTY, (*one, *one, *other, *other))
        found[CHECKS[check]] = codes
    return found


def _repeats(codes: Codes) -> bool:
    """Numbers are given in the order of appearance: fewer of them than rows that have one."""
    return int(codes.max(initial=-1)) + 1 < int(np.count_nonzero(codes >= 0))


class _Reader:
    """Reads checks of pairs; mostly several checked the same pairs, which are read once."""

    def __init__(self, store: Store, ids: Ints) -> None:
        self._store, self._ids = store, ids
        ascending = bool(np.all(ids[:-1] < ids[1:]))
        self._by_id = None if ascending else np.argsort(ids)
        self._known = {pairs_name(ids): np.zeros(len(ids), np.int8)}

    def checked(self, name: tuple[float, ...], sql: str, values: tuple[Any, ...]) -> Flags:
        """Codes without a fault of the pairs of this name, in the order of time."""
        if name not in self._known:
            codes = np.full(len(self._ids), NOT_CHECKED, np.int8)
            for places, none in self._read(sql, values):
                codes[places] = none
            self._known[name] = codes
        return self._known[name]

    def codes(self, checked: Flags, sql: str, values: tuple[Any, ...]) -> Flags:
        """The same with the faults that a statement selects."""
        codes = checked.copy()
        for places, found in self._read(sql, values):
            codes[places] = found
        return codes

    def _read(self, sql: str, values: tuple[Any, ...]) -> Iterator[tuple[Ints, Ints]]:
        """Where pairs that compare are in the ids, and the codes that a statement gives them."""
        for rows in self._store.chunks(sql, values, AT_ONCE) if len(self._ids) else ():
            pairs, codes = (np.array(column, np.int64) for column in zip(*rows, strict=True))
            places = np.searchsorted(self._ids, pairs, sorter=self._by_id)
            np.minimum(places, len(self._ids) - 1, out=places)
            if self._by_id is not None:
                places = self._by_id[places]
            there = self._ids[places] == pairs
            yield places[there], codes[there]


def pairs_name(ids: Ints) -> tuple[float, ...]:
    """As `NAME` in the store."""
    parts = [ids[start : start + BLOCK] for start in range(0, len(ids), BLOCK)]
    return len(ids), int(ids.sum()), sum(int((part * part % PRIME).sum()) for part in parts)
