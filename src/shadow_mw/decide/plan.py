"""A plan: what has to hold before the candidate may replace the primary, written before any data.

Every number of a decision stands here and nowhere else. Its hash is over the meaning, so that
comments and the order of keys change nothing.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("accepted is a time zone such as Europe/Berlin") from None
    return name


def _looks(shares: tuple[float, ...]) -> tuple[float, ...]:
    if not shares or shares[0] <= 0 or shares[-1] != 1 or list(shares) != sorted(set(shares)):
        raise ValueError("accepted are shares in ascending order, the last one 1")
    return shares


def _amount(value: Decimal | None) -> Decimal | None:
    """25, 25.0 and 25.00 are one amount, and one hash."""
    return None if value is None else Decimal(f"{value.normalize():f}")


class Table(BaseModel):
    """A table of the plan file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Window(Table):
    """How long, and which hours."""

    days: int = Field(default=14, ge=1, le=366)
    looks: Annotated[tuple[float, ...], AfterValidator(_looks)] = (0.5, 1.0)
    """Shares of the window at which the planned tests are made; the last one is 1."""
    weekday_times: int = Field(default=2, ge=0)
    """How often each weekday has to be in it."""
    hour_share: Share = 0.95
    """Of production's calls that have to lie in hours of the week that have pairs."""
    completion: Share = 0.98
    """Of calls that should have made a pair."""
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"


class Sample(Table):
    """How much traffic."""

    pairs: int = Field(default=10_000, ge=1)
    rate: float = Field(default=1.0, gt=0, le=1)


class Rate(Table):
    """A rate that may be worse by `margin` at most, as a fraction (0.002 is 0.2 points)."""

    margin: float = Field(ge=0, lt=1)
    cap: Share | None = None
    """What the candidate's own rate may be at most."""


class Hallucination(Rate):
    """Values invented for fields whose truth is null, over all labelled null leaves."""

    margin: float = Field(default=0.002, ge=0, lt=1)
    fields: bool = True
    """Whether no single field may be proven worse than the margin (Holm over the fields)."""


class Checks(Table):
    """Faults of deterministic checks: each ties or improves, within a margin."""

    margin: float = Field(default=0.005, ge=0, lt=1)
    only: tuple[str, ...] = ()
    """Their names; by default all that found something to check."""


class Latency(Table):
    """A percentile of the candidate's latency against the primary's; failed calls are infinite."""

    percent: int = Field(default=95, ge=1, le=99)
    ratio: float = Field(default=1.2, gt=0)
    load: bool = False
    """Whether `shadow-mw load` at production's peak rate has to have passed too."""


class WinRate(Table):
    """How often a qualified judge prefers the candidate, corrected by people's labels."""

    at_least: Share = 0.55
    mode: Literal["proven", "observed"] = "proven"
    """`observed` takes the estimate for the truth, and says so."""
    judge: str | None = None
    """Its name; by default the one that there is."""


class Likeness(Table):
    """How like the outputs are, against two answers of the primary itself."""

    margin: float = Field(default=0.02, ge=0, le=1)
    measure: str | None = None
    """`lexical` or an embedding model; by default an embedding model where there is one."""


class Segments(Table):
    """No part of the traffic may be proven worse, and few may be unknown."""

    accuracy_margin: float = Field(default=0.005, ge=0, lt=1)
    hallucination_margin: float = Field(default=0.002, ge=0, lt=1)
    errors_margin: float = Field(default=0.001, ge=0, lt=1)
    unknown_share: Share = 0.05
    """Of the traffic that may lie in segments too small to say."""
    smallest: int = Field(default=200, ge=2)
    """Pairs below which a segment is too small."""


class Cost(Table):
    """Cost of a call against the primary's; more needs somebody's signature."""

    ratio: float = Field(default=1.0, gt=0)
    unpriced_share: Share = 0.01


class Gates(Table):
    """What is decided by; a gate that is left out is not looked at."""

    hallucination: Hallucination | None = None
    invalid_output: Rate | None = None
    null_like: Rate | None = None
    accuracy: Rate | None = None
    errors: Rate | None = None
    checks: Checks | None = None
    latency: Latency | None = None
    win_rate: WinRate | None = None
    likeness: Likeness | None = None
    segments: Segments | None = None
    cost: Cost | None = None


class Plan(Table):
    """What is decided, how, and on how much."""

    name: str = Field(pattern=r"^[\w.:-]{1,80}$")
    experiment: str | None = None
    candidate: str | None = None
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Every interval is two-sided at 1 - alpha; a gate is decided by one end of it."""
    power: float = Field(default=0.9, gt=0, lt=1)
    """With which `shadow-mw plan` computes sample sizes."""
    cluster: Literal["session", "key", "pair"] = "session"
    """What is independent of one another; pairs without one are their own."""
    budget_usd: Annotated[Decimal | None, AfterValidator(_amount)] = Field(default=None, ge=0)
    window: Window = Window()
    sample: Sample = Sample()
    gates: Gates

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical form, defaults included."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @property
    def canonical(self) -> str:
        """The whole plan as one line of JSON."""
        table: dict[str, Any] = self.model_dump(mode="json")
        return json.dumps(table, sort_keys=True, separators=(",", ":"))
