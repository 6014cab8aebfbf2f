"""The phases of a ramp, and what each of them has to prove before the next one may begin.

A phase at 5 % of the traffic cannot prove what 100 % can. So each phase asks for what it is able to
say: nothing may ever be proven failed, and more is to be proven the larger the share is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from shadow_mw.decide.calendar import iso
from shadow_mw.decide.case import case_of
from shadow_mw.decide.gates.result import HIGHER, LOWER
from shadow_mw.decide.plan import Cost, Plan
from shadow_mw.evidence import Evidence
from shadow_mw.verdicts import Decision, GateResult, State, Verdict

UNTIL: Final = re.compile(r"\buntil\s+(\d+[-./]\d+[-./]\d+)", re.IGNORECASE)
"""In the reason of a waiver: the last day on which it holds, or what was meant to be one."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What has to hold at the end of one phase."""

    name: str
    share: float
    """Of the traffic, and of the plan's pairs that have to be there."""
    text: str
    proven: tuple[str, ...] = ()
    """Gates that have to pass, as far as the plan has them."""
    measured: tuple[str, ...] | None = ()
    """Gates that need data; None is every gate."""
    verdict: bool = False
    """Whether every gate has to pass or be signed for."""
    registered: bool = False
    """Whether the verdict has to be GO, and no waiver may have expired."""


