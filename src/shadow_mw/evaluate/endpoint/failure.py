"""Kinds of failures: which of them pass, cost nothing, or make every further call useless."""

from __future__ import annotations

MISCONFIGURED = frozenset({"http_401", "http_403", "http_404", "http_405"})
"""No further call would fare better."""
BUSY = frozenset({"http_408", "http_409", "http_425", "http_429"})
DOWN = frozenset({"timeout", "unreachable", "connection_lost"})
FREE = frozenset({"unreachable"})
"""Failures that cost nothing; so does every status of 400 and above."""
FAILURES_IN_A_ROW = 5
"""So many, and a run stops asking."""


def is_free(kind: str | None, status: int | None) -> bool:
    """Whether the call costs nothing."""
    return kind in FREE or (status or 0) >= 400


def passes(kind: str | None, status: int | None) -> bool:
    """Whether the same call may fare better a little later."""
    return kind in BUSY or kind in DOWN or (kind is not None and (status or 0) >= 500)


def pause(calls: int, retry_after: float | None, longest: float) -> float:
    """Seconds to wait after so many calls; what the server says goes first."""
    return min(0.5 * 2**calls if retry_after is None else retry_after, longest)
