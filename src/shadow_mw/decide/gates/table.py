"""Every gate of a plan, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from shadow_mw.decide.case import Case
from shadow_mw.decide.gates.checks import checks_gate
from shadow_mw.decide.gates.cost import cost_gate
from shadow_mw.decide.gates.coverage import coverage_gates
from shadow_mw.decide.gates.fields import fields_gate
from shadow_mw.decide.gates.judged import win_rate_gate
from shadow_mw.decide.gates.latency import latency_gate, load_gate
from shadow_mw.decide.gates.likeness import likeness_gate
from shadow_mw.decide.gates.not_taken import as_failures
from shadow_mw.decide.gates.rates import rate_gate
from shadow_mw.decide.gates.segments import segments_gate
from shadow_mw.decide.gates.standards import standards_gate
from shadow_mw.verdicts import Coverage, GateResult, SegmentRow

RATES: Final = ("hallucination", "invalid_output", "null_like", "accuracy", "errors")

Gate = Callable[[Case, Any], list[GateResult]]

GATES: Final[dict[str, tuple[Gate, ...]]] = {
    "hallucination": (lambda case, plan: rate_gate(case, "hallucination", plan), fields_gate),
    "invalid_output": (lambda case, plan: rate_gate(case, "invalid_output", plan),),
    "null_like": (lambda case, plan: rate_gate(case, "null_like", plan),),
    "accuracy": (lambda case, plan: rate_gate(case, "accuracy", plan),),
    "errors": (lambda case, plan: as_failures(case, rate_gate(case, "errors", plan)),),
    "checks": (checks_gate,),
    "latency": (latency_gate, load_gate),
    "win_rate": (win_rate_gate,),
    "likeness": (likeness_gate,),
    "cost": (cost_gate,),
}
"""Table of a plan to what decides it; coverage and segments are beside it."""


def gate_results(
    case: Case, coverage: Coverage, segments: Sequence[SegmentRow]
) -> tuple[GateResult, ...]:
    """What every gate of the plan says; a gate that is left out of the plan is not looked at."""
    results = [*coverage_gates(case, coverage), *standards_gate(case)]
    for name, gates in GATES.items():
        plan = getattr(case.plan.gates, name)
        if plan is not None:
            results += [result for gate in gates for result in gate(case, plan)]
            # Each looks at a few columns of its own.
            case.evidence.pairs.let_go()
        if name == "errors" and case.plan.gates.segments is not None:
            results += segments_gate(case, case.plan.gates.segments, segments)
    return tuple(results)
