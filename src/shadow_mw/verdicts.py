"""What the decision hands to a report: a verdict and all that it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Decision(StrEnum):
    """Exit codes 0, 1, 2."""

    GO = "GO"
    NO_GO = "NO-GO"
    INSUFFICIENT = "INSUFFICIENT"


class State(StrEnum):
    """Of one gate."""

    PASS = "pass"
    FAIL = "fail"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate: what was measured, what was needed, and what follows."""

    name: str
    title: str
    primary: float | None
    candidate: float | None
    delta: float | None
    """Candidate minus primary, or their ratio where `unit` says so; None is unknown."""
    interval: tuple[float | None, float | None] | None
    """Of `delta` (of `candidate` where the gate is absolute); None at an end that is infinite."""
    margin: float | None
    """The end of the interval on the bad side has to be on the good side of this."""
    better: str
    """`lower` or `higher`: which way `delta` is good."""
    unit: str
    """`points` (fractions), `ratio`, `usd`, `count`, `share`."""
    needed: str
    """For people: `at most 0.2 points worse`."""
    state: State
    n: int
    reason: str
    """One line: why this state."""
    method: str
    """Of the interval, with its source: `Tango 1998`, ...; empty where nothing is estimated."""
    waived_by: str | None = None
    """Who took the responsibility for it, and why; it no longer holds the verdict back."""


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment of the traffic."""

    name: str
    share: float
    """Of production's calls, by weight."""
    pairs: int
    state: str
    """`ok`, `regressed` or `insufficient`."""
    measure: str
    """Which measure decides: `accuracy`, `hallucination`, `errors`."""
    primary: float | None
    candidate: float | None
    delta: float | None
    interval: tuple[float | None, float | None] | None
    n: int


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One measure at the end of one day, over all pairs until then."""

    day: str
    """ISO date in the plan's time zone."""
    n: int
    estimate: float
    low: float
    high: float
    """A confidence sequence: looking at every day costs nothing."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the window covered."""

    start: str
    end: str
    days: int
    complete: bool
    hours: tuple[tuple[int, ...], ...]
    """Pairs by weekday (Monday first) and hour."""
    weekdays: tuple[int, ...]
    """Days of each weekday that have pairs."""
    volume_share: float
    """Of production's calls in hours of the window that have pairs."""
    completion: float
    """Pairs by calls that should have made one."""
    missing: tuple[str, ...]
    """What was not covered, one line each."""
    production_share: float | None
    """Share of production's load that the candidate saw."""


@dataclass(frozen=True, slots=True)
class PlanName:
    """Which plan decided."""

    name: str
    hash: str
    registered: bool
    note: str
    """`registered 2026-11-01T00:00:00Z, before any data`, or why it does not count."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """GO, NO-GO or INSUFFICIENT, with everything behind it."""

    decision: Decision
    reason: str
    plan: PlanName
    data_hash: str
    version: str
    experiment: str
    candidate: str
    look: str
    """`final`, `interim 1 of 2`, or `between looks (anytime-valid)`."""
    gates: tuple[GateResult, ...]
    segments: tuple[SegmentRow, ...]
    coverage: Coverage
    trends: dict[str, tuple[TrendPoint, ...]]
    """By measure: `hallucination`, `accuracy`, `errors`."""
    sensitivity: tuple[tuple[str, str, str], ...] = ()
    """(gate, variation, what comes out of it): by weekday, a day left out, one pair a cluster."""
    signoffs: dict[str, str] = field(default_factory=dict)
    """Gate to who signed it off, and why."""
