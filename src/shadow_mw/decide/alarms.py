"""Alarms on what is so now: judges, the budget, the window, the verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping

from shadow_mw.alarms import CLEAR, RAISED, Alarm, Kind
from shadow_mw.standings import Standings
from shadow_mw.verdicts import Decision, State, Verdict


def judges(standings: Standings) -> Alarm | None:
    """Whether a judge no longer judges as it did when its anchors were frozen; None without any."""
    checked = [judge for judge in standings.judges if judge.drift]
    if not checked:
        return None
    moved = [judge for judge in checked if judge.drift and judge.drift.alarm]
    if not moved:
        return Alarm(Kind.JUDGE_DRIFT, "", CLEAR, "judges judge their anchors as they did")
    text = "; ".join(
        f"{judge.judge}: {', '.join(judge.drift.reasons if judge.drift else ())}" for judge in moved
    )
    return Alarm(Kind.JUDGE_DRIFT, "", RAISED, f"{text}; no verdict of theirs counts")


def budget(gauges: Mapping[str, float]) -> list[Alarm]:
    """How much is spent.

    Args:
        gauges: `spend_usd` and `budget_usd`, as runners report them; none without a budget.
    """
    spent, limit = gauges.get("spend_usd", 0.0), gauges.get("budget_usd", 0.0)
    if limit <= 0:
        return []
    text = f"${spent:,.2f} of ${limit:,.2f} is spent"
    return [
        Alarm(kind, "", RAISED if spent >= share * limit else CLEAR, text + more)
        for kind, share, more in (
            (Kind.BUDGET_80, 0.8, ""),
            (Kind.BUDGET_100, 1.0, "; nothing is mirrored to this candidate at the limit"),
        )
    ]


def window(end: float | None, now: float) -> list[Alarm]:
    """Whether the window is over.

    Args:
        end: unix time, s; nothing is said where nobody has reported one.
        now: the same.
    """
    if end is None:
        return []
    state = RAISED if end <= now else CLEAR
    text = "the window is over: nothing is mirrored any more" if end <= now else "the window runs"
    return [Alarm(Kind.WINDOW_ENDED, "", state, text)]


def verdict(found: Verdict) -> Alarm:
    """The verdict, compared without its figures: these change with every pair."""
    rests_on = re.sub(r"[-+]?\d[\d.,]*", "#", found.reason)
    failed = sorted(
        gate.name for gate in found.gates if gate.state is State.FAIL and not gate.waived_by
    )
    if found.decision == Decision.NO_GO and failed:
        rests_on = ", ".join(failed)
    state = f"{found.decision.value}: {rests_on}"
    return Alarm(Kind.VERDICT, "", state, f"{found.decision.value}: {found.reason}")
