"""What a window's size depends on: measured on stored traffic, given, or assumed.

What is assumed is the traffic of an invoice extractor that was shadowed for two weeks: 218,400
calls, of which people labelled 2,400; the primary invents a value for 0.3 % of null fields, the
candidate for 1.1 %; its p50 is 480 ms and its p99 1.8 s; 1,000 calls cost $0.42 and $0.12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from shadow_mw.decide.calendar import WEEKDAYS
from shadow_mw.decide.differences import Sums, jump
from shadow_mw.decide.gates.checks import faults
from shadow_mw.decide.gates.rates import MEASURES, counted
from shadow_mw.decide.units import Units, units

if TYPE_CHECKING:
    from shadow_mw.evidence import Evidence, Floats, Pairs

DAY_S = 86_400.0
STORED, GIVEN, ASSUMED = "stored", "given", "assumed"
FEWEST = 100
"""Pairs (or leaves) below which a stored figure says too little."""

VARIANCES = {
    "hallucination": 0.012,
    "invalid_output": 0.005,
    "null_like": 0.005,
    "accuracy": 0.05,
    "errors": 0.004,
    "checks": 0.01,
}
"""Share of units on which only one of the legs has the fault."""
RATES = {
    "hallucination": 0.003,
    "invalid_output": 0.003,
    "null_like": 0.003,
    "accuracy": 0.059,
    "errors": 0.003,
}
"""The primary's own rates of faults (of wrong leaves for accuracy)."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Figures of production's traffic and of how the two legs differ on it."""

    requests_per_day: float = 15_600
    labelled_share: float = 2_400 / 218_400
    """Of the pairs that have a ground truth."""
    leaves: float = 8
    """Labelled fields of a labelled pair."""
    null_leaves: float = 1
    """Those of them whose truth is null."""
    variances: Mapping[str, float] = field(default_factory=lambda: VARIANCES)
    """By gate, of the difference on one unit (leaf or call): the share of units on which only one
    leg has the fault, times the design effect of what comes together."""
    jumps: Mapping[str, float] = field(default_factory=dict)
    """By gate: how many units differ at once where any does, in a session or document; 1 where
    nothing is said."""
    rates: Mapping[str, float] = field(default_factory=lambda: RATES)
    latency_spread: float = 0.57
    """Standard deviation of the logarithm of a latency."""
    win_rate: float = 0.6
    """That is believed in; what has to be exceeded is the plan's."""
    judged: float = 5_000
    """Pairs that judges judge in the window."""
    labels: float = 200
    """Of them, those that people label too."""
    judge_correlation: float = 0.5
    """Of the judge's scores with people's."""
    likeness_deviation: float = 0.2
    repeat_rate: float = 0.05
    """Share of the pairs that the primary is asked once more."""
    cost_ratio: float = 0.12 / 0.42
    """Candidate over primary."""
    cost_variation: float = 0.5
    """Standard deviation of `candidate / ratio - primary`, by the primary's mean."""
    segments: Mapping[str, float] = field(
        default_factory=lambda: dict.fromkeys(WEEKDAYS, 1 / len(WEEKDAYS))
    )
    """Shares of the traffic."""
    basis: Mapping[str, str] = field(default_factory=dict)
    """Where a figure is from, by its name (`variances.errors`); what is not in it is assumed."""

    def with_figures(self, basis: str, **figures: Any) -> Traffic:
        """The same with other figures; tables are merged."""
        names = dict[str, str]()
        merged = dict[str, Any]()
        for name, value in figures.items():
            is_table = isinstance(value, Mapping) and name != "segments"
            names |= {f"{name}.{key}": basis for key in value} if is_table else {name: basis}
            merged[name] = {**getattr(self, name), **value} if is_table else value
        return replace(self, **merged, basis={**self.basis, **names})

    def source(self, *names: str) -> str:
        """Where figures are from: the least certain of them."""
        found = [self.basis.get(name, ASSUMED) for name in names]
        return max(found, key=(STORED, GIVEN, ASSUMED).index)


