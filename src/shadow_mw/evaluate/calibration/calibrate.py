"""What a judge's verdicts are worth, from people's labels: read this first of calibration.

Two jobs, kept apart. *Qualification* asks whether the judge is right: its items may be picked by
hand (known good, known bad). *Correction* asks what people would have said of all items: its
labels must be a random sample, or carry the probability with which they were chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shadow_mw.evaluate.calibration.agreement import (
    Confusion,
    Share,
    agreement,
    cohen_kappa,
    confusion,
    consistency,
    first_slot,
    gwet_ac1,
    human_ceiling,
    recall,
    right_in_both,
)
from shadow_mw.evaluate.calibration.correction import (
    Correction,
    Estimate,
    Scored,
    apart,
    correct,
    mean,
)
from shadow_mw.evaluate.calibration.quantiles import lower_bound
from shadow_mw.evaluate.calibration.rows import BY_HAND, Choice, Row

NEEDED = 0.90
"""What the one-sided 95 % lower bound of items right in both orders must reach."""
MOST_INCONSISTENT = 0.15
FEWEST_ITEMS = 50
GUESS = 0.5
"""The judge's score where it gave no valid verdict; a correction holds for any guess."""
NOTHING_KNOWN = Estimate(GUESS, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Qualification:
    """Whether a judge's scores may gate a decision, and if not, why not."""

    right: int
    n: int
    lower: float
    inconsistent: float

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the judge is not qualified; empty where it is."""
        found = []
        if self.n < FEWEST_ITEMS:
            found.append(f"{self.n} labelled items, at least {FEWEST_ITEMS} are needed")
        if self.lower < NEEDED:
            found.append(self._unproven)
        if self.inconsistent > MOST_INCONSISTENT:
            found.append(
                f"the verdict depends on the order for {_percent(self.inconsistent)} of the items,"
                f" at most {_percent(MOST_INCONSISTENT)} may"
            )
        return tuple(found)

    @property
    def _unproven(self) -> str:
        text = (
            f"right in both orders on {self.right} of {self.n} items proves {_percent(self.lower)}"
            f" (one-sided 95 % bound), {_percent(NEEDED)} is needed"
        )
        return f"{text}: point estimate only" if self.right >= NEEDED * self.n else text

    @property
    def qualified(self) -> bool:
        """Nothing speaks against it."""
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Calibration:
    """Everything that `shadow-mw calibrate` says."""

    items: int
    only_qualify: int
    """Labelled items that were picked by hand, so that they say nothing of the win rate; so were
    those without `inclusion`, where others have it."""
    split: int
    """Items on which the people have no majority: no human verdict, but a human score."""
    invalid: int
    """Judgements, two an item, that were no verdict."""
    confusion: Confusion
    agreement: Share
    tpr: Share
    tnr: Share
    kappa: float | None
    ac1: float | None
    consistency: Share
    first_slot: Share
    ceiling: Share
    qualification: Qualification
    segments: dict[str, Share]
    """Agreement by segment, where the file has segments."""
    win: Choice
    naive: Estimate
    people: Estimate
    """The labels alone, without the judge."""
    correction: Correction
    corrects: bool
    """Whether any label says something of the win rate; else `people` and `correction` are no
    figures."""
    apart: tuple[float, float] | None
    """The judge's win rate over what people labelled and over all, where the labels are no random
    sample: what was picked says nothing of the rest."""


def calibrate(rows: Sequence[Row], win: Choice = Choice.A) -> Calibration:
    """Compare a judge with people.

    Args:
        rows: as `read_rows` gives them; at least one is labelled.
        win: the output whose win rate is asked, A or B.
    """
    labelled = [row for row in rows if row.human]
    table = confusion(labelled)
    drawn = any(row.humans and row.inclusion for row in rows)
    by_hand = (BY_HAND, None) if drawn else (BY_HAND,)
    picked = {row.id for row in rows if row.humans and row.inclusion in by_hand}
    scored = [_scored(replace(row, humans=()) if row.id in picked else row, win) for row in rows]
    corrects = any(item.human is not None for item in scored)
    return Calibration(
        items=len(rows),
        only_qualify=len(picked),
        split=sum(bool(row.humans) and row.human is None for row in rows),
        invalid=sum(row.judge.count(None) for row in rows),
        confusion=table,
        agreement=agreement(table),
        tpr=recall(table, win),
        tnr=recall(table, Choice.B if win is Choice.A else Choice.A),
        kappa=cohen_kappa(table) if labelled else None,
        ac1=gwet_ac1(table) if labelled else None,
        consistency=consistency(rows),
        first_slot=first_slot(rows),
        ceiling=human_ceiling(rows),
        qualification=_qualification(labelled),
        segments=_segments(labelled),
        win=win,
        naive=_naive(rows, win),
        people=correct(scored, lam=0).estimate if corrects else NOTHING_KNOWN,
        correction=correct(scored) if corrects else Correction(NOTHING_KNOWN, (), ()),
        corrects=corrects,
        apart=apart(scored) if corrects else None,
    )


def _qualification(labelled: Sequence[Row]) -> Qualification:
    n, right = len(labelled), right_in_both(labelled)
    same = consistency(labelled).value
    return Qualification(right, n, lower_bound(right, n), 1 - (same or 0.0))


def _segments(labelled: Sequence[Row]) -> dict[str, Share]:
    names = sorted({row.segment for row in labelled if row.segment is not None})
    return {
        name: agreement(confusion(row for row in labelled if row.segment == name)) for name in names
    }


def _naive(rows: Sequence[Row], win: Choice) -> Estimate:
    """Only items with a verdict in both orders, as who trusts the judge would count."""
    valid = [_scored(row, win) for row in rows if None not in row.judge]
    return mean(valid) if valid else NOTHING_KNOWN


def _scored(row: Row, win: Choice) -> Scored:
    human = _mean(row.humans, win) if row.humans else None
    judge = _mean(row.judge, win)
    return Scored(judge, human, row.segment, row.inclusion, row.weight, row.cluster)


def _mean(verdicts: Sequence[Choice | None], win: Choice) -> float:
    scores = [_score(verdict, win) for verdict in verdicts if verdict is not None]
    return sum(scores) / len(scores) if scores else GUESS


def _score(verdict: Choice, win: Choice) -> float:
    return 0.5 if verdict is Choice.TIE else float(verdict is win)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
