"""Evidence as a window gives it, made from a seed; every part may be made worse or left out."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime

import numpy as np

from shadow_mw.evidence import Evidence, Likeness, LoadRun, PairedCount, Pairs
from shadow_mw.results import Series
from shadow_mw.standings import JudgeStanding, Rate, Standings

START = datetime(2026, 11, 2, tzinfo=UTC).timestamp()
"""A Monday."""
DAY = 86_400
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
FIELDS, NULLS = 8, 2


@dataclass(frozen=True)
class Window:
    """A candidate that is better in everything, unless something is said."""

    pairs: int = 40_000
    days: float = 14.0
    seed: int = 7
    batch: int = 1
    """Pairs of one session, with one luck."""
    labelled: bool = True
    hallucination: tuple[float, float] = (0.003, 0.003)
    accuracy: tuple[float, float] = (0.94, 0.97)
    errors: tuple[float, float] = (0.004, 0.002)
    invalid: tuple[float, float] = (0.002, 0.001)
    p95: tuple[float, float] = (900.0, 400.0)
    cost: tuple[float, float] = (0.0004, 0.0001)
    missing: tuple[int, ...] = ()
    """Days, from 0."""
    segments: bool = True
    worse_on: dict[str, float] = field(default_factory=dict)
    """Segment to the candidate's accuracy there."""


def pairs(window: Window) -> Pairs:
    rng = np.random.default_rng(window.seed)
    time_s = START + np.sort(rng.uniform(0, window.days * DAY, window.pairs))
    day = ((time_s - START) // DAY).astype(int)
    keep = ~np.isin(day, window.missing)
    time_s, day = time_s[keep], day[keep]
    n = len(time_s)
    session = np.arange(n) // window.batch
    segment = (day % 7).astype(np.int32)

    def counts(rate, size):
        """Drawn once a session: its pairs share their luck."""
        rate = np.broadcast_to(rate, n)[:: window.batch]
        return np.repeat(rng.binomial(size, rate), window.batch)[:n].astype(np.int32)

    nulls = np.full(n, NULLS if window.labelled else 0, np.int32)
    leaves = np.full(n, FIELDS if window.labelled else 0, np.int32)
    accuracy = np.full(n, window.accuracy[1])
    for name, rate in window.worse_on.items():
        accuracy[segment == WEEKDAYS.index(name)] = rate
    legs = {}
    for role, place, share in (("primary", 0, window.accuracy[0]), ("candidate", 1, accuracy)):
        failed = rng.random(n) < window.errors[place]
        legs[f"{role}_failed"] = failed
        legs[f"{role}_correct"] = counts(share, FIELDS) * (leaves > 0)
        legs[f"{role}_hallucinated"] = counts(window.hallucination[place], NULLS) * (leaves > 0)
        legs[f"{role}_invalid"] = counts(window.invalid[place], FIELDS) * (leaves > 0)
        legs[f"{role}_null_like"] = counts(0.001, NULLS) * (leaves > 0)
        latency = window.p95[place] * np.exp(0.5 * (rng.standard_normal(n) - 1.645))
        legs[f"{role}_latency_ms"] = np.where(failed, np.inf, latency)
        legs[f"{role}_cost_usd"] = window.cost[place] * rng.uniform(0.8, 1.2, n)
    return Pairs(
        time_s=time_s,
        segment=segment if window.segments else np.zeros(n, np.int32),
        session=session.astype(np.int32),
        key=np.full(n, -1, np.int32),
        weight=np.ones(n),
        scored=leaves > 0,
        leaves=leaves,
        nulls=nulls,
        exact=np.full(n, -1, np.int8),
        **legs,
    )


def judge(**changes) -> JudgeStanding:
    """One that is qualified, and prefers the candidate."""
    wins = Rate(0.62, 0.60, 0.64, 5_000)
    found = JudgeStanding(
        judge="gpt-4o",
        model="gpt-4o-2024-08-06",
        fingerprint="f",
        epoch="e",
        judged=5_000,
        identical=10,
        invalid=Rate(0.0, 0.0, 0.001, 10_000),
        inconsistent=Rate(0.02, 0.01, 0.03, 5_000),
        qualified=True,
        agreement_lb=0.93,
        labels=400,
        reasons=(),
        naive=wins,
        corrected=wins,
        drift=None,
    )
    return replace(found, **changes)


def fields_of(columns: Pairs) -> tuple[PairedCount, ...]:
    """Two null fields; all that is invented is invented in the first."""
    n = int(columns.nulls.sum())
    if not n:
        return ()
    ours, theirs = columns.primary_hallucinated, columns.candidate_hallucinated
    both = int(np.minimum(ours, theirs).sum())
    return (
        PairedCount("tax_id", n // 2, both, int(ours.sum()) - both, int(theirs.sum()) - both),
        PairedCount("po_number", n // 2, 0, 0, 0),
    )


def evidence(window: Window | None = None, **changes) -> Evidence:
    """All that a plan asks for is there, and good."""
    columns = pairs(window or Window())
    n = len(columns)
    found = Evidence(
        series=Series("invoices", "llama"),
        segments=WEEKDAYS if (window or Window()).segments else ("",),
        pairs=columns,
        checks=(
            PairedCount("json_invalid", n, 10, 60, 40),
            PairedCount("truncated", n, 0, 5, 5),
        ),
        fields=fields_of(columns),
        likeness=(Likeness("lexical", 20_000, 0.93, 0.02, 8_000, 0.92, 0.02),),
        standings=Standings((judge(),)),
        captured=n,
        mirrored=n,
        paired=n,
        lost={"queue_full": n // 200},
        unpriced=0,
        first_received_ns=int(START * 1e9),
        data_hash="0" * 64,
        load=LoadRun(1.0, 5_000, 3, 200.0, 420.0, int(START * 1e9)),
    )
    return replace(found, **changes)


def with_columns(found: Evidence, **columns) -> Evidence:
    """Some columns of its pairs replaced."""
    return replace(found, pairs=replace(found.pairs, **columns))


def select(found: Pairs, chosen) -> Pairs:
    """Some of the pairs, by index."""
    return Pairs(**{column.name: getattr(found, column.name)[chosen] for column in fields(Pairs)})
