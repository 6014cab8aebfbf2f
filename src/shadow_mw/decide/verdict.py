"""GO, NO-GO or INSUFFICIENT: a function of the plan, the evidence and who signed, of nothing else.

NO-GO where a gate is proven failed; else INSUFFICIENT where one is not proven, and nobody took the
responsibility for it; else GO. GO needs a plan that was registered before any data, and a whole
window: it is an intersection-union test (Berger, Technometrics 24 (1982)), in which every gate has
to pass at its own level, so that no correction for their number is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from shadow_mw.decide.case import Case, case_of
from shadow_mw.decide.coverage import covered
from shadow_mw.decide.gates.table import gate_results
from shadow_mw.decide.plan import Plan
from shadow_mw.decide.segments import segment_rows
from shadow_mw.decide.sensitivity import sensitivity
from shadow_mw.decide.trends import trends
from shadow_mw.evidence import Evidence
from shadow_mw.verdicts import Decision, GateResult, PlanName, State, Verdict
from shadow_mw.version import __version__

HARM: Final = (
    "hallucination",
    "hallucination.cap",
    "hallucination.fields",
    "invalid_output",
    "accuracy",
    "errors",
    "null_like",
    "segments",
    "checks",
    "win_rate",
    "latency",
    "likeness",
    "cost",
)
"""The worst first: which failed gate is the reason."""
SIGNED: Final = "cost"
"""The one gate whose failure somebody may sign off."""
WINDOW: Final = "coverage.days"


def decide(
    plan: Plan,
    evidence: Evidence,
    plan_name: PlanName,
    waivers: Mapping[str, str] | None = None,
    signoffs: Mapping[str, str] | None = None,
) -> Verdict:
    """The verdict on a candidate; the same arguments give the same verdict.

    Args:
        plan: what has to hold.
        evidence: what was seen.
        plan_name: whether the plan was registered before any data.
        waivers: gate to who took the responsibility for its not being proven, and why. A failed
            gate stays failed.
        signoffs: the same for `cost`, whose failure may be signed off too.

    Names of gates that the plan does not have say nothing.
    """
    waivers, signoffs = dict(waivers or {}), dict(signoffs or {})
    case = case_of(plan, evidence)
    coverage = covered(case)
    evidence.pairs.let_go()
    parts = segment_rows(case, plan.gates.segments) if plan.gates.segments else ()
    evidence.pairs.let_go()
    results = gate_results(case, coverage, parts)
    gates = tuple(_signed(case, gate, waivers, signoffs) for gate in results)
    decision, reason = conclusion(gates, plan_name)
    developed = trends(case)
    evidence.pairs.let_go()
    varied = sensitivity(case)
    evidence.pairs.let_go()
    return Verdict(
        decision=decision,
        reason=reason,
        plan=plan_name,
        data_hash=evidence.data_hash,
        version=__version__,
        experiment=evidence.series.experiment,
        candidate=evidence.series.candidate,
        look=case.look.name,
        gates=gates,
        segments=parts,
        coverage=coverage,
        trends=developed,
        sensitivity=varied,
        signoffs=_named(gates, waivers, signoffs),
    )


def conclusion(gates: Sequence[GateResult], plan_name: PlanName) -> tuple[Decision, str]:
    """What follows from the gates, and the one reason."""
    failed = [gate for gate in gates if gate.state is State.FAIL and not gate.waived_by]
    if failed:
        worst = min(failed, key=_harm)
        return Decision.NO_GO, f"{worst.title}: {worst.reason}"
    open_ = [gate for gate in gates if gate.state is State.UNPROVEN and not gate.waived_by]
    if open_:
        return Decision.INSUFFICIENT, f"{open_[0].title}: {open_[0].reason}"
    if not plan_name.registered:
        why = plan_name.note or "unregistered"
        return Decision.INSUFFICIENT, f"would be GO; register a plan ({why})"
    return Decision.GO, _go(gates)


def _go(gates: Sequence[GateResult]) -> str:
    signed = sum(gate.waived_by is not None for gate in gates)
    passed = len(gates) - signed
    text = f"{passed} gates pass" if signed else f"all {passed} gates pass"
    return f"{text}, {signed} signed for by people" if signed else text


def _harm(gate: GateResult) -> tuple[int, str]:
    """Longer names first: a part of a gate ranks with it where it has no rank of its own."""
    ranks = [
        rank
        for rank, name in enumerate(HARM)
        if gate.name == name or gate.name.startswith(f"{name}.")
    ]
    return max(ranks, default=len(HARM)), gate.name


def _signed(
    case: Case, gate: GateResult, waivers: Mapping[str, str], signoffs: Mapping[str, str]
) -> GateResult:
    """The gate with who took the responsibility for it, where that changes anything."""
    if gate.name == SIGNED and gate.state is not State.PASS and SIGNED in signoffs:
        return replace(gate, waived_by=signoffs[SIGNED])
    if gate.state is not State.UNPROVEN or gate.name not in waivers:
        return gate
    if gate.name == WINDOW and not case.look.complete:
        return replace(gate, reason=f"{gate.reason} (no waiver shortens it)")
    return replace(gate, waived_by=waivers[gate.name])


def _named(
    gates: Sequence[GateResult], waivers: Mapping[str, str], signoffs: Mapping[str, str]
) -> dict[str, str]:
    """Everybody who signed, whether or not it changed anything."""
    signed = {**waivers, **{name: text for name, text in signoffs.items() if name == SIGNED}}
    return {gate.name: signed[gate.name] for gate in gates if gate.name in signed}
