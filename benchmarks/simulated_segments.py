"""Segments against their margins: Holm on p-values, or e-BH on e-values?

At the null all are at their margins: is any called worse? Else some are worse by five times as
much: how many of them are found, and how many of those that are called are within their margins?
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from benchmarks.results import say
from benchmarks.simulated import ALPHA, DAYS, FINAL, Floats, days
from shadow_mw.decide import segment_tests, stats
from shadow_mw.decide.differences import Sums
from shadow_mw.decide.segment_tests import SegmentTest

MARGINS = {"hallucination": (0.006, 0.002), "accuracy": (0.05, 0.005), "errors": (0.004, 0.001)}
"""Share of pairs that differ, and margin."""
WORSE = 5
"""Times the margin by which a segment that is worse is so."""
BETWEEN = 13
"""The day before the final look."""


@dataclass(frozen=True, slots=True)
class Scene:
    """How many segments there are, and in how many every measure is worse than allowed."""

    segments: int
    worse: int
    pairs: int
    """Of a segment, in the whole window."""

    def draw(self, rng: np.random.Generator) -> list[tuple[Floats, float, bool]]:
        """Differences of each segment and measure, its margin, and whether it is worse."""
        found = []
        for segment in range(self.segments):
            for differ, margin in MARGINS.values():
                excess = margin * (WORSE if segment < self.worse else 1)
                drawn = rng.random(self.pairs)
                up = max((differ + excess) / 2, excess)
                changed = (drawn < up).astype(float) - (drawn > 1 - (up - excess))
                found.append((changed, margin, segment < self.worse))
        return found


@dataclass(frozen=True, slots=True)
class Found:
    """Of one look at one window: tests that are worse and were called so, and the others."""

    right: int
    wrong: int


def tests_until(drawn: Sequence[tuple[Floats, float, bool]], count: int) -> list[SegmentTest]:
    return [SegmentTest(_counts(changed[:count]), margin, True) for changed, margin, _ in drawn]


def _counts(changed: Floats) -> Sums:
    n = len(changed)
    return Sums((changed < 0).astype(float), (changed > 0).astype(float), np.ones(n), n, True)


@cache
def _p(n: int, lost: int, won: int, margin: float) -> float:
    return stats.tango_p(n, lost, won, margin)


def holm(tests: Sequence[SegmentTest], alpha: float) -> list[bool]:
    """As `segment_tests.by_holm`, with the p of each table computed once."""
    p = []
    for test in tests:
        changed = test.counts.differences
        table = test.counts.n, int((changed < 0).sum()), int((changed > 0).sum())
        p.append(_p(*table, test.margin))
    return stats.holm(p, alpha / 2)


def e_bh(tests: Sequence[SegmentTest], alpha: float) -> list[bool]:
    return [one.worse for one in segment_tests.by_e_values(tests, alpha)]


def bonferroni(tests: Sequence[SegmentTest], alpha: float) -> list[bool]:
    """Confidence sequences at alpha by their number: what e-BH is held against."""
    found = []
    for test in tests:
        x, n = test.counts.differences, test.counts.of
        interval = stats.ratio_sequence(x, n, alpha / len(tests), [len(x)])[-1]
        found.append(interval.low > test.margin)
    return found


def counted(calls: Sequence[bool], drawn: Sequence[tuple[Floats, float, bool]]) -> Found:
    right = sum(call and worse for call, (_, _, worse) in zip(calls, drawn, strict=True))
    return Found(right, sum(calls) - right)


VARIANTS = {
    "Holm, final look": (holm, DAYS, FINAL),
    "e-BH, final look": (e_bh, DAYS, FINAL),
    "e-BH, the day before": (e_bh, BETWEEN, ALPHA),
    "(Bonferroni over sequences, the day before)": (bonferroni, BETWEEN, ALPHA),
}


def compared(
    scene: Scene, runs: int, names: Iterable[str] = VARIANTS, seed: int = 11
) -> dict[str, list[Found]]:
    """Variants on the same windows."""
    rng = np.random.default_rng([seed, scene.segments, scene.worse, scene.pairs])
    found: dict[str, list[Found]] = {name: [] for name in names}
    for _ in range(runs):
        drawn = scene.draw(rng)
        for name in found:
            variant, day, alpha = VARIANTS[name]
            tests = tests_until(drawn, days(scene.pairs)[day - 1])
            found[name].append(counted(variant(tests, alpha), drawn))
    return found


def called_on_any_day(scene: Scene, runs: int, seed: int = 12) -> float:
    """How often e-BH calls a segment worse on any of 14 daily looks; a false call at the null."""
    rng = np.random.default_rng([seed, scene.segments])
    called = 0
    for _ in range(runs):
        drawn = scene.draw(rng)
        called += bool(_daily(drawn, days(scene.pairs)).any())
    return called / runs


def _daily(drawn: Sequence[tuple[Floats, float, bool]], at: list[int]) -> np.ndarray:
    values = [
        stats.ratio_e_values(changed, np.ones(len(changed)), margin, at, v_opt=segment_tests.V_OPT)
        for changed, margin, _ in drawn
    ]
    return np.array([stats.e_bh(day, ALPHA / 2) for day in zip(*values, strict=True)])


def figures(found: Sequence[Found], worse: int) -> dict[str, float]:
    """`any wrong`, `false share` of the calls (FDR), and `found` of those that are worse."""
    wrong = np.array([one.wrong for one in found], float)
    right = np.array([one.right for one in found], float)
    made = np.maximum(wrong + right, 1)
    return {
        "any wrong": float((wrong > 0).mean()),
        "false share": float((wrong / made).mean()),
        "found": float(right.mean() / worse) if worse else math.nan,
    }


NULL = Scene(7, 0, 5000)
SCENES = (NULL, Scene(7, 1, 5000), Scene(7, 4, 5000))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated_segments")
    parser.add_argument("--runs", type=int, default=2000)
    runs = parser.parse_args().runs
    say("segments  worse  any wrong  false share  found  by")
    for scene in SCENES:
        for name, found in compared(scene, runs).items():
            cells = figures(found, scene.worse * len(MARGINS)).values()
            shown = "  ".join(f"{value:9.4f}" for value in cells)
            say(f"{scene.segments:8}  {scene.worse:5}  {shown}  {name}")
    say(f"called on any of {DAYS} days, all at their margins: {called_on_any_day(NULL, runs):.4f}")


if __name__ == "__main__":
    main()
