"""How many calls got how far, and why the others did not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from shadow_mw.evaluate.series import SERIES, within
from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import Bounds
from shadow_mw.results import Funnel
from shadow_mw.types import CANDIDATE_REASONS, NOT_COMPARED, REPEAT, Reason, Role

PATIENCE: Final = 15 * 60
"""Seconds after which the other leg of a stored one counts as missing."""


Counted = Mapping[str | None, tuple[int, int]]
"""Pairs and scored ones by the reason why they are not compared; None is that of those that are."""


def funnel(
    store: Store,
    key: tuple[str, str],
    counted: Counted | None = None,
    now_ns: int | None = None,
    window: Bounds | None = None,
) -> Funnel:
    """The counters say what happened outside the store; without any, the store's legs count.

    The primary is asked again for a share only: what was chosen for it counts as captured.

    Args:
        store: whose calls.
        key: experiment and candidate.
        counted: its pairs, where somebody has counted them already.
        now_ns: when legs that wait count as missing is told from here; by default, the clock.
        window: legs that wait are those of calls in it, counters those of apps that had begun
            before its end: more is not known of a counter's time. None is all time.
    """
    experiment, candidate = key
    shared = candidate if candidate == REPEAT else ""
    counters = store.query(
        "SELECT source, name, n FROM funnel WHERE experiment = ? AND candidate_id IN (?, ?)",
        (experiment, shared, candidate),
    )
    if window is not None:
        counters = [row for row in counters if not _begun_after(row[0], window.end)]
    counted = _counted(store, key) if counted is None else counted
    paired = sum(n for n, _ in counted.values())
    mirrored = _sum(counters, "runner:", "mirrored")
    now_ns = time.time_ns() if now_ns is None else now_ns
    lone = _lone_legs(store, key, shared, now_ns, within(window))
    if mirrored is None:
        # A candidate's leg has its pair or waits; a primary's is emitted only together with one.
        mirrored = paired + sum(lone.values())
    reasons = _outside(counters) | {name: n for name, (n, _) in counted.items() if name} | lone
    if not counters:
        reasons |= _failures(store, key)
    captured = _sum(counters, "app:", "captured")
    if captured is None:
        captured = mirrored + (_unmirrored(reasons) if candidate == REPEAT else 0)
    return Funnel(
        captured=captured,
        mirrored=mirrored,
        paired=paired,
        scored=sum(scored for _, scored in counted.values()),
        reasons={name: n for name, n in sorted(reasons.items()) if n > 0},
        hosts=tuple(sorted({s.split(":")[1] for s, _, _ in counters if s.startswith("app:")})),
    )


def _counted(store: Store, key: tuple[str, str]) -> Counted:
    rows = store.query(
        f"SELECT excluded, count(*), sum(scored) FROM pairs WHERE series = {SERIES} GROUP BY 1", key
    )
    return {reason: (n, scored) for reason, n, scored in rows}


def _unmirrored(reasons: dict[str, int]) -> int:
    return sum(n for name, n in reasons.items() if name not in CANDIDATE_REASONS | NOT_COMPARED)


def _begun_after(source: str, end: float) -> bool:
    """Whether it is an app's process, which names when it began, and that was after the window."""
    began = source.rsplit(":", 1)[-1]
    return source.startswith("app:") and began.isdecimal() and int(began) / 1e9 >= end


def _lone_legs(
    store: Store, key: tuple[str, str], shared: str, now_ns: int, among_times: str
) -> dict[str, int]:
    """A primary leg counts where no candidate's came: whose was lost, it does not say."""
    rows = store.query(
        "SELECT role, received_ns < ?, count(*) FROM waiting CROSS"
        " JOIN observations ON observations.id = observation"
        f" WHERE experiment = ? AND candidate_id IN (?, ?){among_times} GROUP BY 1, 2",
        (now_ns - PATIENCE * 10**9, key[0], shared, key[1]),
    )
    reasons: Counter[str] = Counter()
    for role, overdue, n in rows:
        missing = MISSING_WITH[Role(role)]
        reasons[str(missing if overdue else Reason.LEG_AWAITED)] += n
    return dict(reasons)


MISSING_WITH = {
    Role.PRIMARY: Reason.CANDIDATE_LEG_MISSING,
    Role.CANDIDATE: Reason.PRIMARY_LEG_MISSING,
}


def _sum(counters: list[Any], source: str, name: str) -> int | None:
    found = [n for where, what, n in counters if where.startswith(source) and what == name]
    return sum(found) if found else None


def _outside(counters: list[Any]) -> dict[str, int]:
    reasons: Counter[str] = Counter()
    for _, name, n in counters:
        if name not in ("captured", "mirrored"):
            reasons[name] += n
    return dict(reasons)


FAILURES: Final = f"""
SELECT reason, count(*) FROM (
    SELECT candidate_row AS leg FROM pairs NOT INDEXED
        WHERE series = {SERIES} AND candidate_latency_ms = 9e999
    UNION ALL SELECT observation FROM waiting
) CROSS JOIN observations ON observations.id = leg
WHERE experiment = ? AND candidate_id = ? AND NOT answered GROUP BY 1
"""


def _failures(store: Store, key: tuple[str, str]) -> dict[str, int]:
    rows = store.query(FAILURES, key * 2)
    return {reason: n for reason, n in rows if reason in CANDIDATE_REASONS}
