"""How well a judge agrees with people: shares with exact intervals, and chance-corrected ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from shadow_mw.evaluate.calibration.quantiles import Interval, clopper_pearson
from shadow_mw.evaluate.calibration.rows import Choice, Row

INVALID = "INVALID"
"""The judge's column for what was no verdict: never a tie, never right."""

Confusion = Mapping[tuple[Choice, str], int]
"""Human verdict and the judge's in one order, to how many judgements: two an item."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` items with its exact 95 % interval; None where there are no items."""

    k: float
    n: int

    @property
    def value(self) -> float | None:
        """The point estimate."""
        return self.k / self.n if self.n else None

    @property
    def interval(self) -> Interval:
        """Clopper-Pearson, 95 %, two-sided."""
        return clopper_pearson(self.k, self.n)


def confusion(rows: Iterable[Row]) -> Confusion:
    """Count both orders of every item that has a human verdict."""
    return Counter(
        (row.human, verdict or INVALID) for row in rows if row.human for verdict in row.judge
    )


def agreement(table: Confusion) -> Share:
    """Share of right judgements: the mean of both orders, over items."""
    return _share(table, {(choice, choice) for choice in Choice}, set(Choice))


def recall(table: Confusion, choice: Choice) -> Share:
    """How often the judge says `choice` where people do: TPR of A, TNR of B."""
    return _share(table, {(choice, choice)}, {choice})


def _share(table: Confusion, right: set[tuple[Choice, Choice]], among: set[Choice]) -> Share:
    return Share(
        sum(n for (human, judge), n in table.items() if (human, judge) in right) / 2,
        sum(n for (human, _), n in table.items() if human in among) // 2,
    )


def right_in_both(rows: Iterable[Row]) -> int:
    """Items on which both orders give the human verdict."""
    return sum(row.human is not None and row.judge == (row.human, row.human) for row in rows)


def consistency(rows: Sequence[Row]) -> Share:
    """Share of items whose verdict does not depend on the order; no verdict twice is the same."""
    return Share(sum(row.judge[0] is row.judge[1] for row in rows), len(rows))


def first_slot(rows: Iterable[Row]) -> Share:
    """Of judged items with a winner in both orders: the share of verdicts for what came first.

    A judge without a preference has 0.5. Both orders of an item are one observation.
    """
    decisive = [row.judge for row in rows if set(row.judge) <= {Choice.A, Choice.B}]
    return Share(sum((a is Choice.A) + (b is Choice.B) for a, b in decisive) / 2, len(decisive))


def cohen_kappa(table: Confusion) -> float | None:
    """Agreement above what both margins would give by chance; None where that is certain.

    Cohen (1960), Educational and Psychological Measurement 20(1).
    """
    total, by_human, by_judge = _margins(table)
    chance = sum(by_human[choice] * by_judge[choice] for choice in Choice) / total**2
    return (_observed(table, total) - chance) / (1 - chance) if chance < 1 else None


def gwet_ac1(table: Confusion) -> float:
    """Agreement above chance, stable where nearly all items are of one class.

    Gwet (2008), British Journal of Mathematical and Statistical Psychology 61(1): chance is
    `sum(p * (1 - p)) / (q - 1)`, with `p` a class's mean share over both raters. `q` counts the
    verdicts that either used: one that nobody uses, or what is no verdict, would only flatter.
    """
    total, by_human, by_judge = _margins(table)
    used = [choice for choice in Choice if by_human[choice] + by_judge[choice]]
    shares = [(by_human[choice] + by_judge[choice]) / (2 * total) for choice in used]
    chance = sum(share * (1 - share) for share in shares) / max(len(used) - 1, 1)
    return (_observed(table, total) - chance) / (1 - chance)


def _margins(table: Confusion) -> tuple[int, Counter[str], Counter[str]]:
    by_human, by_judge = Counter[str](), Counter[str]()
    for (human, judge), n in table.items():
        by_human[human] += n
        by_judge[judge] += n
    return by_human.total(), by_human, by_judge


def _observed(table: Confusion, total: int) -> float:
    return sum(table.get((choice, choice), 0) for choice in Choice) / total


def human_ceiling(rows: Iterable[Row]) -> Share:
    """How often two people agree, over items that several labelled: no judge can do better."""
    shares = [_pairwise(row.humans) for row in rows if len(row.humans) > 1]
    return Share(sum(shares), len(shares))


def _pairwise(humans: Sequence[Choice]) -> float:
    pairs = list(combinations(humans, 2))
    return sum(one is other for one, other in pairs) / len(pairs)
