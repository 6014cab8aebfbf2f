"""Every attribute name that spans carry: the contract between runner, collector and evaluator.

GenAI names follow open-telemetry/semantic-conventions-genai (Development stability); they are
copied, not imported, since upstream's Python constants are deprecated and lack the newer names.
"""

from __future__ import annotations

from typing import Final

SCOPE: Final = "shadow_mw"

ROLE: Final = "shadow.role"
PAIR_ID: Final = "shadow.pair.id"
EXPERIMENT_ID: Final = "shadow.experiment.id"
MARK: Final = "shadow.mark"
CANDIDATE_ID: Final = "shadow.candidate.id"
OUTCOME: Final = "shadow.outcome"
SAMPLE_RATE: Final = "shadow.sample_rate"
QUEUE_DELAY: Final = "shadow.queue.delay"
SEGMENT: Final = "shadow.segment"
SESSION: Final = "shadow.session"
KEY: Final = "shadow.key"
REQUEST: Final = "shadow.request"
CONTENT_TRUNCATED: Final = "shadow.content.truncated"
PARTIAL: Final = "shadow.partial"
"""The leg's body ended before its terminal event (a disconnect, an early close)."""
EXPECTS_JSON: Final = "shadow.expects_json"
"""The request asked for JSON by mode or schema."""
WIRE_FORMAT: Final = "shadow.wire.format"
REASON: Final = "shadow.reason"
"""On a failed candidate leg: the `Reason` it is counted under."""

BACKFILL: Final = "shadow.backfill"
"""On a candidate leg: it was asked later, from the store, with pseudonyms for personal data."""

SOURCE: Final = "shadow.source"
"""On a metric's data point: which process or runner counted."""
COUNT: Final = "shadow.count"
"""On a data point of `shadow.funnel`: `captured`, `mirrored`, or a reason."""
FUNNEL_METRIC: Final = "shadow.funnel"
GAUGE_METRICS: Final = {
    "spend_usd": "shadow.spend",
    "budget_usd": "shadow.budget",
    "window_end": "shadow.window.end",
    "pending_bytes": "shadow.pending",
}
"""Name in the store to name of the metric."""

OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TTFC: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds."""
USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
HTTP_STATUS: Final = "http.response.status_code"

EVALUATION_RESULT: Final = "gen_ai.evaluation.result"
"""The event's name."""
EVALUATION_NAME: Final = "gen_ai.evaluation.name"
EVALUATION_VALUE: Final = "gen_ai.evaluation.score.value"
EVALUATION_LABEL: Final = "gen_ai.evaluation.score.label"
EVALUATION_EXPLANATION: Final = "gen_ai.evaluation.explanation"
EVALUATOR_NAME: Final = "shadow.evaluator.name"
"""Who judged; upstream has no name for it yet (semantic-conventions-genai, pull request 359)."""
EVALUATOR_VERSION: Final = "shadow.evaluator.version"
EVALUATION_TIME: Final = "shadow.evaluation.time"
"""Unix time, s, at which scores were sent: of two opinions about a pair the later one counts."""
LOG_RECORD_UID: Final = "log.record.uid"
"""Records with the same one are duplicates."""
