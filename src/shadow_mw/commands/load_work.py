"""What a load run sends, and when: one hour's stored arrivals, faster or slower."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from math import inf

from shadow_mw.commands.backfill_work import Work
from shadow_mw.commands.progress import progress
from shadow_mw.evaluate.arrivals import HOUR_NS, Arrivals
from shadow_mw.exceptions import DataError
from shadow_mw.prices import PriceTable
from shadow_mw.runner.backfill import Stored
from shadow_mw.runner.load import Arrival

MOST_INPUTS = 5_000
MOST_BYTES = 128 * 2**20
"""Different inputs that are held in memory; further arrivals send these again."""
HOUR_S = HOUR_NS / 1e9


@dataclass(frozen=True, slots=True)
class Schedule:
    """Calls of one run, in the order of time."""

    arrivals: tuple[Arrival, ...]
    seconds: float
    """How long calls are sent."""
    inputs: int
    """Different ones among them."""
    skipped: Counter[str]
    """Stored calls that cannot be asked, by reason: others are sent at their times."""

    def usd(self, work: Work) -> Decimal | None:
        """What it is likely to cost; None where no price is known."""
        prices = PriceTable(work.settings.prices)
        costs = {
            id(one.stored): prices.cost(work.candidate.model, one.stored.expected)
            for one in self.arrivals
        }
        if None in costs.values():
            return None
        return sum((costs[id(one.stored)] or Decimal(0) for one in self.arrivals), Decimal(0))


def schedule(
    work: Work, hour: Arrivals, *, factor: float, seconds: float, limit: int | None
) -> Schedule:
    """The busiest stretch of an hour at `factor` times production's own rate.

    Where a share of production's calls is stored, time runs faster by that much: random arrivals
    of which a share is left are, in less time, like all of them. A run that is longer than the
    hour lasts goes through it again.

    Raises:
        DataError: nothing that is stored can be asked.
    """
    due = _due(hour, factor, seconds)[:limit]
    if not due:
        raise DataError(f"no call would be sent in {seconds / 60:g} min at factor {factor:g}")
    found, skipped = _inputs(work, [pair_id for _, pair_id in due])
    if not found:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in skipped.items())
        raise DataError(f"store {work.store.path}: no stored call can be asked ({reasons})")
    pool = list(found.values())
    arrivals = tuple(
        Arrival(at, found.get(pair_id) or pool[number % len(pool)])
        for number, (at, pair_id) in enumerate(due)
    )
    return Schedule(arrivals, seconds, len({id(one.stored) for one in arrivals}), skipped)


def _due(hour: Arrivals, factor: float, seconds: float) -> list[tuple[float, str]]:
    """When which call is sent, in seconds from the start."""
    speed = factor * hour.production / len(hour.times_ns)
    times = [(time_ns - hour.hour_ns) / 1e9 for time_ns in hour.times_ns]
    begin = _busiest(times, seconds * speed) if seconds * speed < HOUR_S else 0
    due = list[tuple[float, str]]()
    number, at = begin, 0.0
    while at < seconds:
        due.append((at, hour.pair_ids[number % len(times)]))
        number += 1
        lap, index = divmod(number, len(times))
        at = (times[index] + lap * HOUR_S - times[begin]) / speed
    return due


def _busiest(times: list[float], span: float) -> int:
    """The call with which the stretch of `span` seconds begins that has most of them."""
    best, most = 0, -inf
    for begin, time in enumerate(times):
        n = bisect_left(times, time + span, lo=begin) - begin
        if n > most:
            best, most = begin, n
    return best


def _inputs(work: Work, pair_ids: list[str]) -> tuple[dict[str, Stored], Counter[str]]:
    wanted = list(dict.fromkeys(pair_ids))[:MOST_INPUTS]
    reading = replace(work, todo=wanted)
    found = dict[str, Stored]()
    size = 0
    with progress("reading", len(wanted)) as advance:
        for stored in reading.calls():
            advance(1)
            found[stored.exchange.pair_id] = stored
            size += len(stored.exchange.request)
            if size > MOST_BYTES:
                break
    return found, Counter(dict(sorted(reading.skipped.items())))
