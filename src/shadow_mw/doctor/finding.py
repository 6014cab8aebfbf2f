"""What the doctor found out about one link of the chain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Whether a link holds."""

    HOLDS = "holds"
    BROKEN = "broken"
    SKIPPED = "skipped"
    """Not applicable, or not looked at: the reason is in what was seen."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One link, as it was seen."""

    link: str
    state: State
    seen: str
    mend: str = ""
    """For a broken one: the file or variable to mend, and how."""


def holds(link: str, seen: str) -> Finding:
    """A link that holds."""
    return Finding(link, State.HOLDS, seen)


def broken(link: str, seen: str, mend: str) -> Finding:
    """A link that does not hold, and what to do about it."""
    return Finding(link, State.BROKEN, seen, mend)


def skipped(link: str, why: str) -> Finding:
    """A link that there is not, or that was not looked at."""
    return Finding(link, State.SKIPPED, why)
