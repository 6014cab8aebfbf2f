"""Several judges as one: the majority's verdict, and the pairs that they differ on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shadow_mw.evaluate.judging.pools import Judgement, one_epoch
from shadow_mw.evaluate.judging.values import Winner


@dataclass(frozen=True, slots=True)
class PanelVerdict:
    """What a panel says of one pair."""

    pair_id: str
    votes: Mapping[str, Winner]
    """Judge to verdict; invalid ones have no vote."""

    @property
    def winner(self) -> Winner:
        """More than half of the votes; a tie without such a majority, invalid without a vote."""
        votes = self._valid
        if not votes:
            return Winner.INVALID
        return next((w for w in Winner if 2 * votes.count(w) > len(votes)), Winner.TIE)

    @property
    def unanimous(self) -> bool:
        """All that voted said the same."""
        return len(set(self._valid)) == 1

    @property
    def _valid(self) -> list[Winner]:
        return [winner for winner in self.votes.values() if winner is not Winner.INVALID]


def panel(judged: Iterable[Sequence[Judgement]]) -> list[PanelVerdict]:
    """Join the judgements of several judges, each of one epoch.

    Returns:
        One verdict for each pair that every judge has judged.
    """
    by_judge = {js[0].judge: {j.pair_id: j.winner for j in one_epoch(js)} for js in judged if js}
    tables = list(by_judge.values())
    shared = (
        [pair for pair in tables[0] if all(pair in table for table in tables)] if tables else []
    )
    return [
        PanelVerdict(pair, {judge: table[pair] for judge, table in by_judge.items()})
        for pair in shared
    ]


def differing(judged: Iterable[Sequence[Judgement]]) -> frozenset[str]:
    """Pairs of which at least two judges say something else, whoever judged the others."""
    said = defaultdict[str, set[Winner]](set)
    for judgements in judged:
        for judgement in judgements:
            if judgement.valid:
                said[judgement.pair_id].add(judgement.winner)
    return frozenset(pair_id for pair_id, winners in said.items() if len(winners) > 1)


def disagreements(verdicts: Iterable[PanelVerdict]) -> list[PanelVerdict]:
    """The pairs that people should label first."""
    return [verdict for verdict in verdicts if not verdict.unanimous]
