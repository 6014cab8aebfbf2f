"""From the store to everything that a verdict rests on; needs numpy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from shadow_mw.evaluate.fault_codes import differ, fault_codes, matters
from shadow_mw.evaluate.faults import (
    JSON,
    CheckRow,
    check_faults,
    check_rows,
    null_faults,
    unchecked,
    unlabelled,
)
from shadow_mw.evaluate.funnel import funnel
from shadow_mw.evaluate.judging.standing import standings
from shadow_mw.evaluate.likeness import likenesses
from shadow_mw.evaluate.load_runs import load_run
from shadow_mw.evaluate.pair_columns import pair_columns
from shadow_mw.evaluate.pair_counts import PairCounts, pair_counts
from shadow_mw.evaluate.series import dated
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.store.declared import changed_ns
from shadow_mw.evidence import Bounds, Evidence, PairedCount, Pairs
from shadow_mw.results import Series
from shadow_mw.types import CANDIDATE_REASONS, Reason

if TYPE_CHECKING:
    import numpy.typing as npt

    from shadow_mw.evidence import Flags, Floats

CHOSEN: Final = frozenset(
    {
        *(Reason.OFF, Reason.NOT_SAMPLED, Reason.WINDOW_NOT_OPEN, Reason.WINDOW_CLOSED),
        # The call is there once, under another name.
        *(Reason.RECURSION, Reason.SUPERSEDED),
        *(Reason.BUDGET_USD, Reason.MAX_CALLS),
        # The caller went away; that says nothing about either model.
        Reason.PRIMARY_PARTIAL,
        Reason.LEG_AWAITED,
    }
)
"""Why a call has no pair though nothing was lost. Failures of the candidate have one."""
NO_TIME: Final = "no_time"
"""Of pairs that an import brought without one: they lie in no window."""
NOT_HASHED: Final = frozenset({"first_received_ns", "standards_changed_ns", "data_hash"})
"""When the same data came, and came to be judged so."""


def gather(
    store: Store,
    series: Series,
    bounds: Callable[[Floats], Bounds | None] | None = None,
    cluster: str = "session",
) -> Evidence:
    """Everything the store knows of a series that is fit for a decision.

    Out are pairs of which nobody knows when they were, pairs with a primary that was cut off or
    with cut content, latency of backfilled pairs, and cost where a price or usage is not known.
    Probes of `shadow-mw doctor` have an experiment of their own, which nobody decides about.

    Args:
        store: whose data.
        series: which candidate.
        bounds: of the decision, by the times of its pairs; None for everything. Faults, likeness,
            judges and prices are of the pairs before `until`, `paired`, losses and the hash of the
            window. The columns have later pairs too: they tell which look the data are due.
        cluster: `session`, `key` or `pair`: what likeness takes for independent.
    """
    key = series.experiment, series.candidate
    with store.transaction(write=False):
        pairs, segments, ids = pair_columns(store, key)
        window = bounds(pairs.time_s) if bounds else None
        until = (
            None if window is None or _before(pairs, window.until) == len(pairs) else window.until
        )
        end = None if window is None else window.end
        counts = pair_counts(store, key, until, window)
        some = dated(until) if counts.undated or until is not None else ""
        alike = not matters(pairs)
        calls = funnel(store, key, counts.counted, _newest_received_ns(store), window)
        rows = check_rows(store, key, some)
        found = Evidence(
            series=series,
            segments=segments,
            pairs=pairs,
            checks=(*_json(counts), *check_faults(rows)),
            fields=null_faults(store, key, some, weighted=differ(pairs.weight)),
            likeness=likenesses(store, key, some, "" if alike else cluster),
            standings=standings(store, series, some, cluster),
            captured=calls.captured,
            mirrored=calls.mirrored,
            paired=_before(pairs, end),
            lost=_lost(calls.reasons, counts),
            unpriced=counts.unpriced,
            first_received_ns=_first_received_ns(store, key),
            data_hash="",
            load=load_run(store, series),
            faults={} if alike else _faults(store, key, ids, some, rows),
            unchecked=unchecked(store, key, some),
            unlabelled=unlabelled(store, key, some),
            standards_changed_ns=changed_ns(store),
        )
    return replace(found, data_hash=data_hash(found, end))


def data_hash(evidence: Evidence, end: float | None = None) -> str:
    """SHA-256 over the data, the same in every process: arrays as bytes, the rest as JSON."""
    n = _before(evidence.pairs, end)
    digest = hashlib.sha256()
    for field in fields(evidence):
        value = getattr(evidence, field.name)
        if field.name in NOT_HASHED:
            continue
        digest.update(field.name.encode() + b"\0")
        if field.name == "pairs":
            for column in fields(value):
                digest.update(_bytes(getattr(value, column.name)[:n]))
                value.let_go()
        elif field.name == "faults":
            for name, codes in value.items():
                digest.update(name.encode() + b"\0" + _bytes(codes[:n]))
        else:
            digest.update(json.dumps(value, default=_plain, sort_keys=True).encode())
    return digest.hexdigest()


def _bytes(column: npt.NDArray[np.generic]) -> memoryview:
    """The same for the same values, in however few bytes later pairs let them be kept."""
    kind = np.int32 if column.dtype.kind == "i" else column.dtype
    return np.ascontiguousarray(column, kind).data


def _plain(value: object) -> object:
    return asdict(value)  # type: ignore[call-overload]


def _faults(
    store: Store,
    key: tuple[str, str],
    ids: npt.NDArray[np.int64],
    some: str,
    rows: Sequence[CheckRow],
) -> Mapping[str, Flags]:
    """Of all pairs, as their columns are."""
    return fault_codes(store, key, ids, check_rows(store, key) if some else rows)


def _before(pairs: Pairs, end: float | None) -> int:
    return len(pairs) if end is None else int(np.searchsorted(pairs.time_s, end, side="left"))


def _lost(reasons: Mapping[str, int], counts: PairCounts) -> dict[str, int]:
    """By reason; content that was cut is no loss where latency and cost compare all the same."""
    kept = CHOSEN | CANDIDATE_REASONS
    known = dict(reasons) | {str(Reason.CONTENT_TRUNCATED): counts.cut, NO_TIME: counts.undated}
    return {reason: n for reason, n in sorted(known.items()) if n and reason not in kept}


def _json(counts: PairCounts) -> tuple[PairedCount, ...]:
    return (PairedCount(JSON, *counts.json),) if counts.json[0] else ()


def _first_received_ns(store: Store, key: tuple[str, str]) -> int | None:
    """Legs are numbered as they come; None where none has come, 0 where nobody noted when."""
    rows = store.query(
        "SELECT received_ns FROM observations WHERE experiment = ? AND candidate_id IN ('', ?)"
        " ORDER BY id LIMIT 1",
        key,
    )
    return int(rows[0][0]) if rows else None


def _newest_received_ns(store: Store) -> int:
    """The clock of the evidence: whether a leg is missing must not depend on when it is asked."""
    rows = store.query("SELECT received_ns FROM observations ORDER BY id DESC LIMIT 1")
    return int(rows[0][0]) if rows else 0
