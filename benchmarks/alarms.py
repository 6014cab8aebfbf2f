"""`python -m benchmarks.alarms`: how often alarms are false, and how late they are.

Somebody looks at the end of every day of two weeks, at hallucinations and errors, in all traffic
and in five segments. A candidate that is exactly as much worse as the plan allows must raise
nothing in 99 of 100 windows; one that is worse has to be seen soon.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.results import Part, Target, say, show, show_targets
from shadow_mw.decide import stats
from shadow_mw.decide.case import before
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.proven_worse import ALPHA, proven_worse
from shadow_mw.evidence import Evidence, Pairs
from shadow_mw.results import Series
from shadow_mw.standings import Standings

DAYS, DAY = 14, 86_400
SEGMENTS = ("monday", "tuesday", "wednesday", "thursday", "friday")
NULLS = 2
CHECKED = 10
"""Windows of each case that are read day by day too."""
CASES = {
    # (pairs in two weeks, pairs of a session), hallucination and errors of both legs
    "as bad as allowed": (14_000, 1, (0.003, 0.005), (0.004, 0.005)),
    "as bad as allowed, sessions of 20": (14_000, 20, (0.003, 0.005), (0.004, 0.005)),
    "no worse": (14_000, 1, (0.003, 0.003), (0.004, 0.004)),
    "invents values: 0.3 against 1.1 %": (14_000, 1, (0.003, 0.011), (0.004, 0.004)),
    "the same, 15,600 pairs a day": (218_400, 1, (0.003, 0.011), (0.004, 0.004)),
    "fails: 0.4 against 1.2 %": (218_400, 1, (0.003, 0.003), (0.004, 0.012)),
}


def measure(_: Path | None = None, *, quick: bool = False) -> Part:
    """Windows with an alarm, and the day of the first one."""
    part = Part(
        "N. Alarms that are read every day",
        "Seeded windows of 14 days, one look a day, two measures, all traffic and five segments;"
        f" alarms at {ALPHA:.0%} for all of them together.",
        ["candidate", "windows", "with an alarm", "first day, median", "CPU seconds"],
    )
    for name, (pairs, batch, hallucination, errors) in CASES.items():
        windows = 20 if quick else 2_000
        started, days = time.process_time(), Counter[int]()
        for seed in range(windows):
            found = window(pairs, batch, hallucination, errors, seed)
            day = first_alarm_at_once(found) if batch == 1 else first_alarm(found)
            if batch == 1 and seed < CHECKED and day != (real := first_alarm(found)):
                raise AssertionError(f"{name}, window {seed}: day {day}, in reality {real}")
            days[day] += day > 0
        raised = sum(days.values())
        part.figures[name] = raised / windows
        part.rows.append(
            [
                *(name, str(windows), f"{raised / windows:.2%}"),
                str(median(days.elements())) if raised else "",
                f"{time.process_time() - started:.0f}",
            ]
        )
        say(f"{name}: {raised} of {windows}")
    false = max(part.figures[name] for name in list(CASES)[:2])
    part.targets.append(
        Target("false alarms in two weeks of daily looks", "<= 1 %", f"{false:.2%}", false <= ALPHA)
    )
    return part


def first_alarm(found: Evidence) -> int:
    """Its day, from 1; 0 where there is none: what `shadow-mw alerts` finds at each midnight."""
    for day in range(1, DAYS + 1):
        until = before(found.pairs, day * DAY)
        seen = Evidence(**{n: getattr(found, n) for n in found.__slots__} | {"pairs": until})
        if any(alarm.raised for alarm in proven_worse(ARTICLES, seen)):
            return day
    return 0


def first_alarm_at_once(found: Evidence) -> int:
    """The same, with all days of a part in one call; only where each pair is its own session.

    A session that midnight cuts in two counts, on that day, as what there is of it.
    """
    pairs, gates, segments = found.pairs, ARTICLES.gates, ARTICLES.gates.segments
    assert gates.hallucination
    assert gates.errors
    assert segments
    ones = np.ones(len(pairs))
    hallucinated = pairs.candidate_hallucinated - pairs.primary_hallucinated
    failed = pairs.candidate_failed.astype(float) - pairs.primary_failed
    measures = (
        (hallucinated, pairs.nulls, gates.hallucination.margin, segments.hallucination_margin),
        (failed, ones, gates.errors.margin, segments.errors_margin),
    )
    days = np.arange(1, DAYS + 1)
    raised = np.zeros(DAYS, bool)
    for changed, of, margin, segment_margin in measures:
        at = np.searchsorted(pairs.time_s, days * DAY)
        raised |= _raised(changed, of, ALPHA / 4, at, margin)
        for number in range(len(SEGMENTS)):
            chosen = pairs.segment == number
            share = ALPHA / 4 / ((number + 1) * (number + 2))
            at = np.searchsorted(pairs.time_s[chosen], days * DAY)
            one = _raised(changed[chosen], of[chosen], share, at, segment_margin)
            # The first day has one segment, which is all traffic.
            raised |= one & (days > 1)
    return int(raised.argmax()) + 1 if raised.any() else 0


def _raised(
    changed: np.ndarray, of: np.ndarray, share: float, at: np.ndarray, margin: float
) -> np.ndarray:
    found = stats.ratio_sequence(changed, of, 2 * share, at.tolist())
    return np.array([interval.low > margin for interval in found])


def window(
    n: int, batch: int, hallucination: tuple[float, float], errors: tuple[float, float], seed: int
) -> Evidence:
    """Pairs spread evenly; those of a session fail and invent together."""
    rng = np.random.default_rng(seed)
    sessions = -(-n // batch)

    def together(rate: float, size: int) -> np.ndarray:
        return np.repeat(rng.binomial(size, rate, sessions), batch)[:n].astype(np.int32)

    time_s = np.sort(rng.uniform(0, DAYS * DAY, n))
    zeros = np.zeros(n, np.int32)
    nothing = np.full(n, np.nan)
    columns: dict[str, Any] = {
        "time_s": time_s,
        "segment": ((time_s // DAY) % len(SEGMENTS)).astype(np.int32),
        "session": (np.arange(n) // batch).astype(np.int32),
        "key": zeros - 1,
        "weight": np.ones(n),
        "scored": np.ones(n, bool),
        "leaves": zeros + NULLS,
        "nulls": zeros + NULLS,
        "exact": np.full(n, -1, np.int8),
    }
    for place, role in enumerate(("primary", "candidate")):
        columns |= {
            f"{role}_hallucinated": together(hallucination[place], NULLS),
            f"{role}_failed": together(errors[place], 1).astype(bool),
            f"{role}_correct": zeros,
            f"{role}_invalid": zeros,
            f"{role}_null_like": zeros,
            f"{role}_latency_ms": nothing,
            f"{role}_cost_usd": nothing,
        }
    return Evidence(
        series=Series("simulated", str(seed)),
        segments=SEGMENTS,
        pairs=Pairs(**columns),
        checks=(),
        fields=(),
        likeness=(),
        standings=Standings(),
        captured=n,
        mirrored=n,
        paired=n,
        lost={},
        unpriced=0,
        first_received_ns=0,
        data_hash="",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alarms")
    parser.add_argument("--quick", action="store_true", help="20 windows of each")
    part = measure(quick=parser.parse_args().quick)
    show(part)
    show_targets([part])


if __name__ == "__main__":
    main()
