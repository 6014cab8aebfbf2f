"""The gates that are simulated, each on as many pairs as the plan asks for where it has a power."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from benchmarks import simulated
from benchmarks.simulated import Simulate
from benchmarks.simulated_sessions import Documents, accuracies
from shadow_mw.decide.stats import sizes

MONDAYS = 3.0
LIKENESS_DEVIATION = math.sqrt(0.9 * 0.1 / 9)
"""Of Beta(7.2, 0.8), near enough for 0.88 too."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate at its margin, and where the candidate is as good as the plan believes."""

    name: str
    n: float
    margin: float
    null: Simulate
    good: Simulate | None = None
    better: str = "lower"
    weight: int = 1
    """How many times more runs: cheap ones have smaller errors."""
    anytime: bool = False
    """Whether n was planned for the sequence alone."""
    drifts: tuple[float, float] | None = None
    """Faults of the candidate and the primary alone, of which the former drift."""


def gates() -> list[Gate]:
    return [*rates(), *hallucinations(), *others()]


def rates() -> list[Gate]:
    worse, even = simulated.pairs(0.0025, 0.0015), simulated.pairs(0.002, 0.002)
    less, same = simulated.pairs(0.0275, 0.0225), simulated.pairs(0.025, 0.025)
    errors, accuracy = (0.004, 0.001), (0.05, 0.005)
    fixed, anytime = sizes.pairs_for_rate, sizes.pairs_for_rate_anytime
    mondays = simulated.pairs(0.0275, 0.0225, MONDAYS)
    checks = simulated.pairs(0.0075, 0.0025), simulated.pairs(0.005, 0.005)
    rare = simulated.pairs(0.004, 0.002)
    return [
        Gate("errors, 0.4 % differ", fixed(*errors), 0.001, worse, even, weight=3),
        Gate(
            "errors by sequence alone", anytime(*errors), 0.001, worse, even, weight=2, anytime=True
        ),
        Gate("accuracy, 5 % differ", fixed(*accuracy), 0.005, less, same, weight=5),
        Gate("accuracy by sequence alone", anytime(*accuracy), 0.005, less, same, anytime=True),
        Gate(
            "accuracy, thrice as bad on Mondays",
            fixed(*accuracy),
            0.005,
            mondays,
            weight=5,
            drifts=(0.0275, 0.0225),
        ),
        Gate("checks, 1 % differ", fixed(0.01, 0.005), 0.005, *checks, weight=5),
        Gate(
            "errors, few differ",
            fixed(0.004, 0.004),
            0.004,
            simulated.pairs(0.004, 0.0),
            even,
            weight=5,
        ),
        Gate("rare faults, 0.2 points", 3000, 0.002, rare, weight=5),
        Gate("rare faults, 0.2 points, few pairs", 500, 0.002, rare, weight=5),
    ]


def hallucinations() -> list[Gate]:
    """0.3 % of null leaves against more; with a wide margin few sessions are to differ."""
    return [
        _hallucination(name, margin, *sessions)
        for name, margin, *sessions in (
            ("hallucination, 0.3 % to 0.5 %", 0.002, 1.0, 0.0),
            ("hallucination in sessions, ICC 0.1", 0.002, 3.0, 0.1),
            ("hallucination in sessions, few differ", 0.005, 3.0, 0.1),
        )
    ]


def _hallucination(name: str, margin: float, session: float, icc: float) -> Gate:
    """On as many documents as a plan asks for that knows a pilot's traffic."""
    worse, even = (
        Documents(rate, 0.003, session=session, icc=icc) for rate in (0.003 + margin, 0.003)
    )
    variance, jump = even.differing()
    leaves = jump * sizes.pairs_for_rate(variance / jump, margin)
    n = leaves / ((1 + even.leaves) / 2)
    return Gate(name, n, margin, worse.simulate, even.simulate)


def others() -> list[Gate]:
    latency = sizes.pairs_for_quantile_ratio(95, 1.2, 0.6, failures=0.01)
    later = sizes.pairs_for_quantile_ratio_anytime(95, 1.2, 0.6, failures=0.01)
    slow, even = simulated.latencies(1.2, 0.6, 95, 0.01), simulated.latencies(1.0, 0.6, 95, 0.01)
    likeness = sizes.pairs_for_likeness(LIKENESS_DEVIATION, 0.02, 400, LIKENESS_DEVIATION)
    cost = sizes.pairs_for_cost_ratio(0.95, 1.0, cost_variation(0.8))
    return [
        Gate(
            "accuracy in sessions, ICC 0.3",
            20_000,
            -0.005,
            accuracies(-0.005, 0.05, 4, 0.3),
            better="higher",
        ),
        Gate("p95 of latency, 1 % time out", latency, 1.2, slow, even, weight=2),
        Gate("p95 by sequence alone", later, 1.2, slow, even, anytime=True),
        Gate("p95 in sessions", 4000, 1.2, simulated.latencies_in_sessions(1.2, 0.6, 95, 8)),
        Gate(
            "likeness against 400 A/A pairs",
            likeness,
            -0.02,
            simulated.likeness(-0.02, 400),
            simulated.likeness(0.0, 400),
            better="higher",
            weight=5,
        ),
        Gate("cost", cost, 1.0, simulated.costs(1.0, 0.8), simulated.costs(0.95, 0.8), weight=2),
        Gate("cost in sessions", 2000, 1.0, simulated.costs(1.0, 0.8, 4), weight=2),
    ]


def cost_variation(spread: float) -> float:
    """Standard deviation of the difference of both legs' costs, by their mean: a pilot."""
    primary, candidate = simulated.draw_costs(np.random.default_rng(7), 400_000, 1.0, spread, 1)[:2]
    return float((candidate - primary).std() / primary.mean())
