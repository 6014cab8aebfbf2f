"""The values that travel between the stages; no behaviour but small derivations."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""A value as `json.loads` gives it."""

DOCTOR = "shadow-doctor"
"""The experiment of probe pairs: in no dashboard, and in a report only where asked for."""

REPEAT = "primary"
"""Candidate id of the primary where it is asked once more: its own noise, and no candidate."""


class Role(StrEnum):
    """Whose call a span records."""

    # That of its value, as equality is; an enum's own is slower.
    __hash__ = str.__hash__

    PRIMARY = "primary"
    CANDIDATE = "candidate"
    JUDGE = "judge"


class Outcome(StrEnum):
    """How one leg ended."""

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"


class WireFormat(StrEnum):
    """The shapes of an LLM call that are understood."""

    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"
    ANTHROPIC_MESSAGES = "anthropic_messages"
    OPENAI_COMPLETIONS = "openai_completions"
    OPENAI_EMBEDDINGS = "openai_embeddings"


PATHS: dict[str, WireFormat] = {
    "/v1/chat/completions": WireFormat.OPENAI_CHAT,
    "/chat/completions": WireFormat.OPENAI_CHAT,
    "/v1/responses": WireFormat.OPENAI_RESPONSES,
    "/v1/messages": WireFormat.ANTHROPIC_MESSAGES,
    "/v1/completions": WireFormat.OPENAI_COMPLETIONS,
    "/v1/embeddings": WireFormat.OPENAI_EMBEDDINGS,
}
"""Path endings that are LLM calls, and the format of each."""


class Reason(StrEnum):
    """Why a call was not mirrored, not compared, or counted against the candidate."""

    # Decided in the app: nothing was copied.
    OFF = "off"
    NOT_SAMPLED = "not_sampled"
    WINDOW_NOT_OPEN = "window_not_open"
    WINDOW_CLOSED = "window_closed"
    QUEUE_FULL = "queue_full"
    SPOOL_SLOW = "spool_slow"
    SPOOL_ERROR = "spool_error"
    REQUEST_TOO_LARGE = "request_too_large"
    RESPONSE_TOO_LARGE = "response_too_large"
    REQUEST_NOT_READABLE = "request_not_readable"
    RECURSION = "recursion"
    REQUEST_INCOMPLETE = "request_incomplete"
    RESPONSE_NOT_READABLE = "response_not_readable"
    INTERNAL_ERROR = "internal_error"
    # Decided in the runner: the candidate was not called.
    SUPERSEDED = "superseded"
    REQUEST_INVALID = "request_invalid"
    STATEFUL = "stateful"
    QUEUE_EXPIRED = "queue_expired"
    BUDGET_USD = "budget_usd"
    MAX_CALLS = "max_calls"
    CIRCUIT_OPEN = "circuit_open"
    TORN_FRAME = "torn_frame"
    # The candidate was called and failed: the pair is kept, with the failure counted.
    CANDIDATE_UNREACHABLE = "candidate_unreachable"
    CANDIDATE_TIMEOUT = "candidate_timeout"
    CANDIDATE_RATE_LIMITED = "candidate_rate_limited"
    CANDIDATE_ERROR_4XX = "candidate_error_4xx"
    CANDIDATE_ERROR_5XX = "candidate_error_5xx"
    CANDIDATE_ERROR_EVENT = "candidate_error_event"
    CANDIDATE_REDIRECT = "candidate_redirect"
    CANDIDATE_RESPONSE_TOO_LARGE = "candidate_response_too_large"
    CANDIDATE_CONNECTION_LOST = "candidate_connection_lost"
    CANDIDATE_INVALID_RESPONSE = "candidate_invalid_response"
    # The candidate was called, and the collector will never take the pair.
    EXPORT_REFUSED = "export_refused"
    # Both legs are stored and cannot be compared.
    PRIMARY_PARTIAL = "primary_partial"
    CONTENT_TRUNCATED = "content_truncated"
    # One leg is stored; the other has not come, or is late.
    PRIMARY_LEG_MISSING = "primary_leg_missing"
    CANDIDATE_LEG_MISSING = "candidate_leg_missing"
    LEG_AWAITED = "leg_awaited"


NOT_COMPARED = frozenset(
    {
        *(Reason.PRIMARY_PARTIAL, Reason.CONTENT_TRUNCATED),
        *(Reason.PRIMARY_LEG_MISSING, Reason.CANDIDATE_LEG_MISSING, Reason.LEG_AWAITED),
    }
)
"""What became of mirrored calls that are in no comparison."""

CANDIDATE_REASONS = frozenset(r for r in Reason if r.startswith("candidate_")) - NOT_COMPARED
"""Failures of a mirrored call: they explain an error rate, not a gap in the funnel.

`captured` is `mirrored` and every reason but these and `NOT_COMPARED`.
"""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One LLM call of the app as captured, with both bodies as bytes on the wire."""

    pair_id: str
    trace_id: str
    """32 hex digits."""
    parent_span_id: str | None
    """16 hex digits: the span that was active in the app at the call."""
    format: WireFormat
    seam: str
    """`outbound`, `inbound`, or `backfill` where it comes from the store."""
    host: str | None
    """The primary's host and port, where the call was outbound."""
    started_ns: int
    """Wall clock at the start of the call, ns since the epoch."""
    latency_ns: int
    """From the start of the call to its last byte."""
    ttft_ns: int | None
    """From the start of the call to the first byte of a streamed body."""
    status: int | None
    """HTTP status; None where no response came."""
    content_type: str
    content_encoding: str
    end: str
    """`eof`, `closed`, `gc`, `idle`, `disconnect`, `exit` or `error`."""
    error: str | None
    """Exception class name where the primary leg raised."""
    request: bytes
    response: bytes
    headers: dict[str, str] = field(default_factory=dict)
    """Allow-listed request headers: protocol versions, never credentials."""
    retry: int = 0
    """The SDK's own retry counter."""
    key: str | None = None
    segment: str | None = None
    session: str | None = None
    sample_rate: float = 1.0
    traced: bool = True
    """Whether the trace id came from the app's trace or request, so that calls share it."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts as the server gave them; None is unknown, never zero."""

    input_tokens: int | None = None
    """All input tokens, cached ones included."""
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One tool call of a model; `arguments` is the text as the model wrote it."""

    name: str
    arguments: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read: what the app asked, whatever the wire format."""

    model: str
    stream: bool
    input_messages: Json
    """OpenTelemetry GenAI shape: `[{"role", "parts": [{"type", ...}]}]`."""
    system_instructions: Json
    """OpenTelemetry GenAI shape: a list of parts, empty where there are none."""
    tools: Json
    """Tool definitions as sent; an empty list where there are none."""
    expects_json: bool
    """The request itself asks for JSON (mode or schema)."""
    max_tokens: int | None
    params: dict[str, Json]
    """Sampling parameters by their GenAI attribute name, such as `gen_ai.request.temperature`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, read: what the model said, or how the call failed."""

    text: str | None = None
    """All text of the first choice, joined; None where there is none."""
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    """As the server wrote it (`stop`, `length`, `end_turn`, `completed`, ...)."""
    usage: Usage = Usage()
    model: str | None = None
    response_id: str | None = None
    error: str | None = None
    """A low-cardinality kind: the server's error type or code, or `invalid_response`."""
    error_message: str | None = None
    complete: bool = True
    """False where a stream ended before its terminal event."""
