"""`python -m benchmarks.looks`: win rates over draws of a window that grows, while traffic shifts.

Each simulated window has `DAYS` days. What is asked changes from the first day to the last, and
what candidate and judge are good at differs by segment. `shadow-mw judge --sample N` is run after
some of the days; each run draws from all pairs that there are by then. In the end people label some
of what was judged. The truth is the win rate over the days as traffic comes, which no draw knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.results import Part, Target, alone
from shadow_mw.evaluate.calibration.rows import Choice, Row
from shadow_mw.evaluate.judging.drawn import Drawn, DrawnPair, Scale, scale
from shadow_mw.evaluate.judging.summary import JudgeCard, judge_cards
from shadow_mw.evaluate.judging.values import Opinion, Winner
from shadow_mw.evaluate.labelling.draw import inclusions, systematic
from shadow_mw.types import Role

DAYS = 14
WINDOWS = 2000
LABELS = 200
SEGMENTS = ("invoices", "mails", "chats")
EARLY = np.array([0.75, 0.20, 0.05])
LATE = np.array([0.05, 0.25, 0.70])
WINS = np.array([0.80, 0.50, 0.30])
"""How often people prefer the candidate, by segment."""
RIGHT = np.array([0.90, 0.80, 0.75])
"""How often the judge says what people say; else the candidate wins."""
TURNS = 0.06
"""Verdicts that depend on the order."""
IDENTICAL = 0.08
BY_JUDGE = (1 - TURNS) * (WINS * RIGHT + (1 - RIGHT)) + TURNS / 2
"""How often the judge prefers the candidate: its slips are all to one side."""

COVERS = 0.94


@dataclass(frozen=True, slots=True)
class Looks:
    """When `judge` is run, with which sample and seed, and how many pairs a day there are."""

    name: str
    runs: tuple[tuple[int, int, int], ...]
    """Day, sample, seed."""
    labels: tuple[tuple[int, int], ...] = ((DAYS, LABELS),)
    """After which days people are asked, and about how many pairs of what was judged by then."""
    daily: int = 160


CASES = (
    Looks("200 after days 3, 7, 10, 14", ((3, 200, 0), (7, 200, 0), (10, 200, 0), (14, 200, 0))),
    Looks("400, then 200, then 600", ((2, 400, 0), (8, 200, 0), (14, 600, 0))),
    Looks("200 every day", tuple((day, 200, 0) for day in range(1, DAYS + 1))),
    Looks("200 every day, another seed each", tuple((day, 200, day) for day in range(1, 15))),
    Looks(
        "200 after days 3, 7, 10, 14; labels after 7 and 14",
        ((3, 200, 0), (7, 200, 0), (10, 200, 0), (14, 200, 0)),
        ((7, 100), (14, 100)),
    ),
)


@dataclass(slots=True)
class Traffic:
    """One window."""

    day: npt.NDArray[np.intp]
    segment: npt.NDArray[np.intp]
    human: npt.NDArray[np.bool_]
    judge: npt.NDArray[np.bool_]
    turns: npt.NDArray[np.bool_]
    identical: npt.NDArray[np.bool_]


def measure(_: Path | None = None, *, quick: bool = False) -> Part:
    """Coverage of both win rates: all draws pooled, and each pair for what it stands for."""
    windows = 100 if quick else WINDOWS
    part = Part(
        "R. Win rates over several draws of a growing window",
        f"{windows} windows of {DAYS} days a row; traffic goes from {EARLY} to {LATE} of"
        f" {', '.join(SEGMENTS)}; 95 % intervals; {LABELS} labels.",
        [
            "runs of judge",
            "win rate",
            "truth",
            *(f"{kind}: {what}" for kind in KINDS for what in WHAT),
        ],
    )
    for number, looks in enumerate(CASES):
        add_rows(part, looks, windows, np.random.default_rng(number))
    found = [share for name, share in part.figures.items() if name.endswith("by cohort")]
    if not quick:
        met = min(found) >= COVERS
        part.targets.append(
            Target("intervals cover", f">= {COVERS:.0%}", f"{min(found):.1%} at worst", met)
        )
    return part


KINDS = ("pooled", "by cohort")
WHAT = ("mean", "covers", "half-width")


def add_rows(part: Part, looks: Looks, windows: int, rng: np.random.Generator) -> None:
    """Both win rates of one way to look."""
    shares = np.mean([mix(day) for day in range(DAYS)], axis=0)
    rate = {"naive": shares @ BY_JUDGE, "corrected": shares @ WINS}
    truth = {name: float((1 - IDENTICAL) * of + IDENTICAL / 2) for name, of in rate.items()}
    said: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for _ in range(windows):
        for kind, card in zip(KINDS, cards(rng, looks), strict=True):
            for name in truth:
                found = getattr(card, name)
                said.setdefault((name, kind), []).append((found.value, found.low, found.high))
    for name, true in truth.items():
        cells = list[str]()
        for kind in KINDS:
            value, low, high = np.array(said[name, kind]).T
            covers = float(np.mean((low <= true) & (true <= high)))
            part.figures[f"{looks.name}, {name}, {kind}"] = covers
            cells += [f"{value.mean():.3f}", f"{covers:.1%}", f"{(high - low).mean() / 2:.3f}"]
        part.rows.append([looks.name, name, f"{true:.3f}", *cells])


def mix(day: int) -> npt.NDArray[np.float64]:
    """Segments' shares of one day."""
    late = day / (DAYS - 1)
    return (1 - late) * EARLY + late * LATE


