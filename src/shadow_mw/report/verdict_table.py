"""A verdict for people at a terminal: the decision and its reason first, then every gate."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadow_mw.report.numbers import NOTHING, counted, rate, shown_plain
from shadow_mw.report.plain_table import fitting, plain_table
from shadow_mw.report.verdict_cells import cells, segment_cells
from shadow_mw.verdicts import Coverage, Decision, GateResult, State, Verdict

COLOURS = {Decision.GO: "green", Decision.NO_GO: "red", Decision.INSUFFICIENT: "yellow"}
STATES = {State.PASS: "green", State.FAIL: "red", State.UNPROVEN: "yellow"}
STEPS = {
    Decision.GO: "GO ON",
    Decision.NO_GO: "GO BACK",
    Decision.INSUFFICIENT: "STAY",
}
GATES = ("gate", "primary", "candidate", "delta\ninterval", "needed", "state")
SEGMENTS = ("segment", "share", "pairs", "measure", "primary", "candidate", "delta", "state")
MOST_SEGMENTS = 15


def show(verdict: Verdict, console: Console) -> None:
    """Print everything that decides."""
    console.print(_first(verdict.decision.value, verdict.decision, verdict.reason))
    console.print(Text(_head(verdict)))
    console.print()
    console.print(_gates(verdict.gates, console))
    for line in _reasons(verdict.gates):
        console.print(Text(line))
    if verdict.segments:
        console.print()
        console.print(_segments(verdict, console))
        if len(verdict.segments) > MOST_SEGMENTS:
            console.print(
                Text(f"and {counted(len(verdict.segments) - MOST_SEGMENTS, 'more segment')}")
            )
    console.print()
    for line in coverage_lines(verdict.coverage):
        console.print(Text(shown_plain(line)))
    for gate, variation, outcome in verdict.sensitivity:
        console.print(Text(f"{gate}, {variation}: {outcome}"))


def show_phase(
    phase: str,
    decision: Decision,
    reason: str,
    gates: tuple[GateResult, ...],
    console: Console,
) -> None:
    """Print whether a ramp may go on, with the gates that this phase asks for."""
    console.print(_first(STEPS[decision], decision, f"phase {phase}: {reason}"))
    console.print()
    console.print(_gates(gates, console))
    for line in _reasons(gates):
        console.print(Text(line))


def _first(word: str, decision: Decision, reason: str) -> Text:
    style = f"bold {COLOURS[decision]}"
    return Text.assemble((word, style), "  ", shown_plain(reason))


def _head(verdict: Verdict) -> str:
    plan = verdict.plan
    series = f"{shown_plain(verdict.experiment)}/{shown_plain(verdict.candidate)}"
    return (
        f"{series}; plan {plan.name} {plan.hash[:12]} ({plan.note}); look: {verdict.look};"
        f" data {verdict.data_hash[:12]}"
    )


def _gates(gates: Sequence[GateResult], console: Console) -> Table:
    """Names are what `--waive` takes, and are searched for: whole in 80 columns."""
    return fitting(console, lambda gap: _gates_by(gap, gates))


def _gates_by(gap: int, gates: Sequence[GateResult]) -> Table:
    """The interval stands under its delta, so that the table fits a narrow terminal."""
    table = plain_table(gap)
    for name in GATES:
        left = name in ("gate", "needed", "state")
        # What is wider than the terminal is folded: a state or a figure is never cut.
        table.add_column(
            name,
            justify="left" if left else "right",
            no_wrap=name in ("needed", "state"),
            overflow="fold",
        )
    for gate in gates:
        _, primary, candidate, delta, interval, needed, state = map(shown_plain, cells(gate))
        between = delta if interval == NOTHING else f"{delta}\n{interval}"
        table.add_row(
            Text(shown_plain(gate.name)),
            *map(Text, (primary, candidate, between, needed)),
            Text(state.replace(", ", ",\n"), style=STATES[gate.state]),
        )
    return table


def _reasons(gates: Sequence[GateResult]) -> list[str]:
    """Of every gate that does not simply pass."""
    lines = [_why(gate) for gate in gates if gate.state is not State.PASS or _beyond(gate)]
    return ["", *lines] if lines else []


def _beyond(gate: GateResult) -> bool:
    """Whether it passes since nothing is proven against it, with an interval beyond its margin."""
    if gate.interval is None or gate.margin is None:
        return False
    low, high = gate.interval
    if gate.better == "lower":
        return high is None or high > gate.margin
    return low is None or low < gate.margin


def _why(gate: GateResult) -> str:
    signed = f"; signed for by {gate.waived_by}" if gate.waived_by else ""
    return shown_plain(f"{gate.name}: {gate.reason}{signed}")


def _segments(verdict: Verdict, console: Console) -> Table:
    return fitting(console, lambda gap: _segments_by(gap, verdict))


def _segments_by(gap: int, verdict: Verdict) -> Table:
    table = plain_table(gap)
    for name in SEGMENTS:
        left = name in ("segment", "measure", "state")
        table.add_column(
            "delta\ninterval" if name == "delta" else name,
            justify="left" if left else "right",
            no_wrap=name in ("measure", "state"),
            overflow="fold",
        )
    for row in verdict.segments[:MOST_SEGMENTS]:
        *others, delta, state = map(shown_plain, segment_cells(row))
        table.add_row(*map(Text, others), Text(_stacked(delta)), Text(state))
    return table


def _stacked(delta: str) -> str:
    """The interval below the delta that it is of."""
    return delta.replace(" (", "\n").removesuffix(")")


def coverage_lines(coverage: Coverage) -> list[str]:
    """What the window covered, and what it did not."""
    if not coverage.start:
        return ["window: not begun"]
    over = "over" if coverage.complete else "not over"
    days = counted(coverage.days, "day")
    lines = [
        f"window: {coverage.start} to {coverage.end} ({over}), {days} with pairs,"
        f" {rate(coverage.volume_share)} of its calls in hours that have pairs"
    ]
    if coverage.production_share is not None:
        share = rate(coverage.production_share)
        lines.append(f"the candidate was measured at {share} of production's load")
    return [*lines, *coverage.missing]
