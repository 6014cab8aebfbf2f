"""What the size of a gate is made of: a plan, its traffic, and what a window yields."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor, log10, sqrt

from shadow_mw.decide.plan import Plan
from shadow_mw.decide.stats import obrien_fleming
from shadow_mw.decide.traffic import Traffic

NEAR = 1.001
CLOSEST = 1e-6
"""No margin is looked for below."""


@dataclass(frozen=True, slots=True)
class Need:
    """One gate: what it takes to prove it, if it really holds."""

    name: str
    what: str
    """`at most 0.2 points worse`."""
    unit: str
    fixed: float
    """Units at the final look; infinite where no number would do."""
    anytime: float | None
    """Units for a proof between looks; None where there is none."""
    yields: float
    """What the window has of them."""
    provable: str | None
    """What the window can prove instead; None where it proves what is wanted, or nothing."""
    basis: str
    """Of the figures behind it: stored, given or assumed."""
    assuming: str
    """What has to be true of the candidate, and how the traffic is."""

    @property
    def is_proven(self) -> bool:
        """Whether the window is long enough for it."""
        return self.fixed <= self.yields


@dataclass(frozen=True, slots=True)
class Window:
    """What the window yields."""

    pairs: float
    labelled: float
    basis: str


class Sizing:
    """A plan, the traffic, and the level of the final look: earlier ones have spent some of it."""

    def __init__(self, plan: Plan, traffic: Traffic) -> None:
        self.plan, self.traffic, self.gates = plan, traffic, plan.gates
        self.window = window_of(plan, traffic)
        self.alpha = obrien_fleming(plan.window.looks, plan.alpha)[-1]
        self.power = plan.power


def window_of(plan: Plan, traffic: Traffic) -> Window:
    """Pairs that the window will have, where as many calls are lost as the plan allows."""
    mirrored = traffic.requests_per_day * plan.window.days * plan.sample.rate
    pairs = mirrored * plan.window.completion
    return Window(pairs, pairs * traffic.labelled_share, traffic.source("requests_per_day"))


def basis(case: Sizing, *names: str) -> str:
    """Where the figures behind a need are from; those of leaves hang on how much is labelled."""
    labelled = [name for name in names if name in ("leaves", "null_leaves")]
    used = [name for name in names if name]
    return case.traffic.source("requests_per_day", *used, *(["labelled_share"] if labelled else []))


def least(passes: Callable[[float], bool], wanted: float, most: float) -> float | None:
    """The least distance that passes, to a thousandth; None where the wanted one does, or none.

    A larger one never needs more.
    """
    if passes(wanted) or not passes(most):
        return None
    low, high = max(wanted, CLOSEST), most
    while high > NEAR * low:
        middle = sqrt(low * high)
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def rounded_up(value: float) -> float:
    """To two digits, and never below: what is shown can be proven."""
    if value <= 0:
        return value
    unit = 10.0 ** (floor(log10(value)) - 1)
    return ceil(value / unit - 1e-9) * unit
