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


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as the data have it now."""

    kind: Kind
    segment: str
    """Empty where it is about all traffic."""
    state: str
    """`raised` or `clear`; of `Kind.VERDICT` the decision with what it rests on."""
    text: str
    """One line for people: counts and names, never content."""
    low: float | None = None
    """The anytime-valid interval of candidate minus primary, where it is about one."""
    high: float | None = None

    @property
    def raised(self) -> bool:
        """Whether somebody should look."""
        return self.state == RAISED


RAISED = "raised"
CLEAR = "clear"


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
