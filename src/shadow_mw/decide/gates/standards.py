"""Whether the data were judged by what was declared before them."""

from __future__ import annotations

from typing import Final

from shadow_mw.decide import words
from shadow_mw.decide.case import Case
from shadow_mw.decide.gates.result import lacking
from shadow_mw.verdicts import GateResult

NAME: Final = "coverage.rules"


def standards_gate(case: Case) -> list[GateResult]:
    """Rules that changed once data had come may have been made to fit them: somebody has to sign.

    A gate only where they did.
    """
    changed, first = case.evidence.standards_changed_ns, case.evidence.first_received_ns
    if changed is None or first is None or changed <= first:
        return []
    at = words.stamp(changed // 1_000_000_000)
    return [
        lacking(
            NAME,
            "rules of judging",
            f"rules of fields or the choice of checks changed {at}, after data had come",
            needed="as they were declared before the data",
            unit="count",
            n=len(case.window),
            method="declared",
        )
    ]
