"""One span as the evaluator reads it, wherever it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
