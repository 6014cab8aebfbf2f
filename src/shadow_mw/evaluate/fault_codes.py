"""Which pair has which fault on which leg, as arrays beside the columns of the pairs; needs numpy.

Counts say all where pairs are independent and alike. Where sessions repeat, or pairs stand for
different numbers of calls, a decision has to know whose the faults are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

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

AT_ONCE: Final = 20_000
"""Rows that are objects at the same time."""
_PAIRS: Final = f"""SELECT id, time_ns, CASE WHEN primary_json IS NULL THEN {NOT_CHECKED}
        ELSE {PRIMARY_FAULT} * (NOT primary_json) + {CANDIDATE_FAULT} * (NOT candidate_json) END
    FROM pairs NOT INDEXED WHERE series = {SERIES} AND {COMPARED} AND {DATED} ORDER BY id"""
_RESULTS: Final = f"""SELECT pair, {PRIMARY_FAULT} * ("primary" != ?) + {CANDIDATE_FAULT} *
        (candidate != ?)
    FROM check_results INDEXED BY check_results_values
    WHERE series = {SERIES} AND "primary" IS NOT NULL AND candidate IS NOT NULL
        AND label IN (SELECT id FROM check_labels WHERE name = ?)"""
_FAULTY: Final = ' AND NOT ("primary" = ? AND candidate = ?)'


def matters(pairs: Pairs) -> bool:
    """Whether some pairs belong together, or stand for more calls than others."""
    return differ(pairs.weight) or _repeats(pairs.session) or _repeats(pairs.key)


def differ(weight: Floats) -> bool:
    """Whether some stand for more calls than others."""
    return bool(np.any(weight != weight[:1]))


def fault_codes(store: Store, key: tuple[str, str], n: int) -> Mapping[str, Flags]:
    """By the name of the fault: one code for each row of `pair_columns`, in its order.

    Args:
        store: where they are.
        key: experiment and candidate.
        n: how many rows there are.
    """
    ids, order, json = _pairs(store, key, n)
    found = {JSON: json[order]} if (json != NOT_CHECKED).any() else {}
    for check, fault in CHECKS.items():
        codes = _codes(store, key, check, ids)
        if codes is not None:
            found[fault] = codes[order]
    return found


def _repeats(codes: Codes) -> bool:
    """Numbers are given in the order of appearance: fewer of them than rows that have one."""
    return int(codes.max(initial=-1)) + 1 < int(np.count_nonzero(codes >= 0))


def _pairs(store: Store, key: tuple[str, str], n: int) -> tuple[Ints, Ints, Flags]:
    """Ids, ascending; their order by time; codes of JSON."""
    ids, times, json = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int8)
    done = 0
    for rows in store.chunks(_PAIRS, key, AT_ONCE):
        part = slice(done, done := done + len(rows))
        ids[part], times[part], json[part] = zip(*rows, strict=True)
    return ids, np.argsort(times, kind="stable"), json


def _codes(store: Store, key: tuple[str, str], check: str, ids: Ints) -> Flags | None:
    """In the order of ids; None where the check found nothing to check.

    Mostly it checked every pair, and few have the fault: then only those are read.
    """
    fine = FINE[check]
    (checked,) = store.one(f"SELECT count(*) FROM ({_RESULTS})", (fine, fine, *key, check))
    if not checked:
        return None
    every = checked >= len(ids)
    codes = np.full(len(ids), 0 if every else NOT_CHECKED, np.int8)
    asked = (fine, fine, *key, check, *((fine, fine) if every else ()))
    for rows in store.chunks(_RESULTS + (_FAULTY if every else ""), asked, AT_ONCE):
        pairs, values = (np.array(column) for column in zip(*rows, strict=True))
        places = np.minimum(np.searchsorted(ids, pairs), len(ids) - 1) if len(ids) else pairs[:0]
        known = ids[places] == pairs
        codes[places[known]] = values[known]
    return codes if (codes != NOT_CHECKED).any() else None
