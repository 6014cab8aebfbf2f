"""What the evaluator hands to a report and to a decision about LLM judges: plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

IMPORTED = "imported"
"""The epoch of verdicts that came with rows: nobody knows what that judge was asked for."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval."""

    value: float
    low: float
    high: float
    n: int
    """What it is over; 0 makes the interval 0 to 1, and the value no figure."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Pairs that a win rate should be of, and that the judge has said nothing about."""

    share: float = 0.0
    """Of all that it should be of, each weighed by the pairs that it stands for."""
    size: float = 0.0
    """Pairs that tell how large that share is."""
    pairs: Mapping[str, int] = field(default_factory=dict)
    """Why, to how many: the kind of failure (`http_400`), `too_large`, `not_reached`, ..."""

    def bounds(self, rate: Rate, normal: float) -> tuple[float, float]:
        """The interval of all pairs, whatever those that were not judged are.

        All of them lost, and all of them won (Manski 1989, Journal of Human Resources 24(3)), with
        the interval around either end (Imbens and Manski 2004, Econometrica 72(6)), in which how
        many they are is chance too.

        Args:
            rate: of the judged pairs, with its interval.
            normal: how many standard errors that interval reaches to either side.
        """
        if not self.share:
            return rate.low, rate.high
        known = 1 - self.share
        chance = normal * math.sqrt(self.share * known / self.size)
        below = math.hypot(known * (rate.value - rate.low), chance * rate.value)
        above = math.hypot(known * (rate.high - rate.value), chance * (1 - rate.value))
        low, high = known * rate.value, known * rate.value + self.share
        return max(low - below, 0.0), min(high + above, 1.0)


@dataclass(frozen=True, slots=True)
class JudgeDrift:
    """A judge's newest verdicts on its anchors, against those that were frozen."""

    round: int
    """How many times the anchors have been asked again."""
    time_ns: int
    """Of the newest answer."""
    anchors: int
    """Pairs that were frozen."""
    compared: int
    """Those with a verdict both times."""
    changed: int
    to_candidate: int
    to_primary: int
    lost: int
    """Pairs that had a verdict and have none now."""
    p: float
    """McNemar's exact test of this one round."""
    same_judge: bool
    """The same model and system fingerprint answered as when the verdicts were frozen."""
    reasons: tuple[str, ...]
    """Why there is an alarm; empty where there is none."""

    @property
    def alarm(self) -> bool:
        """Its scores gate nothing until anchors are frozen and people's labels given anew."""
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class JudgeStanding:
    """One judge in its newest epoch, over one series."""

    judge: str
    model: str | None
    """As its server named it."""
    fingerprint: str
    """Hash of what it was asked for."""
    epoch: str
    """The same with who answered; `imported` for verdicts that came with rows."""
    judged: int
    """Pairs with both orders."""
    identical: int
    """Pairs drawn whose outputs are the same: ties, and nobody was asked."""
    invalid: Rate
    """Of answers, two a pair."""
    inconsistent: Rate
    """Of pairs with a verdict in both orders: those that differ."""
    qualified: bool | None
    """None where no pair that it judged has a label by people."""
    agreement_lb: float | None
    """One-sided 95 % bound of items right in both orders."""
    labels: int
    """Pairs that it judged and that people agree on."""
    reasons: tuple[str, ...]
    """Why it is not qualified."""
    naive: Rate | None
    """The candidate's win rate, ties for one half, if the judge is taken at its word."""
    corrected: Rate | None
    """The same as people would have said (PPI++); None without their labels."""
    drift: JudgeDrift | None
    """None where no anchors are frozen, or none was asked again yet."""
    weighted: bool = False
    """Whether its pairs stand for different numbers of pairs, or of production's calls."""
    unjudged: Unjudged = Unjudged()
    """What the corrected win rate leaves out; pairs with invalid verdicts are in it, labels say
    what people think of them."""

    @property
    def gates(self) -> bool:
        """Whether its scores may gate a decision."""
        return self.qualified is True and not (self.drift and self.drift.alarm)


@dataclass(frozen=True, slots=True)
class PanelStanding:
    """Several judges as one, over the pairs that all of them have judged."""

    judges: tuple[str, ...]
    pairs: int
    wins: dict[str, int]
    """Pairs by what the majority says: `candidate`, `primary`, `tie`, `invalid`."""
    unanimous: Rate
    win_rate: Rate | None
    """The candidate's by the majority, ties for one half; None without a verdict."""
    disagreements: tuple[str, ...]
    """Pairs that are not unanimous, sorted: people should label them."""


@dataclass(frozen=True, slots=True)
class Standings:
    """Every judge of a series, and all of them as a panel."""

    judges: tuple[JudgeStanding, ...] = ()
    panel: PanelStanding | None = None
    """None with fewer than two judges, or without a pair that all have judged."""