def traffic(rng: np.random.Generator, daily: int) -> Traffic:
    """What comes in."""
    n = daily * DAYS
    day = np.repeat(np.arange(DAYS), daily)
    segment = np.concatenate([rng.choice(3, daily, p=mix(d)) for d in range(DAYS)])
    human = rng.random(n) < WINS[segment]
    judge = human | (rng.random(n) > RIGHT[segment])
    return Traffic(day, segment, human, judge, rng.random(n) < TURNS, rng.random(n) < IDENTICAL)


def cards(rng: np.random.Generator, looks: Looks) -> Iterator[JudgeCard]:
    """The judge's card, with all draws pooled and with each pair for what it stands for."""
    seen = traffic(rng, looks.daily)
    since = draws(seen, looks, rng)
    drawn = sorted(since)
    opinions = [one for i in drawn if not seen.identical[i] for one in verdicts(seen, i)]
    labels = dict[str, Row]()
    for day, size in looks.labels:
        by_then = [i for i in drawn if since[i] <= day]
        judged = [i for i in by_then if not seen.identical[i]]
        cohort, by_cohort = measured(seen, looks, by_then, day)
        stands_for = [by_cohort.of(int(cohort[i])) for i in judged]
        # Of a pair that several draws had the newest label counts, as in a store.
        labels |= people(rng, seen, judged, size, stands_for)
    cohort, by_cohort = measured(seen, looks, drawn, DAYS)
    for known in (False, True):
        pairs = (
            DrawnPair(
                f"p{i}",
                None if seen.identical[i] else "i",
                by_cohort.joined[int(cohort[i])] if known else 0,
                by_cohort.of(int(cohort[i])) if known else 1.0,
            )
            for i in drawn
        )
        (card,) = judge_cards(opinions, Drawn(tuple(pairs)), labels)
        yield card


def measured(
    seen: Traffic, looks: Looks, drawn: Sequence[int], until: int
) -> tuple[npt.NDArray[np.intp], Scale]:
    """Each pair's cohort, and what those drawn stand for by what is known after a day."""
    days = [day for day, _, _ in looks.runs if day <= until]
    cohort = np.searchsorted(days, seen.day, side="right")
    there = cohort[seen.day < days[-1]]
    able = {int(c): float(n) for c, n in zip(*np.unique(there, return_counts=True), strict=True)}
    return cohort, scale(able, {c: [1.0] * int(np.sum(cohort[drawn] == c)) for c in able})


def draws(seen: Traffic, looks: Looks, rng: np.random.Generator) -> dict[int, int]:
    """All that any run draws, and when first: of what is there, the first in a seed's order."""
    orders = {seed: rng.random(len(seen.day)) for _, _, seed in looks.runs}
    found = dict[int, int]()
    for day, size, seed in looks.runs:
        there = np.flatnonzero(seen.day < day)
        chosen = there[np.argsort(orders[seed][there])[:size]]
        found = dict.fromkeys(map(int, chosen), day) | found
    return found


def verdicts(seen: Traffic, i: int) -> Iterator[Opinion]:
    """Both orders."""
    winner = Winner.CANDIDATE if seen.judge[i] else Winner.PRIMARY
    other = Winner.PRIMARY if seen.judge[i] else Winner.CANDIDATE
    yield Opinion("j", "s", "e", f"p{i}", "i", Role.PRIMARY, winner)
    yield Opinion("j", "s", "e", f"p{i}", "i", Role.CANDIDATE, other if seen.turns[i] else winner)


def people(
    rng: np.random.Generator,
    seen: Traffic,
    judged: Sequence[int],
    size: int,
    stands_for: Sequence[float],
) -> Mapping[str, Row]:
    """Labels of some of the judged as `label` draws them: what stands for more, and is in doubt."""
    signs = (3.0 if seen.turns[i] else 1.0 for i in judged)
    chances = inclusions([one * n for one, n in zip(signs, stands_for, strict=True)], size)
    return {
        f"p{judged[place]}": Row(
            f"p{judged[place]}",
            (None, None),
            (Choice.B if seen.human[judged[place]] else Choice.A,),
            SEGMENTS[seen.segment[judged[place]]],
            chances[place],
        )
        for place in systematic(chances, rng.bytes(8).hex())
    }


if __name__ == "__main__":
    alone("looks", measure, "100 windows a row instead of 2,000")
