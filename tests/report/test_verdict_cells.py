"""Figures of a verdict as people read them."""

import pytest

from shadow_mw.report.verdict_cells import cells
from shadow_mw.verdicts import GateResult, State


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (8.3e-05, "$0.000083"),
        (1.234567e-07, "$0.000000123"),
        (0.00031, "$0.00031"),
        (0.0, "$0.00"),
        (0.02, "$0.0200"),
        (2.0, "$2.00"),
    ],
)
def test_the_cost_of_a_call_has_no_power_of_ten(usd, shown):
    gate = GateResult(
        name="cost",
        title="cost per call",
        primary=usd,
        candidate=usd,
        delta=None,
        interval=None,
        margin=1.0,
        better="lower",
        unit="ratio",
        needed="at most the primary's",
        state=State.UNPROVEN,
        n=1,
        reason="",
        method="",
    )
    assert cells(gate)[1:3] == (shown, shown)
