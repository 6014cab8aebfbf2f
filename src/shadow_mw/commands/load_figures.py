"""What a load run measured, as one table of plain values."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from math import isinf

from shadow_mw.evaluate.arrivals import Percentiles, percentiles
from shadow_mw.runner.load import Answered
from shadow_mw.types import Json

SLICES = 10
FIFTH = 5
LATE_S = 0.1
"""A call that was sent so much after it was due was kept waiting by this machine."""


def figures(answered: Sequence[Answered], seconds: float) -> dict[str, Json]:
    """Latency since calls were due, throughput, queue and errors.

    Args:
        answered: every call that ended.
        seconds: how long calls were sent.
    """
    delays = sorted(one.sent_s - one.due_s for one in answered)
    served = sum(1 for one in answered if one.reason is None and one.ended_s <= seconds)
    return {
        "calls": len(answered),
        "failed": dict(sorted(Counter(str(x.reason) for x in answered if x.reason).items())),
        "offered_per_s": len(answered) / seconds,
        "served_per_s": served / seconds,
        "latency": shown(percentiles([one.latency_ms for one in answered])),
        "scheduling": {
            "late": sum(delay > LATE_S for delay in delays),
            "p99_ms": 1000 * delays[int(0.99 * (len(delays) - 1))] if delays else None,
            "most_ms": 1000 * delays[-1] if delays else None,
        },
        "queue": _queue(answered, seconds),
    }


def shown(found: Percentiles) -> dict[str, Json]:
    """For JSON, which has no infinity: a percentile on a failed call is null."""
    return {
        name: None if value is None or isinf(value) else value
        for name, value in asdict(found).items()
    }


def _queue(answered: Sequence[Answered], seconds: float) -> dict[str, Json]:
    due = sorted(one.due_s for one in answered)
    ended = sorted(one.ended_s for one in answered)
    return {
        "grows": _grows(answered, seconds),
        "most_in_flight": max(
            (bisect_right(due, at) - bisect_right(ended, at) for at in due), default=0
        ),
        "slices": [
            {
                "until_s": round(end, 3),
                "in_flight": bisect_right(due, end) - bisect_right(ended, end),
                "latency": shown(
                    percentiles([x.latency_ms for x in answered if begin <= x.due_s < end])
                ),
            }
            for begin, end in _slices(seconds)
        ],
    }


def _slices(seconds: float) -> list[tuple[float, float]]:
    bounds = [seconds * number / SLICES for number in range(SLICES + 1)]
    return list(pairwise(bounds))


def _grows(answered: Sequence[Answered], seconds: float) -> bool:
    """Whether the last fifth of the calls waited longer than the first, behind more others.

    A candidate that keeps up has the same queue at the end of a run as at its beginning; one that
    does not has one that grows by the difference of the two rates for as long as the run lasts.
    """
    first = [one for one in answered if one.due_s < seconds / FIFTH]
    last = [one for one in answered if one.due_s >= seconds - seconds / FIFTH]
    if not first or not last:
        return False
    before, after = _waiting(first, answered), _waiting(last, answered)
    return after > 1.5 * before + 1 and _median(last) > 1.5 * _median(first)


def _waiting(calls: Sequence[Answered], answered: Sequence[Answered]) -> float:
    """How many others were under way, on average, when one of `calls` came due."""
    due = sorted(one.due_s for one in answered)
    ended = sorted(one.ended_s for one in answered)
    found = [bisect_right(due, one.due_s) - bisect_right(ended, one.due_s) for one in calls]
    return sum(found) / len(found)


def _median(calls: Sequence[Answered]) -> float:
    """Of the time that calls took, failed ones too: a timeout is the longest of waits."""
    took = sorted(one.ended_s - one.due_s for one in calls)
    return took[len(took) // 2]
