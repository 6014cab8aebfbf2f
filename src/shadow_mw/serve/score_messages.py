"""One pair's scores as OTLP messages: a judge span with an event a score, and log records.

Every id follows from what is said, so that what is sent twice, after a crash, is one opinion. All
of it is at the end of the candidate's call: labels may come weeks later, and a trace that lasts
weeks is found by nobody.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import astuple
from typing import Final, TypeAlias

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import (
    SEVERITY_NUMBER_INFO,
    LogRecord,
    ResourceLogs,
    ScopeLogs,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from shadow_mw import semconv
from shadow_mw.scores import PairScores, Score
from shadow_mw.types import Role
from shadow_mw.version import __version__
from shadow_mw.wire.lenient import encodable

EVALUATOR: Final = "shadow_mw.checks"
"""Deterministic checks, no model: what `shadow.evaluator.name` says."""

SAMPLED: Final = 0x1
REMOTE_PARENT: Final = 0x300
"""The parent is known to be of another process."""

RESOURCE: Final = Resource(
    attributes=[KeyValue(key="service.name", value=AnyValue(string_value="shadow-mw"))]
)
SCOPE: Final = InstrumentationScope(name=semconv.SCOPE, version=__version__)

Values: TypeAlias = dict[str, str | float]


def resource_spans(pairs: Sequence[PairScores], mark: str | None) -> ResourceSpans:
    """One judge span a pair, child of the candidate's."""
    spans = [_span(pair, _marked(mark)) for pair in pairs]
    return ResourceSpans(resource=RESOURCE, scope_spans=[ScopeSpans(scope=SCOPE, spans=spans)])


def resource_logs(pairs: Sequence[PairScores], mark: str | None) -> ResourceLogs:
    """One record a score, in the context of the candidate's span, as the conventions have it."""
    records = [record for pair in pairs for record in _records(pair, _marked(mark))]
    return ResourceLogs(resource=RESOURCE, scope_logs=[ScopeLogs(scope=SCOPE, log_records=records)])


def _marked(mark: str | None) -> Values:
    return {semconv.MARK: mark} if mark else {}


def _span(pair: PairScores, mark: Values) -> Span:
    return Span(
        trace_id=bytes.fromhex(pair.trace_id),
        span_id=_identity(pair)[:8],
        parent_span_id=bytes.fromhex(pair.span_id),
        flags=SAMPLED | REMOTE_PARENT,
        name=f"evaluate {pair.candidate_id}",
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=pair.time_ns,
        end_time_unix_nano=pair.time_ns,
        attributes=_attributes(
            _whose(pair) | _evaluator() | {semconv.EVALUATION_TIME: time.time()} | mark
        ),
        events=[
            Span.Event(
                time_unix_nano=pair.time_ns,
                name=semconv.EVALUATION_RESULT,
                attributes=_attributes(_evaluation(score) | _evaluator()),
            )
            for score in pair.scores
        ],
    )


def _records(pair: PairScores, mark: Values) -> list[LogRecord]:
    identity = _identity(pair).hex()
    return [
        LogRecord(
            time_unix_nano=pair.time_ns,
            observed_time_unix_nano=time.time_ns(),
            severity_number=SEVERITY_NUMBER_INFO,
            event_name=semconv.EVALUATION_RESULT,
            trace_id=bytes.fromhex(pair.trace_id),
            span_id=bytes.fromhex(pair.span_id),
            flags=SAMPLED,
            attributes=_attributes(
                _whose(pair)
                | _evaluation(score)
                | _evaluator()
                | {semconv.LOG_RECORD_UID: f"{identity[:32]}-{score.name}"}
                | mark
            ),
        )
        for score in pair.scores
    ]


def _identity(pair: PairScores) -> bytes:
    """Of what is said, not of when or by which process."""
    scores = [astuple(score) for score in pair.scores]
    said = [pair.experiment, pair.pair_id, pair.candidate_id, scores]
    return hashlib.sha256(json.dumps(said).encode()).digest()


def _whose(pair: PairScores) -> Values:
    return {
        semconv.ROLE: Role.JUDGE,
        semconv.PAIR_ID: pair.pair_id,
        semconv.EXPERIMENT_ID: pair.experiment,
        semconv.CANDIDATE_ID: pair.candidate_id,
    }


def _evaluation(score: Score) -> Values:
    values = {
        semconv.EVALUATION_NAME: score.name,
        semconv.EVALUATION_VALUE: score.value,
        semconv.EVALUATION_LABEL: score.label,
        semconv.EVALUATION_EXPLANATION: score.explanation,
    }
    return {name: value for name, value in values.items() if value is not None}


def _evaluator() -> Values:
    return {semconv.EVALUATOR_NAME: EVALUATOR, semconv.EVALUATOR_VERSION: __version__}


def _attributes(values: Values) -> list[KeyValue]:
    return [KeyValue(key=name, value=_any(value)) for name, value in values.items()]


def _any(value: str | float) -> AnyValue:
    if isinstance(value, str):
        # A path can come from a model, which can write half a surrogate pair.
        return AnyValue(string_value=encodable(value))
    return AnyValue(double_value=float(value))
