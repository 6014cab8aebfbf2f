"""Answers as OTLP/HTTP has them: in the request's content type, faults as `google.rpc.Status`."""

from __future__ import annotations

from typing import Final

from google.protobuf.json_format import MessageToJson  # type: ignore[import-untyped]
from google.protobuf.message import Message  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)
from starlette.requests import Request
from starlette.responses import Response

from shadow_mw.serve.otlp import JSON, PROTOBUF
from shadow_mw.serve.refusals import RefusedError
from shadow_mw.serve.writer import Batch

RETRY_SECONDS: Final = 2
"""For a sender that has a queue, and a store that is only slow."""

GRPC_CODES: Final = {400: 3, 401: 16, 413: 8, 415: 3, 500: 13, 503: 14}


def traces_taken(request: Request, batch: Batch) -> Response:
    """All of it is on disk but what is named as rejected."""
    message = ExportTraceServiceResponse()
    if batch.rejected:
        partial = ExportTracePartialSuccess(
            rejected_spans=batch.rejected.total(),
            error_message="; ".join(f"{n}: {fault}" for fault, n in batch.rejected.most_common()),
        )
        message.partial_success.CopyFrom(partial)
    return _response(request, message, 200)


def metrics_taken(request: Request) -> Response:
    """All of it that is ours is on disk."""
    return _response(request, ExportMetricsServiceResponse(), 200)


def refused(request: Request, error: RefusedError) -> Response:
    """Why nothing of it was taken."""
    response = failed(request, error.status, str(error))
    if error.status == 401:
        response.headers["www-authenticate"] = 'Bearer realm="shadow-mw"'
    if error.status == 503:
        response.headers["retry-after"] = str(RETRY_SECONDS)
    return response


def failed(request: Request, status: int, text: str) -> Response:
    """A status with its reason."""
    return _response(request, Status(code=GRPC_CODES[status], message=text), status)


def _response(request: Request, message: Message, status: int) -> Response:
    if request.headers.get("content-type", "").startswith(PROTOBUF):
        return Response(message.SerializeToString(), status, media_type=PROTOBUF)
    return Response(MessageToJson(message, indent=None), status, media_type=JSON)
