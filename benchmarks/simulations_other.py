"""Single intervals, judges' win rates, many fields at once, and what others do, for comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.simulated import ALPHA, DAYS, FINAL, days, in_sessions, mondays_shape
from benchmarks.simulated_segments import MARGINS, NULL, called_on_any_day, compared, figures
from shadow_mw.decide import stats
from shadow_mw.decide.stats import sizes
from shadow_mw.decide.stats.linear import linearise
from shadow_mw.decide.stats.running import moments
from shadow_mw.decide.stats.sequences import rate_bounds
from shadow_mw.evaluate.calibration.correction import Estimate, Scored, correct, plain


@dataclass(frozen=True, slots=True)
class Other:
    """One row; a name in brackets is a comparison, held to no target."""

    name: str
    n: int
    alpha: float
    runs: int
    values: Mapping[str, float | None]


def others(runs: int) -> Iterator[Other]:
    yield from plain_rates(5 * runs)
    yield from watched_rates(5 * runs)
    yield from judged(runs)
    yield many_fields(runs)
    yield alarms(runs)
    yield from segments(runs)
    yield from lowered_share(runs)
    yield likeness_in_sessions(runs)
    yield peeking(5 * runs)


def plain_rates(runs: int) -> Iterator[Other]:
    for n, rate in ((10_000, 0.003), (500, 0.03)):
        counts = np.random.default_rng(3).binomial(n, rate, runs)
        seen, times = np.unique(counts, return_counts=True)
        for name, interval in (
            ("Clopper-Pearson", stats.clopper_pearson),
            ("Wilson", stats.wilson),
        ):
            ends = [interval(int(k), n, ALPHA) for k in seen]
            inside = np.array([found.low <= rate <= found.high for found in ends])
            covers = float(inside @ times) / runs
            yield Other(f"{name}, {100 * rate:g} %", n, ALPHA, runs, {"covers": covers})
    n = int(sizes.pairs_for_win_rate(0.55, 0.5, ALPHA))
    wins = {rate: np.random.default_rng(9).binomial(n, rate, runs).tolist() for rate in (0.5, 0.55)}
    low = {k: stats.wilson(k, n, ALPHA).low for k in {*wins[0.5], *wins[0.55]}}
    values = {
        column: sum(low[k] > 0.5 for k in wins[rate]) / runs
        for column, rate in (("last day", 0.5), ("power", 0.55))
    }
    yield Other("wins that people counted, 55 %", n, ALPHA, runs, values)


def watched_rates(runs: int) -> Iterator[Other]:
    """Beta-binomial: after every day, and with faults thrice as frequent on Mondays."""
    n, rate = 10_000, 0.005
    sizes_of_days = np.diff([0, *days(n)])
    for name, mondays in (("beta-binomial, 0.5 %", 1.0), ("beta-binomial, thrice on Mondays", 3.0)):
        rates = rate * mondays_shape(mondays)
        k = np.random.default_rng(4).binomial(sizes_of_days, rates, (runs, DAYS)).cumsum(axis=1)
        truth = np.cumsum(sizes_of_days * rates) / np.cumsum(sizes_of_days)
        low, high = rate_bounds(k.astype(float), np.array(days(n), float), ALPHA)
        held = ((low <= truth) & (truth <= high)).all(axis=1)
        # At the cap itself: the gate passes where the upper end is below it.
        wrong = (high[:, -1:] < rate).any(axis=1) if mondays > 1 else (high < rate).any(axis=1)
        values = {"sequence": float(held.mean()), "false GO": float(wrong.mean())}
        yield Other(name, n, ALPHA, runs, values)


RIGHT_WINS, RIGHT_LOSSES = 0.9, 0.6
AT_LEAST, BELIEVED, JUDGED = 0.55, 0.62, 3000


def judged(runs: int) -> Iterator[Other]:
    """A judge that favours the candidate; people's labels correct it (PPI++)."""
    labels = int(
        sizes.labels_for_win_rate(BELIEVED, AT_LEAST, judge_correlation(BELIEVED), JUDGED, ALPHA)
    )
    rng = np.random.default_rng(5)
    null = [win_rate(rng, AT_LEAST, labels) for _ in range(runs)]
    good = [win_rate(rng, BELIEVED, labels) for _ in range(runs)]
    yield Other(
        f"win rate, PPI++ with {labels} labels",
        JUDGED,
        ALPHA,
        runs,
        {
            "covers": covered([one for one, _ in null], AT_LEAST),
            "last day": passed([one for one, _ in null]),
            "false GO": passed([one for one, _ in null]),
            "power": passed([one for one, _ in good]),
        },
    )
    yield Other(
        "(the judge at its word)",
        JUDGED,
        ALPHA,
        runs,
        {
            "covers": covered([raw for _, raw in null], AT_LEAST),
            "last day": passed([raw for _, raw in null]),
        },
    )


def judge_correlation(rate: float) -> float:
    says = rate * RIGHT_WINS + (1 - rate) * (1 - RIGHT_LOSSES)
    both = rate * (1 - rate) * (RIGHT_WINS + RIGHT_LOSSES - 1)
    return both / math.sqrt(rate * (1 - rate) * says * (1 - says))


def win_rate(rng: np.random.Generator, rate: float, labels: int) -> tuple[Estimate, Estimate]:
    people = rng.random(JUDGED) < rate
    judge = rng.random(JUDGED) < np.where(people, RIGHT_WINS, 1 - RIGHT_LOSSES)
    items = [
        Scored(float(f), float(y) if i < labels else None)
        for i, (f, y) in enumerate(zip(judge.tolist(), people.tolist(), strict=True))
    ]
    return correct(items).estimate, plain(judge.tolist())