def measured(evidence: Evidence, cluster: str) -> Traffic:
    """The figures that stored traffic gives; the others are assumed.

    Args:
        evidence: what the store has of one candidate.
        cluster: of the plan.
    """
    pairs = evidence.pairs
    found = Traffic()
    if len(pairs) < FEWEST:
        return found
    found = found.with_figures(STORED, **_volume(pairs), segments=_segments(evidence))
    by = units(pairs, cluster)
    counts = {name: counted(measure, pairs, by, None) for name, measure in MEASURES.items()}
    known = {name: sums for name, sums in counts.items() if sums is not None and _enough(sums)}
    rates = {name: sums.rates[0] for name, sums in known.items()}
    if "accuracy" in rates:
        rates["accuracy"] = 1 - rates["accuracy"]
    differing = {name: (_variance(sums), jump(sums)) for name, sums in known.items()}
    # The check that differs most: all of them have to be proven.
    if checks := list(_checks(evidence, by)):
        differing["checks"] = max(checks)
    found = found.with_figures(
        STORED,
        variances={name: variance for name, (variance, _) in differing.items()},
        jumps={name: at_once for name, (_, at_once) in differing.items()},
        rates=rates,
    )
    return found.with_figures(
        STORED, **_latency(pairs), **_cost(pairs), **_likeness(evidence), **_judges(evidence)
    )


def _volume(pairs: Pairs) -> dict[str, float]:
    """A store that spans less than a day counts as one day's traffic."""
    days = max((float(pairs.time_s[-1]) - float(pairs.time_s[0])) / DAY_S, 1.0)
    scored = int(pairs.scored.sum())
    found = {
        "requests_per_day": float(pairs.weight.sum()) / days,
        "labelled_share": scored / len(pairs),
    }
    if scored:
        found["leaves"] = float(pairs.leaves.sum()) / scored
        found["null_leaves"] = float(pairs.nulls.sum()) / scored
    return found


def _segments(evidence: Evidence) -> dict[str, float]:
    pairs = evidence.pairs
    weights = np.bincount(pairs.segment, pairs.weight, len(evidence.segments))
    shares = weights / weights.sum()
    named = {name: float(s) for name, s in zip(evidence.segments, shares, strict=True) if s}
    return named if any(named) else dict.fromkeys(WEEKDAYS, 1 / len(WEEKDAYS))


def _enough(found: Sums) -> bool:
    return found.n >= FEWEST and len(found.of) >= 2


def _variance(found: Sums) -> float:
    """Of the difference on one unit, clusters included (Cochran 1977, section 6.3)."""
    total, clusters = float(found.of.sum()), len(found.of)
    changed = found.differences
    terms = changed - float(changed.sum()) / total * found.of
    return float((terms**2).sum()) * clusters / (clusters - 1) / total


def _checks(evidence: Evidence, by: Units) -> Iterator[tuple[float, float]]:
    """Variance and jump of each check that found enough."""
    for check in evidence.checks:
        codes = evidence.faults.get(check.name)
        sums = None if codes is None else faults(codes, by, None)
        if sums is not None and _enough(sums):
            yield _variance(sums), jump(sums)
        elif codes is None and check.n >= FEWEST:
            yield (check.primary_only + check.candidate_only) / check.n, 1.0


def _latency(pairs: Pairs) -> dict[str, float]:
    spreads = [_spread(column) for column in (pairs.primary_latency_ms, pairs.candidate_latency_ms)]
    known = [spread for spread in spreads if spread]
    return {"latency_spread": max(known)} if known else {}


def _spread(latencies: Floats) -> float | None:
    answered = latencies[np.isfinite(latencies) & (latencies > 0)]
    return float(np.log(answered).std()) if len(answered) >= FEWEST else None


def _cost(pairs: Pairs) -> dict[str, float]:
    ours, theirs = pairs.primary_cost_usd, pairs.candidate_cost_usd
    kept = ~(np.isnan(ours) | np.isnan(theirs))
    ours, theirs = ours[kept], theirs[kept]
    if len(ours) < FEWEST or not ours.mean() or not theirs.mean():
        return {}
    ratio = float(theirs.mean() / ours.mean())
    variation = float((theirs / ratio - ours).std() / ours.mean())
    return {"cost_ratio": ratio, "cost_variation": variation}


def _likeness(evidence: Evidence) -> dict[str, float]:
    found = [one for one in evidence.likeness if one.n >= FEWEST]
    if not found:
        return {}
    variance = max(max(one.variance, one.floor_variance) for one in found)
    asked = max(one.floor_n / one.n for one in found)
    return {"likeness_deviation": variance**0.5} | ({"repeat_rate": asked} if asked else {})


def _judges(evidence: Evidence) -> dict[str, float]:
    """What was judged and labelled so far is the least of what a window will have."""
    judges = evidence.standings.judges
    if not judges:
        return {}
    return {
        "judged": float(max(judge.judged for judge in judges)),
        "labels": float(max(judge.labels for judge in judges)),
    }
