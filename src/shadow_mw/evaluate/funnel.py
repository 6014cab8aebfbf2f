"""How many calls got how far, and why the others did not."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Funnel
from shadow_mw.types import CANDIDATE_REASONS, NOT_COMPARED, REPEAT, Reason, Role

PATIENCE: Final = 15 * 60
"""Seconds after which the other leg of a stored one counts as missing."""


def funnel(store: Store, key: tuple[str, str]) -> Funnel:
    """The counters say what happened outside the store; without any, the store's legs count.

    The primary is asked again for a share only: what was chosen for it counts as captured.
    """
    experiment, candidate = key
    shared = candidate if candidate == REPEAT else ""
    counters = store.query(
        "SELECT source, name, n FROM funnel WHERE experiment = ? AND candidate_id IN (?, ?)",
        (experiment, shared, candidate),
    )
    paired, scored = store.one(
        f"SELECT count(*), coalesce(sum(scored), 0) FROM pairs WHERE series = {SERIES}", key
    )
    mirrored = _sum(counters, "runner:", "mirrored")
    lone = _lone_legs(store, key, shared)
    if mirrored is None:
        # A primary leg is emitted only together with a candidate's.
        mirrored = _candidate_legs(store, key) + lone.primaries
    reasons = _reasons(store, key, counters) | lone.reasons
    captured = _sum(counters, "app:", "captured")
    if captured is None:
        captured = mirrored + (_unmirrored(reasons) if candidate == REPEAT else 0)
    return Funnel(
        captured=captured,
        mirrored=mirrored,
        paired=paired,
        scored=scored,
        reasons=reasons,
        hosts=tuple(sorted({s.split(":")[1] for s, _, _ in counters if s.startswith("app:")})),
    )


def _unmirrored(reasons: dict[str, int]) -> int:
    return sum(n for name, n in reasons.items() if name not in CANDIDATE_REASONS | NOT_COMPARED)


def _candidate_legs(store: Store, key: tuple[str, str]) -> int:
    sql = (
        "SELECT count(*) FROM observations"
        " WHERE role = 'candidate' AND experiment = ? AND candidate_id = ?"
    )
    return int(store.one(sql, key)[0])


@dataclass(frozen=True, slots=True)
class _Lone:
    """Stored legs whose other half is not there."""

    primaries: int
    reasons: dict[str, int]


def _lone_legs(store: Store, key: tuple[str, str], shared: str) -> _Lone:
    """A primary leg counts where no candidate's came: whose was lost, it does not say."""
    rows = store.query(
        "SELECT role, received_ns < ?, count(*) FROM waiting"
        " JOIN observations ON observations.id = observation"
        " WHERE experiment = ? AND candidate_id IN (?, ?) GROUP BY 1, 2",
        (time.time_ns() - PATIENCE * 10**9, key[0], shared, key[1]),
    )
    reasons: Counter[str] = Counter()
    for role, overdue, n in rows:
        missing = MISSING_WITH[Role(role)]
        reasons[str(missing if overdue else Reason.LEG_AWAITED)] += n
    return _Lone(sum(n for role, _, n in rows if role == Role.PRIMARY), dict(reasons))


MISSING_WITH = {
    Role.PRIMARY: Reason.CANDIDATE_LEG_MISSING,
    Role.CANDIDATE: Reason.PRIMARY_LEG_MISSING,
}


def _sum(counters: list[Any], source: str, name: str) -> int | None:
    found = [n for where, what, n in counters if where.startswith(source) and what == name]
    return sum(found) if found else None


def _reasons(store: Store, key: tuple[str, str], counters: list[Any]) -> dict[str, int]:
    reasons: dict[str, int] = {}
    for _, name, n in counters:
        if name not in ("captured", "mirrored"):
            reasons[name] = reasons.get(name, 0) + n
    reasons |= store.query(
        f"SELECT excluded, count(*) FROM pairs WHERE series = {SERIES} AND excluded IS NOT NULL"
        " GROUP BY 1",
        key,
    )
    if not counters:
        reasons |= {
            reason: n
            for reason, n in store.query(
                "SELECT reason, count(*) FROM observations"
                " WHERE experiment = ? AND candidate_id = ? AND NOT answered GROUP BY 1",
                key,
            )
            if reason in CANDIDATE_REASONS
        }
    return {name: n for name, n in sorted(reasons.items()) if n > 0}