PHASES: Final = {
    phase.name: phase
    for phase in (
        Phase(
            "5",
            0.05,
            "nothing proven failed; errors and latency are measured; 5 % of the plan's pairs",
            proven=("coverage.completion",),
            measured=("errors", "latency"),
        ),
        Phase(
            "25",
            0.25,
            "nothing proven failed; every gate has data; latency is proven; 25 % of the pairs",
            proven=("coverage.completion", "latency"),
            measured=None,
        ),
        Phase("100", 1.0, "every gate passes or is signed for", verdict=True),
        Phase(
            "canary",
            1.0,
            "the verdict is GO by a registered plan, and no waiver has expired",
            verdict=True,
            registered=True,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class PhaseResult:
    """Whether the ramp may go on."""

    phase: str
    decision: Decision
    """GO: the next phase may begin. NO-GO: a gate failed. INSUFFICIENT: stay in this phase."""
    reason: str
    gates: tuple[GateResult, ...]
    """Those that this phase asks for."""


def phase_result(phase: Phase, plan: Plan, evidence: Evidence, verdict: Verdict) -> PhaseResult:
    """What a phase makes of a verdict.

    Args:
        phase: one of `PHASES`.
        plan: the one that decided.
        evidence: of which the verdict is.
        verdict: the whole one.
    """
    extra = [_pairs(phase, plan, len(evidence.pairs)), *_budget(plan, evidence)]
    asked = [gate for gate in verdict.gates if _asked(phase, gate)]
    gates = (*extra, *asked)
    failed = [gate for gate in verdict.gates if gate.state is State.FAIL and not gate.waived_by]
    failed += [gate for gate in extra if gate.state is State.FAIL]
    if failed:
        reason = verdict.reason if verdict.decision is Decision.NO_GO else failed[0].reason
        return PhaseResult(phase.name, Decision.NO_GO, reason, (*gates, *_others(failed, gates)))
    waiting = next(filter(None, (_waiting(phase, gate) for gate in gates)), None)
    waiting = waiting or (_unsigned(verdict, evidence, plan) if phase.registered else None)
    if waiting:
        return PhaseResult(phase.name, Decision.INSUFFICIENT, waiting, gates)
    return PhaseResult(phase.name, Decision.GO, phase.text, gates)


def _asked(phase: Phase, gate: GateResult) -> bool:
    return (
        phase.verdict
        or phase.measured is None
        or gate.name in phase.proven
        or gate.name in phase.measured
    )


def _others(failed: Sequence[GateResult], gates: Sequence[GateResult]) -> list[GateResult]:
    return [gate for gate in failed if gate not in gates]


def _waiting(phase: Phase, gate: GateResult) -> str | None:
    """Why this gate holds the ramp; None where it does not."""
    if gate.waived_by or gate.state is State.PASS:
        return None
    if phase.verdict or gate.name in phase.proven or gate.name.startswith("phase."):
        return f"{gate.title}: {gate.reason}"
    return None if gate.method else f"{gate.title}: {gate.reason}"


def _pairs(phase: Phase, plan: Plan, n: int) -> GateResult:
    needed = -(-round(100 * phase.share) * plan.sample.pairs // 100)
    return GateResult(
        name="phase.pairs",
        title="pairs of this phase",
        primary=None,
        candidate=n,
        delta=None,
        interval=None,
        margin=needed,
        better=HIGHER,
        unit="count",
        needed=f"at least {needed:,}",
        state=State.PASS if n >= needed else State.UNPROVEN,
        n=n,
        reason=f"{n:,} of {needed:,} pairs",
        method="counted",
    )


def _budget(plan: Plan, evidence: Evidence) -> list[GateResult]:
    """What the candidate's calls have cost so far."""
    if plan.budget_usd is None:
        return []
    import numpy as np

    limit = float(plan.budget_usd)
    spent = float(np.nansum(evidence.pairs.candidate_cost_usd))
    priced = int((~np.isnan(evidence.pairs.candidate_cost_usd)).sum())
    state, reason = _spent(plan, spent, limit, priced, evidence.unpriced)
    return [
        GateResult(
            name="phase.budget",
            title="budget",
            primary=None,
            candidate=spent,
            delta=None,
            interval=None,
            margin=limit,
            better=LOWER,
            unit="usd",
            needed=f"at most ${limit:,.2f}",
            state=state,
            n=priced,
            reason=reason,
            method="counted",
        )
    ]


def _spent(plan: Plan, spent: float, limit: float, priced: int, unpriced: int) -> tuple[State, str]:
    """Calls without a price have cost something too: like the others, where they are few."""
    reason = f"the candidate's calls cost ${spent:,.2f} of ${limit:,.2f}"
    if spent > limit:
        return State.FAIL, reason
    if not unpriced:
        return State.PASS, reason
    reason += f"; unpriced: {unpriced:,} of {priced + unpriced:,} calls"
    few = unpriced <= (plan.gates.cost or Cost()).unpriced_share * (priced + unpriced)
    held = few and spent * (priced + unpriced) <= limit * priced
    return State.PASS if held else State.UNPROVEN, reason


def _unsigned(verdict: Verdict, evidence: Evidence, plan: Plan) -> str | None:
    """Why signatures and registration do not carry the step to real traffic."""
    if verdict.decision is not Decision.GO:
        return verdict.reason
    when = case_of(plan, evidence).when
    today = date.fromisoformat(iso(int(when.day[-1])))
    expired = {gate.name: text for gate in verdict.gates if (text := _expired(gate, today))}
    return next((f"the waiver of {name} held {text}" for name, text in expired.items()), None)


def last_day(reason: str) -> date | None:
    """The last day on which a waiver holds; None where its reason names none.

    Raises:
        ValueError: what stands there is no day.
    """
    found = UNTIL.search(reason)
    if not found:
        return None
    try:
        return date.fromisoformat(found[1])
    except ValueError:
        raise ValueError(f"until {found[1]}, which is no day") from None


def _expired(gate: GateResult, today: date) -> str | None:
    try:
        last = last_day(gate.waived_by or "")
    except ValueError as error:
        return str(error)
    over = last is not None and last < today
    return f"until {last}, and the newest pair is of {today}" if over else None


def phase_json(result: PhaseResult) -> dict[str, object]:
    """For programs, without its gates."""
    return {
        "phase": result.phase,
        "holds": result.decision is not Decision.GO,
        "decision": result.decision.value,
        "reason": result.reason,
        "gates": [gate.name for gate in result.gates],
    }
