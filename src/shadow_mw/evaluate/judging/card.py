"""A judge's biases, reported with every run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shadow_mw.evaluate.calibration.agreement import Share
from shadow_mw.evaluate.judging.pools import Judgement, one_epoch
from shadow_mw.evaluate.judging.values import Winner
from shadow_mw.types import Role

MOST_INVALID = 0.01
"""A judge with a larger share of invalid verdicts is not to be used."""
_ARMS = (Winner.PRIMARY, Winner.CANDIDATE)


@dataclass(frozen=True, slots=True)
class BiasCard:
    """Shares with exact intervals; all but `invalid` are over pairs."""

    judge: str
    epoch: str
    pairs: int
    invalid: Share
    """Answers, two a pair, without a verdict."""
    inconsistent: Share
    ties: Share
    """Pairs that both orders call a tie."""
    first_slot: Share
    """Of verdicts with a winner in both orders: for what was shown first; 0.5 is no preference."""
    longer_wins: Share
    """Of pairs with a winner and outputs of different length. People prefer the longer one too:
    it is to be read beside theirs, and gates nothing."""
    own_family: Mapping[Role, Share]
    """Of pairs with a winner: won by the output of the judge's own family, where it was allowed."""

    @property
    def usable(self) -> bool:
        """Whether it gives verdicts at all."""
        return (self.invalid.value or 0.0) <= MOST_INVALID


def bias_card(judgements: Sequence[Judgement], kin: Iterable[Role] = ()) -> BiasCard:
    """Count the biases of one judge in one epoch; at least one pair is needed.

    Args:
        judgements: as in one `Pool`.
        kin: roles whose models are of the judge's family (`family.kin`).
    """
    one_epoch(judgements)
    valid = [judgement for judgement in judgements if judgement.valid]
    won = [judgement for judgement in valid if judgement.winner in _ARMS]
    return BiasCard(
        judge=judgements[0].judge,
        epoch=judgements[0].epoch,
        pairs=len(judgements),
        invalid=Share(
            sum(judgement.winners.count(Winner.INVALID) for judgement in judgements),
            2 * len(judgements),
        ),
        inconsistent=Share(sum(judgement.inconsistent for judgement in valid), len(valid)),
        ties=Share(sum(judgement.winners == (Winner.TIE,) * 2 for judgement in valid), len(valid)),
        first_slot=_first_slot(valid),
        longer_wins=_longer_wins(won),
        own_family={
            role: Share(sum(judgement.winner.value == role.value for judgement in won), len(won))
            for role in kin
        },
    )


def _first_slot(valid: Iterable[Judgement]) -> Share:
    """Both orders of a pair are one observation: they are not independent."""
    decisive = [j.winners for j in valid if Winner.TIE not in j.winners]
    first = sum((a is Winner.PRIMARY) + (b is Winner.CANDIDATE) for a, b in decisive)
    return Share(first / 2, len(decisive))


def _longer_wins(won: Iterable[Judgement]) -> Share:
    unequal = [judgement for judgement in won if judgement.lengths[0] != judgement.lengths[1]]
    longer = [_ARMS[judgement.lengths[1] > judgement.lengths[0]] for judgement in unequal]
    wins = sum(j.winner is arm for j, arm in zip(unequal, longer, strict=True))
    return Share(wins, len(unequal))
