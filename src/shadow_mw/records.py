"""What the evaluator takes, wherever it came from: spans, and numbers of the processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """The part of an OpenTelemetry span that evaluation looks at."""

    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    start_ns: int
    """Unix time."""
    end_ns: int | None
    failed: bool
    """Its status is ERROR."""
    attributes: Mapping[str, object]
    scope: str = ""
    """Name of the instrumentation scope."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one process says of its own work."""

    experiment: str
    candidate_id: str
    """Empty where it is about no single candidate."""
    source: str
    counts: Mapping[str, int] = field(default_factory=dict)
    """Absolute counters: an older state is no news."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Present values, such as `spend_usd`."""
