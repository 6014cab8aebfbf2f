"""From single answers to pairs: both orders together, and epochs apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shadow_mw.evaluate.judging.values import Opinion, Winner
from shadow_mw.types import Json, Role

SCORES = {Winner.PRIMARY: 0.0, Winner.TIE: 0.5, Winner.CANDIDATE: 1.0}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one judge says of one pair, in one epoch."""

    pair_id: str
    judge: str
    epoch: str
    item: str
    winners: tuple[Winner, Winner]
    """With the primary shown first, then with the candidate shown first."""
    lengths: tuple[int, int]
    """Characters of the primary's and the candidate's output."""

    @property
    def valid(self) -> bool:
        """Both orders have a verdict."""
        return Winner.INVALID not in self.winners

    @property
    def inconsistent(self) -> bool:
        """The verdict depends on the order: apart from a tie, which both orders call one."""
        return self.winners[0] is not self.winners[1]

    @property
    def score(self) -> float | None:
        """1 for the candidate, the mean of both orders; None where one of them is invalid."""
        return sum(SCORES[winner] for winner in self.winners) / 2 if self.valid else None

    @property
    def winner(self) -> Winner:
        """Whom both orders name; a tie where they differ, invalid where one of them is."""
        if not self.valid:
            return Winner.INVALID
        return Winner.TIE if self.inconsistent else self.winners[0]


@dataclass(frozen=True, slots=True)
class Pool:
    """One judge's judgements of one epoch, and the newest time of any."""

    judge: str
    epoch: str
    model: str | None
    system_fingerprint: str | None
    judgements: tuple[Judgement, ...]
    half: int
    """Pairs with one order only in this epoch: in no figure."""
    until_ns: int


def pools(opinions: Iterable[Opinion]) -> list[Pool]:
    """Sort answers by judge and epoch, the newest epoch last; orders of two epochs never meet."""
    sorted_out = defaultdict[tuple[str, str], list[Opinion]](list)
    for opinion in opinions:
        sorted_out[opinion.judge, opinion.epoch].append(opinion)
    return sorted(map(_pool, sorted_out.values()), key=lambda pool: pool.until_ns)


def newest(found: Sequence[Pool]) -> dict[str, Pool]:
    """Each judge's newest epoch."""
    return {pool.judge: pool for pool in found}


def _pool(opinions: Sequence[Opinion]) -> Pool:
    pairs = defaultdict[tuple[str, str], dict[Role, Opinion]](dict)
    for opinion in opinions:
        pairs[opinion.pair_id, opinion.item][opinion.first] = opinion
    whole = [orders for orders in pairs.values() if len(orders) == 2]
    last = max(opinions, key=lambda opinion: opinion.time_ns)
    return Pool(
        last.judge,
        last.epoch,
        last.model,
        last.system_fingerprint,
        tuple(map(_judgement, whole)),
        len(pairs) - len(whole),
        last.time_ns,
    )


def _judgement(orders: Mapping[Role, Opinion]) -> Judgement:
    one, other = orders[Role.PRIMARY], orders[Role.CANDIDATE]
    return Judgement(
        one.pair_id, one.judge, one.epoch, one.item, (one.winner, other.winner), one.lengths
    )


def label_row(judgement: Judgement) -> dict[str, Json]:
    """A line for `shadow-mw calibrate`, still to be labelled; B is the candidate's output."""
    names = {Winner.PRIMARY: "A", Winner.CANDIDATE: "B", Winner.TIE: "TIE", Winner.INVALID: None}
    verdicts = [names[winner] for winner in judgement.winners]
    return {"id": judgement.pair_id, "human": None, "judge": verdicts}


def one_epoch(judgements: Sequence[Judgement]) -> Sequence[Judgement]:
    """Let nothing pass that is of two judges or epochs."""
    if len({(judgement.judge, judgement.epoch) for judgement in judgements}) > 1:
        raise ValueError("verdicts of different judges or epochs are never pooled")
    return judgements
