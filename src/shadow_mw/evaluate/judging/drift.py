"""Whether a judge still judges as it did: the same frozen pairs, judged before and now.

McNemar's exact test of one round against the frozen verdicts. It holds for that round: of a judge
that has not changed, up to 1 round in 100 alarms. It does not hold at any time, over all looks
together: all rounds share one set of frozen verdicts, so that they are not the fresh steps which an
e-process needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shadow_mw.evaluate.calibration.agreement import Share
from shadow_mw.evaluate.calibration.quantiles import sign_test
from shadow_mw.evaluate.judging.pools import Judgement, one_epoch

ALARM = 0.01


@dataclass(frozen=True, slots=True)
class Drift:
    """Changes between two judgements of the same pairs."""

    changed: Share
    """Of pairs that were valid both times: the score differs."""
    to_candidate: int
    to_primary: int
    lost: int
    """Pairs that had a verdict before and have none now."""

    @property
    def p(self) -> float:
        """Of changes as one-sided as these, were neither side favoured more than before.

        Changes to both sides alike leave it high: they show in `changed`.
        """
        return sign_test(self.to_candidate, self.to_primary)

    @property
    def alarm(self) -> bool:
        """The judge has moved to one side."""
        return self.p < ALARM

    @property
    def falling_silent(self) -> bool:
        """So many verdicts are gone that it is no chance; frozen pairs all had one."""
        return sign_test(self.lost, 0) < ALARM


def drift(before: Sequence[Judgement], after: Sequence[Judgement]) -> Drift:
    """Compare two rounds over frozen pairs; what is not in both is left out.

    Raises:
        ValueError: a round is empty or of several epochs, or they share no pair.
    """
    earlier = {(j.pair_id, j.item): j for j in one_epoch(before)}
    both = [(earlier[key], j) for j in one_epoch(after) if (key := (j.pair_id, j.item)) in earlier]
    if not both:
        raise ValueError("no pair was judged both before and after")
    moves = [
        new.score - old.score
        for old, new in both
        if old.score is not None and new.score is not None
    ]
    return Drift(
        Share(sum(move != 0 for move in moves), len(moves)),
        sum(move > 0 for move in moves),
        sum(move < 0 for move in moves),
        sum(old.valid and not new.valid for old, new in both),
    )
