"""What a new pair says of its two legs; as the trigger of `tables.pair_facts` copies it.

Written with the pair: the trigger, which is there for older code, would read both legs again.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

from shadow_mw.evaluate.ingest import Observation
from shadow_mw.evaluate.pair import Pair
from shadow_mw.types import Outcome

COLUMNS: Final = (
    *("time_ns", "segment", "session", "sample_rate"),
    *("primary_model", "candidate_model"),
    *(
        f"{leg}_{name}"
        for leg in ("primary", "candidate")
        for name in (
            *("failed", "latency_ms", "ttft_ms", "cost_usd"),
            *("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"),
        )
    ),
)
"""Of `pairs`."""

_FAILED: Final = (Outcome.ERROR, Outcome.TIMEOUT)


def fact_values(pair: Pair, number: Callable[[str], int]) -> tuple[Any, ...]:
    """The values of `COLUMNS`.

    Args:
        pair: both legs.
        number: of a name in the table `names`.
    """
    primary, candidate = pair.primary.observation, pair.candidate.observation
    names = primary.segment, primary.model, candidate.model
    segment, ours, theirs = [None if name is None else number(name) for name in names]
    return (
        *(primary.time_ns, segment, primary.session, primary.sample_rate, ours, theirs),
        *_leg(primary),
        *_leg(candidate),
    )


def _leg(leg: Observation) -> tuple[Any, ...]:
    """A failed call is infinitely slow, never left out: leaving it out would flatter who fails."""
    latency_ms, ttft_ms = leg.latency_ms, leg.ttft_ms
    if not leg.answered:
        latency_ms, ttft_ms = inf, inf if ttft_ms is None else ttft_ms
    return (
        leg.outcome in _FAILED,
        latency_ms,
        ttft_ms,
        leg.cost_usd,
        leg.input_tokens,
        leg.output_tokens,
        leg.cache_read_tokens,
        leg.cache_write_tokens,
    )
