"""From the store to everything that a verdict rests on; needs numpy."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields, replace
from typing import Final

import numpy as np

from shadow_mw.evaluate.faults import check_faults, null_faults
from shadow_mw.evaluate.funnel import funnel
from shadow_mw.evaluate.judging.standing import standings
from shadow_mw.evaluate.likeness import likenesses
from shadow_mw.evaluate.load_runs import load_run
from shadow_mw.evaluate.pair_columns import COMPARED, pair_columns
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import Evidence
from shadow_mw.results import Series
from shadow_mw.types import CANDIDATE_REASONS, Reason

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
NOT_HASHED: Final = frozenset({"first_received_ns", "data_hash", "prices"})
"""When and with which price table the same data was read."""


def gather(store: Store, series: Series) -> Evidence:
    """Everything the store knows of a series that is fit for a decision.

    Out are pairs with a primary that was cut off or with cut content, latency of backfilled
    pairs, and cost where a price or usage is not known. Probes of `shadow-mw doctor` have an
    experiment of their own, which nobody decides about.
    """
    key = series.experiment, series.candidate
    with store.transaction(write=False):
        pairs, segments = pair_columns(store, key)
        lost, captured, mirrored = _lost(store, key)
        found = Evidence(
            series=series,
            segments=segments,
            pairs=pairs,
            checks=check_faults(store, key),
            fields=null_faults(store, key),
            likeness=likenesses(store, key),
            standings=standings(store, series),
            captured=captured,
            mirrored=mirrored,
            paired=len(pairs),
            lost=lost,
            unpriced=_unpriced(store, key),
            first_received_ns=_first_received_ns(store, key),
            data_hash="",
            load=load_run(store, series),
        )
    return replace(found, data_hash=data_hash(found))


def data_hash(evidence: Evidence) -> str:
    """SHA-256 over the data, the same in every process: arrays as bytes, the rest as JSON."""
    digest = hashlib.sha256()
    for field in fields(evidence):
        value = getattr(evidence, field.name)
        if field.name in NOT_HASHED:
            continue
        digest.update(field.name.encode() + b"\0")
        if field.name == "pairs":
            for column in fields(value):
                digest.update(np.ascontiguousarray(getattr(value, column.name)).data)
        else:
            digest.update(json.dumps(value, default=_plain, sort_keys=True).encode())
    return digest.hexdigest()


def _plain(value: object) -> object:
    return asdict(value)  # type: ignore[call-overload]


def _lost(store: Store, key: tuple[str, str]) -> tuple[dict[str, int], int, int]:
    known = funnel(store, key)
    lost = {
        reason: n
        for reason, n in known.reasons.items()
        if reason not in CHOSEN | CANDIDATE_REASONS | {Reason.CONTENT_TRUNCATED}
    }
    (cut,) = store.one(
        f"SELECT count(*) FROM pairs WHERE series = {SERIES} AND excluded = ? AND NOT timed",
        (*key, Reason.CONTENT_TRUNCATED),
    )
    if cut:
        lost[Reason.CONTENT_TRUNCATED] = cut
    return dict(sorted(lost.items())), known.captured, known.mirrored


def _unpriced(store: Store, key: tuple[str, str]) -> int:
    """A call that failed has no usage, and is no cost that compares."""
    (n,) = store.one(
        f"""SELECT count(*) FROM pairs WHERE series = {SERIES} AND {COMPARED}
            AND (primary_cost_usd IS NULL OR candidate_cost_usd IS NULL)
            AND primary_latency_ms IS NOT 9e999 AND candidate_latency_ms IS NOT 9e999""",
        key,
    )
    return int(n)


def _first_received_ns(store: Store, key: tuple[str, str]) -> int:
    """Legs are numbered as they come; 0 where none has come, or nobody noted when."""
    rows = store.query(
        "SELECT received_ns FROM observations WHERE experiment = ? AND candidate_id IN ('', ?)"
        " ORDER BY id LIMIT 1",
        key,
    )
    return int(rows[0][0]) if rows else 0
