"""What an alarm says, and what was told of it: plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Everything that there is an alarm for."""

    HALLUCINATION = "hallucination"
    ERRORS = "errors"
    JUDGE_DRIFT = "judge_drift"
    BUDGET_80 = "budget_80"
    BUDGET_100 = "budget_100"
    WINDOW_ENDED = "window_ended"
    VERDICT = "verdict"
    """Never raised: its text is the verdict, and each other one is told."""


LATCHED = frozenset({Kind.HALLUCINATION, Kind.ERRORS})
"""What is proven stays proven: these stay for the experiment. The others are what is so now."""


RAISED = "raised"
CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as the data have it now."""

    kind: Kind
    segment: str
    """Empty where it is about all traffic."""
    state: str
    """`raised` or `clear`; of `Kind.VERDICT` the decision, `: ` and what it rests on."""
    text: str
    """One line for people: counts and names, never content."""
    low: float | None = None
    """The anytime-valid interval of candidate minus primary, where it is about one."""
    high: float | None = None

    @property
    def raised(self) -> bool:
        """Whether somebody should look."""
        return self.state == RAISED

    @property
    def decision(self) -> str:
        """Of `Kind.VERDICT`."""
        return self.state.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm that is not as it was kept."""

    experiment: str
    candidate: str
    """Empty where it is about the whole experiment."""
    alarm: Alarm
    since_ns: int

    @property
    def name(self) -> str:
        """The same for whoever finds the same change, and for no other."""
        a = self.alarm
        parts = (self.experiment, self.candidate, a.kind, a.segment, a.state, str(self.since_ns))
        return "/".join(part.replace("%", "%25").replace("/", "%2F") for part in parts)


@dataclass(frozen=True, slots=True)
class Told:
    """How many messages there are by what became of them."""

    sent: int = 0
    failed: int = 0
    """Attempts."""
    dropped: int = 0
    """Given up after a day."""
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Message:
    """One that waits to be told, in the hands of whoever sends it."""

    row: int
    name: str
    """Sent along: a receiver that has it already can drop it."""
    body: str
    """JSON."""
    failures: int
    """Attempts before this one."""


DAMPED_S = 86_400.0
"""A verdict that rests on something else, but is the same one, is told once a day at most."""


def is_news(before: Alarm, now: Alarm, age_s: float) -> bool:
    """Whether an alarm has changed.

    Args:
        before: as it was kept.
        now: as the data have it.
        age_s: since when it is as it was kept.
    """
    if before.state == now.state or (now.kind in LATCHED and before.raised):
        return False
    if now.kind == Kind.VERDICT and before.decision == now.decision:
        return age_s >= DAMPED_S
    return True
