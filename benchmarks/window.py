"""The background article's evaluation window as pair rows: `python -m benchmarks.window`.

Fourteen days, 218,400 invoices, eight fields each, with the article's accuracy, latency, cost and
hallucinations: `shadow-mw import` and `report --json` give its table back. The same seed gives the
same rows, whoever judges or grades them, and little is in memory but the row at hand.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.article import (
    BATCH,
    CANDIDATE,
    DAYS,
    HARD,
    HOURS,
    JUDGED,
    PAIRS,
    PRIMARY,
    REGRESSED,
    START,
    WEEKDAYS,
)
from benchmarks.draws import Quotas
from benchmarks.extraction import Extractor, Row, request
from benchmarks.judging import JUDGE, JUDGES, People, format_first
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
    judge: str | None = "format-first"
    """One of `JUDGES`."""
    judged: float = JUDGED / PAIRS
    """The share of pairs that it reads."""
    priced: bool = True
    form_is_truth: bool = False
    """Whether any value that fits is right where the document states none."""
    repeats: float = 0.0
    """The share of calls that the primary is asked again: a row more for each."""

    def candidate_accuracy(self, segment: str) -> float:
        """By segment, so that the whole comes out as in the article."""
        if self.regressed is None:
            return CANDIDATE.accuracy
        if segment == self.regressed:
            return REGRESSED
        share = WEEKDAYS[self.regressed] / sum(WEEKDAYS.values())
        return (CANDIDATE.accuracy - share * REGRESSED) / (1 - share)


def rows(window: Window, people: People | None = None) -> Iterator[Row]:
    """All rows, in the order of their time; where the primary is asked again, two of one pair.

    Args:
        window: which one.
        people: they see every row, with what the document states.
    """
    rng = random.Random(window.seed)
    candidate = replace(CANDIDATE, hallucination_rate=window.hallucination_rate)
    models = [Extractor(model, rng, priced=window.priced) for model in (PRIMARY, candidate)]
    quotas, session = Quotas(rng), 0
    # Draws of their own: what is judged or asked again changes no leg.
    asked, again = (_quotas(window, "judged"), _quotas(window, "asked again"))
    judge = JUDGES[window.judge](_random(window, "judge")) if window.judge else None
    repeated = Extractor(PRIMARY, _random(window, "repeats"), priced=window.priced)
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
            "truth": format_first(document.truth, *legs)
            if window.form_is_truth
            else document.truth,
            "primary": legs[0],
            "candidate": legs[1],
        }
        if judge and asked.draw("judged", window.judged):
            row["judge"] = {"name": JUDGE, "winners": judge.winners(document.truth, *legs)}
        if people:
            people.see(row, document.truth)
        yield row
        if again.draw("asked again", window.repeats):
            leg = repeated.leg(document, PRIMARY.accuracy, hard=hard)
            row.pop("judge", None)
            yield row | {"candidate": {"id": "primary"} | leg}


def regraded(file: Path) -> Iterator[Row]:
    """Truths of those rows where the form says otherwise, as `shadow-mw label` takes them."""
    with file.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            truth = format_first(row["truth"], row["primary"], row["candidate"])
            # The primary's second answer changes no truth.
            if truth != row["truth"] and "id" not in row["candidate"]:
                yield {"key": row["key"], "truth": truth}


def _random(window: Window, name: str) -> random.Random:
    return random.Random(f"{window.seed}:{name}")


def _quotas(window: Window, name: str) -> Quotas:
    return Quotas(_random(window, name))


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


def write(window: Window, path: Path, labels: Path | None = None, labelled: int = 0) -> int:
    """Write the rows as JSON lines, and people's labels; how many rows there are."""
    people = People(_random(window, "people"), labelled) if labels else None
    with progress("writing", window.pairs) as advance:
        written = _write(path, rows(window, people), advance)
    if labels and people:
        _write(labels, people.labels)
    return written


def write_regraded(rows_file: Path, path: Path) -> int:
    """Write the truths that form alone would have otherwise; how many there are."""
    return _write(path, regraded(rows_file))


def _write(path: Path, lines: Iterable[Row], advance: Callable[[int], None] | None = None) -> int:
    written = 0
    with path.open("w", encoding="utf-8") as file:
        for written, row in enumerate(lines, 1):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            if advance and written % 1000 == 0:
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
    parser.add_argument("--judge", choices=[*JUDGES, "none"], default="format-first")
    parser.add_argument("--judged", type=float, default=JUDGED / PAIRS, help="share of pairs")
    parser.add_argument("--labels", type=Path, help="people's, of judged pairs, for `label`")
    parser.add_argument("--labelled", type=int, default=400, help="how many")
    parser.add_argument("--no-prices", action="store_true")
    parser.add_argument("--repeats", type=float, default=0.0, help="share asked again (A/A)")
    parser.add_argument("--graded", choices=["truth", "format-first"], default="truth")
    parser.add_argument("--regraded", type=Path, help="truths by form that differ, for `label`")
    args = parser.parse_args(arguments)
    window = Window(
        pairs=args.pairs,
        days=args.days,
        seed=args.seed,
        missing_days=frozenset(args.missing_days),
        regressed=args.regressed,
        hallucination_rate=args.hallucination_rate,
        judge=None if args.judge == "none" else args.judge,
        judged=args.judged,
        priced=not args.no_prices,
        form_is_truth=args.graded == "format-first",
        repeats=args.repeats,
    )
    written = write(window, args.out, args.labels, args.labelled)
    print(f"{written:,} rows in {args.out}", file=sys.stderr)
    if args.regraded:
        print(
            f"{write_regraded(args.out, args.regraded):,} truths in {args.regraded}",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
