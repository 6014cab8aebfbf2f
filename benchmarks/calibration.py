"""`python -m benchmarks.calibration`: do the intervals of a judge's win rate cover the truth?

On LLMBar (419 pairs, human labels, verdicts of real judges) the question asked is one that judges
are biased for: does the longer answer win? Each round draws pairs with replacement, hides most
labels, and looks whether the share of all 419 is in the interval.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.results import Part, Target, say, show, show_targets
from shadow_mw.evaluate.calibration.correction import Estimate, Scored, correct, plain

JUDGEMENTS = Path(__file__).parents[2] / "shared" / "data" / "judgements.jsonl"
JUDGES = ("ChatGPT/Vanilla", "Falcon/Vanilla", "LLaMA2/Vanilla", "PaLM2/CoT", "PaLM2/Vanilla")
WINNERS = {"1": 1.0, "2": 0.0}
PAIRS = 1000


def measure(_: Path | None = None, *, quick: bool = False) -> Part:
    """Coverage and width of each interval, by judge and number of labels."""
    rounds, labels = (100, (80,)) if quick else (1000, (50, 80, 200))
    part = Part(
        "J. Win rates of judges, corrected by people's labels",
        f"{rounds} rounds of {PAIRS} judged pairs, 95 % intervals of the share in which the longer"
        " answer wins; on LLMBar.",
        ["judge", "labels", "segments", "truth", "judge says", "interval", *MEASURED],
    )
    if not JUDGEMENTS.exists():
        part.notes.append(f"Not measured: needs {JUDGEMENTS}.")
        return part
    for judge in JUDGES:
        population = list(longer_wins(judge))
        for count in labels:
            for segments in (False, True):
                add_rows(part, judge, population, count, segments, rounds)
    if quick:
        return part
    covered = [share for name, share in part.figures.items() if name.endswith("PPI++")]
    worst = min(covered)
    part.targets.append(
        Target("corrected intervals cover", ">= 92 %", f"{worst:.1%} at worst", worst >= 0.92)
    )
    return part


MEASURED = ("covers", "half-width", "against labels alone")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, wider errors")
    args = parser.parse_args()
    started = time.monotonic()
    part = measure(quick=args.quick)
    show(part)
    show_targets([part])
    say(f"{time.monotonic() - started:.0f} s")


def longer_wins(judge: str) -> Iterator[Scored]:
    with JUDGEMENTS.open() as lines:
        for line in lines:
            row = json.loads(line)
            human = WINNERS[str(row["label"])]
            scores = [WINNERS[str(v)] for v in row["judges"][judge] if v is not None]
            score = sum(scores) / len(scores) if scores else 0.5
            if len(row["output_1"]) < len(row["output_2"]):
                human, score = 1 - human, 1 - score
            yield Scored(score, human, row["subset"])


@dataclass
class Kind:
    """One way to an interval, and how it did."""

    name: str
    estimate: Callable[[list[Scored]], Estimate]
    covered: int = 0
    width: float = 0.0


def add_rows(
    part: Part, judge: str, population: list[Scored], labels: int, segments: bool, rounds: int
) -> None:
    truth = sum(item.human or 0.0 for item in population) / len(population)
    says = sum(item.judge for item in population) / len(population)
    kinds = [
        Kind("naive", lambda items: plain([item.judge for item in items])),
        Kind("PPI++", lambda items: correct(items).estimate),
        Kind("labels alone", lambda items: correct(items, 0).estimate),
    ]
    drawn = random.Random(labels)
    for _ in range(rounds):
        items = [
            replace(
                item,
                human=item.human if i < labels else None,
                segment=item.segment if segments else None,
            )
            for i, item in enumerate(drawn.choices(population, k=PAIRS))
        ]
        for kind in kinds:
            found = kind.estimate(items)
            kind.covered += found.low <= truth <= found.high
            kind.width += (found.high - found.low) / 2 / rounds
    for kind in kinds:
        change = f"{100 * (kind.width / kinds[-1].width - 1):+.0f} %"
        part.figures[f"{judge}, {labels} labels, {'5' if segments else '1'}, {kind.name}"] = (
            kind.covered / rounds
        )
        part.rows.append(
            [
                *(judge, str(labels), "5" if segments else "1", f"{truth:.3f}", f"{says:.3f}"),
                *(kind.name, f"{100 * kind.covered / rounds:.1f} %", f"{kind.width:.3f}"),
                "" if kind.name == "naive" else change,
            ]
        )


if __name__ == "__main__":
    main()
