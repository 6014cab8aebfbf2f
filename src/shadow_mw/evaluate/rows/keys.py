"""Every key of a pair row, and what it accepts."""

from __future__ import annotations

from shadow_mw.evaluate.rows import values as v
from shadow_mw.types import Role

ACCEPTED = (
    'accepted: {"pair_id": "p1", "primary": {"output": "..."}, "candidate": {"output": "..."}}'
)

SHARED = {
    "trace_id": v.TRACE_ID,
    "time": v.TIME,
    "key": v.FILLED,
    "segment": v.TEXT,
    "session": v.TEXT,
    "sample_rate": v.SHARE,
}
"""Keys of a row that hold for both legs, unless a leg says otherwise."""
ROW = SHARED | {
    "pair_id": v.FILLED,
    "experiment": v.FILLED,
    "input": v.OBJECT,
    "input_messages": v.OBJECTS,
    "system_instructions": v.OBJECTS,
    "truth": v.OBJECT,
    "primary": v.OBJECT,
    "candidate": v.OBJECT,
    "judge": v.OBJECT,
}
PRIMARY = SHARED | {
    "span_id": v.SPAN_ID,
    "model": v.FILLED,
    "output": v.TEXT,
    "refusal": v.TEXT,
    "reasoning": v.TEXT,
    "tool_calls": v.OBJECTS,
    "messages": v.OBJECTS,
    "finish_reason": v.FILLED,
    "latency_ms": v.NUMBER,
    "ttft_ms": v.NUMBER,
    "input_tokens": v.COUNT,
    "output_tokens": v.COUNT,
    "cache_read_tokens": v.COUNT,
    "cache_write_tokens": v.COUNT,
    "reasoning_tokens": v.COUNT,
    "cost_usd": v.NUMBER,
    "error": v.FILLED,
    "outcome": v.OUTCOME,
    "reason": v.FILLED,
    "partial": v.FLAG,
    "truncated": v.FLAG,
    "has_answer": v.FLAG,
    "expects_json": v.FLAG,
}
CANDIDATE = PRIMARY | {"id": v.FILLED}
LEGS = {Role.PRIMARY: PRIMARY, Role.CANDIDATE: CANDIDATE}
