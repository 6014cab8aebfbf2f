"""What the judges of a series say: a card for each judge and epoch, never two of them in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from shadow_mw.evaluate.calibration import quantiles
from shadow_mw.evaluate.calibration.calibrate import Calibration, Qualification, calibrate
from shadow_mw.evaluate.calibration.correction import Estimate, Scored, mean
from shadow_mw.evaluate.calibration.rows import Choice, Row
from shadow_mw.evaluate.judging.all_drawn import bounds, with_invalid, with_ties
from shadow_mw.evaluate.judging.card import BiasCard, bias_card
from shadow_mw.evaluate.judging.drawn import Drawn, Weighed, effective
from shadow_mw.evaluate.judging.pools import Judgement, Pool, pools
from shadow_mw.evaluate.judging.values import Opinion, Winner
from shadow_mw.standings import IMPORTED, JudgeDrift, Unjudged
from shadow_mw.types import Role

CHOICES = {Winner.PRIMARY: Choice.A, Winner.CANDIDATE: Choice.B, Winner.TIE: Choice.TIE}


@dataclass(frozen=True, slots=True)
class JudgeCard:
    """One judge in one epoch, over the pairs that it judged in both orders."""

    judge: str
    model: str | None
    """As its server named it."""
    system_fingerprint: str | None
    spec: str
    epoch: str
    newest: bool
    """False where the same judge has answered in a later epoch."""
    half: int
    """Pairs of which this epoch has one order only: in no figure."""
    wins: dict[str, int]
    """Pairs by what both orders say: `candidate`, `primary`, `tie`; else `inconsistent` or
    `invalid`."""
    identical: int
    """Pairs drawn whose outputs are the same: never sent, ties in the two win rates, in nothing
    else. Where not all others are judged yet, they weigh as they do among those drawn."""
    bias: BiasCard | None
    """None where no pair has both orders."""
    naive: Estimate | None
    """The candidate's win rate, ties for one half, if the judge is taken at its word."""
    corrected: Estimate | None
    """The same as people would have said; None without their labels."""
    calibration: Calibration | None
    calls: int
    usd: Decimal | None
    """None where the price of an answer is not known."""
    weighted: bool
    """Whether its pairs stand for different numbers of pairs."""
    unjudged: Unjudged
    """What `corrected` leaves out."""
    invalid_too: Unjudged
    """What `naive` leaves out: pairs with an invalid verdict as well."""
    drift: JudgeDrift | None = None
    """Of the newest epoch; None where no anchor was asked again."""

    @property
    def qualified(self) -> bool:
        """Whether it has proved right; only people's labels can say so."""
        return self.qualification is not None and not self.reasons

    @property
    def naive_bounds(self) -> tuple[float, float] | None:
        """The interval of `naive` over all pairs, whatever those without a verdict are."""
        return bounds(self.naive, self.invalid_too)

    @property
    def corrected_bounds(self) -> tuple[float, float] | None:
        """The same of `corrected`."""
        return bounds(self.corrected, self.unjudged)

    @property
    def gates(self) -> bool:
        """Whether its scores may gate a decision."""
        return self.qualified and self.newest and not (self.drift and self.drift.alarm)

    @property
    def qualification(self) -> Qualification | None:
        """What people's labels prove."""
        return self.calibration.qualification if self.calibration else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not qualified."""
        if self.qualification is None:
            return ("no pair that it judged has a label by people",)
        bad = self.bias is not None and not self.bias.usable
        invalid = ("too many invalid verdicts",) if bad else ()
        return (*self.qualification.reasons, *invalid, *self._picked)

    @property
    def _picked(self) -> tuple[str, ...]:
        if self.calibration is None or self.calibration.apart is None:
            return ()
        ours, all_ = self.calibration.apart
        return (
            f"its win rate is {ours:.2f} over the labelled pairs and {all_:.2f} over all:"
            " they were picked, and `inclusion` does not say how",
        )


def judge_cards(
    opinions: Iterable[Opinion],
    drawn: Drawn,
    labels: Mapping[str, Row] | None = None,
    kin: Mapping[str, Sequence[Role]] | None = None,
    drifts: Mapping[str, JudgeDrift] | None = None,
) -> list[JudgeCard]:
    """One card for each judge and epoch, the newest last.

    Args:
        opinions: of one series.
        drawn: the pairs that they are of, judged or not.
        labels: what people said, by pair id; A is the primary's output, B the candidate's.
        kin: judge to the roles whose models are of its family.
        drifts: `Opinion.spec` to what its anchors say.
    """
    known = list(opinions)
    found = pools(known)
    last = {pool.judge: pool.epoch for pool in found}
    cards = [
        _card(
            pool,
            [o for o in known if (o.judge, o.epoch) == (pool.judge, pool.epoch)],
            drawn,
            labels or {},
            newest=last[pool.judge] == pool.epoch,
            kin=(kin or {}).get(pool.judge, ()),
        )
        for pool in found
    ]
    return [
        replace(card, drift=(drifts or {}).get(card.spec)) if card.newest else card
        for card in cards
    ]


def _card(
    pool: Pool,
    opinions: Sequence[Opinion],
    drawn: Drawn,
    labels: Mapping[str, Row],
    *,
    newest: bool,
    kin: Sequence[Role],
) -> JudgeCard:
    spec = opinions[0].spec
    keys = [(judgement.pair_id, judgement.item) for judgement in pool.judgements]
    weighed = drawn.weighed(keys, spec, imported=pool.epoch == IMPORTED)
    calibration = _calibration(pool.judgements, labels, weighed)
    scores = [
        Scored(judgement.score, None, None, None, *weighed.of(judgement.pair_id))
        for judgement in pool.judgements
        if judgement.score is not None
    ]
    return JudgeCard(
        pool.judge,
        pool.model,
        pool.system_fingerprint,
        spec,
        pool.epoch,
        newest,
        pool.half,
        _wins(pool.judgements),
        drawn.identical,
        bias_card(pool.judgements, kin) if pool.judgements else None,
        with_ties(at_its_word(scores), weighed) if scores else None,
        with_ties(calibration.correction.estimate, weighed)
        if calibration and calibration.corrects
        else None,
        calibration,
        sum(opinion.calls for opinion in opinions),
        _usd(opinions),
        bool(weighed.weights),
        weighed.unjudged,
        with_invalid(weighed, pool.judgements),
    )


def _usd(opinions: Iterable[Opinion]) -> Decimal | None:
    costs = [opinion.cost_usd for opinion in opinions]
    known = [cost for cost in costs if cost is not None]
    return sum(known, Decimal(0)) if len(known) == len(costs) else None


def at_its_word(scores: Sequence[Scored]) -> Estimate:
    """The mean; a few scores that are all the same have no spread, and prove little."""
    found, least = mean(scores), quantiles.unseen(effective([item.weight for item in scores]))
    return Estimate(
        found.value,
        max(min(found.low, found.value - least), 0.0),
        min(max(found.high, found.value + least), 1.0),
    )


def _wins(judgements: Iterable[Judgement]) -> dict[str, int]:
    names = ("candidate", "primary", "tie", "inconsistent", "invalid")
    counted = Counter(
        "inconsistent" if judgement.valid and judgement.inconsistent else judgement.winner.value
        for judgement in judgements
    )
    return {name: counted[name] for name in names}


def _calibration(
    judgements: Sequence[Judgement], labels: Mapping[str, Row], weighed: Weighed
) -> Calibration | None:
    humans = {pair_id for pair_id, row in labels.items() if row.humans}
    if not any(judgement.pair_id in humans for judgement in judgements):
        return None
    return calibrate(calibration_rows(judgements, labels, weighed), Choice.B)


def calibration_rows(
    judgements: Iterable[Judgement], labels: Mapping[str, Row], weighed: Weighed
) -> list[Row]:
    """This judge's verdicts beside people's; the verdicts that a file of labels has are not."""
    rows = []
    for judgement in judgements:
        first, second = (CHOICES.get(winner) for winner in judgement.winners)
        row, (weight, cluster) = labels.get(judgement.pair_id), weighed.of(judgement.pair_id)
        if row is None:
            rows.append(Row(judgement.pair_id, (first, second), weight=weight, cluster=cluster))
        else:
            rows.append(replace(row, judge=(first, second), weight=weight, cluster=cluster))
    return rows
