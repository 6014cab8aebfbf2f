"""The background article's evaluation window as pair rows: `python -m benchmarks.window`.

Fourteen days, 218,400 invoices, eight fields each, with the article's accuracy, latency, cost and
hallucinations: `shadow-mw import` and `report --json` give its table back. The same seed gives the
same rows, and nothing is held in memory but the row at hand.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.article import (
    BATCH,
    CANDIDATE,
    DAYS,
    HARD,
    HOURS,
    PAIRS,
    PRIMARY,
    REGRESSED,
    START,
    WEEKDAYS,
)
from benchmarks.draws import Quotas
from benchmarks.extraction import Extractor, FormatFirst, Row, request
from shadow_mw.commands.progress import progress
from shadow_mw.demo.invoices import invoice

SEED = 7


@dataclass(frozen=True, slots=True)
class Window:
    """Which window; as it is, the article's."""

    pairs: int = PAIRS
    days: int = DAYS
    seed: int = SEED
    missing_days: frozenset[int] = frozenset()
    """Counted from 0; their rows are left out."""
    regressed: str | None = None
    """A segment in which the candidate is worse than the primary, though not over all."""
    hallucination_rate: float = CANDIDATE.hallucination_rate
    """The candidate's."""
    judged: bool = True
    priced: bool = True

    def candidate_accuracy(self, segment: str) -> float:
        """By segment, so that the whole comes out as in the article."""
        if self.regressed is None:
            return CANDIDATE.accuracy
        if segment == self.regressed:
            return REGRESSED
        share = WEEKDAYS[self.regressed] / sum(WEEKDAYS.values())
        return (CANDIDATE.accuracy - share * REGRESSED) / (1 - share)


def rows(window: Window) -> Iterator[Row]:
    """All rows, in the order of their time."""
    rng = random.Random(window.seed)
    candidate = replace(CANDIDATE, hallucination_rate=window.hallucination_rate)
    models = [Extractor(model, rng, priced=window.priced) for model in (PRIMARY, candidate)]
    quotas, judge, session = Quotas(rng), FormatFirst(rng), 0
    for number, time in _times(window, rng):
        document = invoice(number, window.seed)
        segment = tuple(WEEKDAYS)[time.weekday()]
        hard = quotas.draw("hard", HARD)
        accuracies = PRIMARY.accuracy, window.candidate_accuracy(segment)
        session += quotas.draw("session", 1 / BATCH)
        legs = [m.leg(document, a, hard=hard) for m, a in zip(models, accuracies, strict=True)]
        row = {
            "pair_id": f"w{window.seed}-{number:07}",
            "time": f"{time:%Y-%m-%dT%H:%M:%S.%f}Z",
            "experiment": "invoices",
            "segment": segment,
            "session": f"session-{session}",
            "key": document.id,
            "input": request(document),
            "truth": document.truth,
            "primary": legs[0],
            "candidate": legs[1],
        }
        verdict = judge.verdict(*legs) if window.judged else None
        yield row | ({"judge": verdict} if verdict else {})


def _times(window: Window, rng: random.Random) -> Iterator[tuple[int, datetime]]:
    """Number and time of every call."""
    number = 0
    for hour, count in enumerate(_load(window)):
        for place in range(count if hour // 24 not in window.missing_days else 0):
            yield number + place, START + timedelta(hours=hour + (place + rng.random()) / count)
        number += count


def _load(window: Window) -> Iterator[int]:
    """Calls of each hour: every hour has some where there are enough for that."""
    by_day = tuple(WEEKDAYS.values())
    weights = [by_day[day % 7] * hour for day in range(window.days) for hour in HOURS]
    least = int(window.pairs >= len(weights))
    share = (window.pairs - least * len(weights)) / sum(weights)
    done = 0.0
    for weight in weights:
        before, done = done, done + weight * share
        yield least + round(done) - round(before)


def write(window: Window, path: Path) -> int:
    """Write the rows as JSON lines; how many there are."""
    written = 0
    with path.open("w", encoding="utf-8") as file, progress("writing", window.pairs) as advance:
        for written, row in enumerate(rows(window), 1):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            if written % 1000 == 0:
                advance(1000)
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.window")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--missing-days", type=int, nargs="+", default=[], help="from 0")
    parser.add_argument("--regressed", choices=WEEKDAYS, help="a day that is worse")
    parser.add_argument("--hallucination-rate", type=float, default=CANDIDATE.hallucination_rate)
    parser.add_argument("--no-judge", action="store_true")
    parser.add_argument("--no-prices", action="store_true")
    args = parser.parse_args(arguments)
    window = Window(
        pairs=args.pairs,
        days=args.days,
        seed=args.seed,
        missing_days=frozenset(args.missing_days),
        regressed=args.regressed,
        hallucination_rate=args.hallucination_rate,
        judged=not args.no_judge,
        priced=not args.no_prices,
    )
    print(f"{write(window, args.out):,} rows in {args.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
