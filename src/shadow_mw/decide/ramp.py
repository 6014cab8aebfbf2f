"""The way to production in steps, with the verdict's own gates as what stops it."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from typing import Final

from shadow_mw.decide.phases import PHASES
from shadow_mw.decide.plan import Plan
from shadow_mw.decide.promql import canary_query, matchers, shadow_query
from shadow_mw.types import Json
from shadow_mw.verdicts import GateResult, Verdict

CANARY: Final = (0.05, 0.25, 0.5, 1.0)
"""Shares of real traffic, one after the other."""
HOLD_HOURS: Final = 24
"""For which each canary step is watched at least: every hour of a day."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One criterion that stops the ramp."""

    gate: str
    title: str
    better: str
    margin: float | None
    unit: str
    text: str
    promql: str | None
    """On the metrics of `shadow-mw serve`; None where they do not have it."""
    canary_promql: str | None
    """On production's span metrics, by model; None where they do not have it."""


def ramp_json(plan: Plan, verdict: Verdict) -> dict[str, Json]:
    """Phases with what each has to prove, and what stops any of them."""
    series = shlex.join(("--experiment", verdict.experiment, "--candidate", verdict.candidate))
    shadow = [
        {
            "phase": f"shadow {name}",
            "kind": "shadow",
            "share": phase.share,
            "set": f"shadow-mw sample {phase.share:g}",
            "needs": phase.text,
            "check": f"shadow-mw verdict {series} --phase {name}",
        }
        for name, phase in PHASES.items()
        if name != "canary"
    ]
    canary = [
        {
            "phase": f"canary {100 * share:g}",
            "kind": "canary",
            "share": share,
            "hold_hours": HOLD_HOURS,
            "needs": PHASES["canary"].text,
            "check": f"shadow-mw verdict {series} --phase canary",
        }
        for share in CANARY
    ]
    return {
        "experiment": verdict.experiment,
        "candidate": verdict.candidate,
        "plan": {"name": verdict.plan.name, "hash": verdict.plan.hash},
        "verdict": verdict.decision.value,
        "phases": [*shadow, *canary],
        "kill": [asdict(kill) for kill in kills(plan, verdict)],
    }


def kills(plan: Plan, verdict: Verdict) -> tuple[Kill, ...]:
    """Every gate that data can fail, with the plan's margin."""
    made = [
        _kill(plan, verdict, gate)
        for gate in verdict.gates
        if not gate.name.startswith("coverage.")
    ]
    if plan.budget_usd is not None:
        limit = float(plan.budget_usd)
        series = matchers(verdict.experiment, verdict.candidate)
        query = f"sum(shadow_spend_usd{{{series}}}) > {limit:g}"
        text = f"more than ${limit:,.2f} is spent"
        made.append(Kill("budget", "budget", "lower", limit, "usd", text, query, None))
    return tuple(made)


def _kill(plan: Plan, verdict: Verdict, gate: GateResult) -> Kill:
    shadow = canary = None
    if gate.margin is not None:
        percent = plan.gates.latency.percent if plan.gates.latency else 95
        margin, series = abs(gate.margin), matchers(verdict.experiment, verdict.candidate)
        shadow = shadow_query(gate.name, series, margin, percent)
        canary = canary_query(gate.name, verdict.candidate, margin, percent)
    text = f"proven beyond the limit, {gate.needed}"
    return Kill(gate.name, gate.title, gate.better, gate.margin, gate.unit, text, shadow, canary)