def covered(found: list[Estimate], truth: float) -> float:
    return sum(one.low <= truth <= one.high for one in found) / len(found)


def passed(found: list[Estimate]) -> float:
    return sum(one.low > AT_LEAST for one in found) / len(found)


def many_fields(runs: int) -> Other:
    """Twelve fields, each worse by the margin itself: is any one called worse (Holm)?"""
    fields, n, margin, alpha = 12, 2000, 0.002, ALPHA / 2
    rng = np.random.default_rng(6)
    counts = rng.multinomial(n, [0.003, 0.005, 0.992], (runs, fields))
    known: dict[tuple[int, int], float] = {}
    wrong = 0
    for run in counts:
        p = []
        for primary, candidate, _ in run.tolist():
            key = primary, candidate
            if key not in known:
                known[key] = stats.tango_p(n, *key, margin)
            p.append(known[key])
        wrong += any(stats.holm(p, alpha))
    values = {"false GO": None, "last day": None, "covers": 1 - wrong / runs}
    return Other("12 fields at once, none called worse (Holm)", n, alpha, runs, values)


def alarms(runs: int) -> Other:
    """An e-process on differences at the margin: is there an alarm on any day?"""
    n, margin, alpha = 10_000, 0.002, 0.05
    rng = np.random.default_rng(7)
    quiet = 0
    for _ in range(runs):
        drawn = rng.random(n)
        differences = (drawn < 0.005).astype(float) - (drawn > 1 - 0.003)
        evidence = stats.ratio_e_values(differences, np.ones(n), margin, days(n), most=1.0)
        quiet += max(evidence) < 1 / alpha
    return Other("no alarm on any day (e-process)", n, alpha, runs, {"sequence": quiet / runs})


def segments(runs: int) -> Iterator[Other]:
    """Seven segments with three measures each, all at their margins: is any called worse?"""
    tests = f"{NULL.segments * len(MARGINS)} tests of segments"
    values = {"sequence": 1 - called_on_any_day(NULL, runs)}
    yield Other(f"{tests}, no call on any day (e-BH)", NULL.pairs, ALPHA / 2, runs, values)
    calls = figures(compared(NULL, runs, ["Holm, final look"])["Holm, final look"], 0)
    values = {"covers": 1 - calls["any wrong"]}
    yield Other(f"{tests}, none called worse (Holm)", NULL.pairs, FINAL / 2, runs, values)


LOWERED, KEPT = 0.1, 4000
"""The candidate's share of the calls in the second week, and pairs of each week."""


def lowered_share(runs: int) -> Iterator[Other]:
    """A check over sessions of which the second week stands for ten times as many calls."""
    rng, truth = np.random.default_rng(13), (0.002 + 0.008 / LOWERED) / (1 + 1 / LOWERED)
    weighted, plain = [], []
    for _ in range(runs):
        group = in_sessions(rng, 2 * KEPT, 3.0)
        late = np.arange(2 * KEPT) >= KEPT
        luck = 0.5 + rng.random(int(group[-1]) + 1)
        rate = np.where(late, 0.018, 0.012) * luck[group]
        changed = (rng.random(2 * KEPT) < rate).astype(float) - (rng.random(2 * KEPT) < 0.01)
        weights = np.where(late, 1 / LOWERED, 1.0)
        weighted.append(stats.ratio_of_sums(changed, np.ones(2 * KEPT), group, weights, ALPHA))
        plain.append(stats.ratio_of_sums(changed, np.ones(2 * KEPT), group, alpha=ALPHA))
    for name, found in (("a check, share lowered", weighted), ("(the same, unweighted)", plain)):
        values = {
            "covers": float(np.mean([one.low <= truth <= one.high for one in found])),
            "last day": float(np.mean([one.high < truth for one in found])),
        }
        yield Other(name, 2 * KEPT, ALPHA, runs, values)


def likeness_in_sessions(runs: int) -> Other:
    """Likeness whose sessions are alike, against fewer pairs of the primary with itself."""
    rng = np.random.default_rng(14)

    def sample(mean: float, n: int) -> tuple[float, float, int]:
        group = in_sessions(rng, n, 4.0)
        common = rng.beta(8 * mean, 8 * (1 - mean), int(group[-1]) + 1)
        values = common[group] + rng.normal(0, 0.05, n)
        sums = np.bincount(group, values).astype(float)
        size = np.bincount(group).astype(float)
        found = linearise(sums, size)
        assert found is not None
        worth = int(size.sum() ** 2 / (size @ size))
        return found.ratio, found.se**2 * worth, worth

    ends = [stats.welch(*sample(0.88, 2000), *sample(0.9, 400), ALPHA) for _ in range(runs)]
    values = {
        "covers": float(np.mean([one.low <= -0.02 <= one.high for one in ends])),
        "last day": float(np.mean([one.low > -0.02 for one in ends])),
    }
    return Other("likeness in sessions, 400 A/A pairs", 2000, ALPHA, runs, values)


def peeking(runs: int) -> Other:
    """A z-test every day instead, as a dashboard would."""
    n, margin = 21_015, 0.005
    passes: list[npt.NDArray[np.bool_]] = []
    rng = np.random.default_rng(8)
    for _ in range(0, runs, 50):
        drawn = rng.random((50, n), dtype=np.float32)
        differences = (drawn < 0.0275).astype(float) - (drawn > 1 - 0.0225)
        sums = moments(differences, None, days(n))
        mean = sums.total / days(n)
        half = 1.96 * np.sqrt(sums.squares / days(n) / days(n))
        passes.append(mean + half < margin)
    found = np.concatenate(passes)
    values = {"last day": float(found[:, -1].mean()), "false GO": float(found.any(axis=1).mean())}
    return Other("(accuracy, a z-test every day)", n, ALPHA, len(found), values)
