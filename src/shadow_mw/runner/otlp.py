"""OTLP over HTTP to a collector: what may be sent again is, what never will be taken is not."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

import httpx2
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from shadow_mw import semconv
from shadow_mw.exceptions import ExportRefused
from shadow_mw.runner.figures import Figures
from shadow_mw.runner.otlp_metrics import metrics_requests
from shadow_mw.runner.span_content import size_of, without_content
from shadow_mw.settings import Settings

logger = logging.getLogger("shadow_mw.runner")

MOST_BYTES = 16 * 2**20
"""In one request: a collector's HTTP receiver takes 20 MiB."""
TIMEOUT = 10.0
KEEPALIVE = 3.0
"""Shorter than servers keep an idle connection, so that none breaks under a request."""
PERMANENT = (400, 413, 422)
"""Said of what was sent; every other refusal is the endpoint's, and an operator can mend it."""
TRACES, METRICS = "/v1/traces", "/v1/metrics"
MOST_TEXT = 200


class Otlp:
    """The endpoint: one connection pool, used by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        assert settings.otlp_endpoint is not None
        self.endpoint = settings.otlp_endpoint
        headers = {"content-type": "application/x-protobuf"}
        if settings.otlp_token is not None:
            headers["authorization"] = f"Bearer {settings.otlp_token.get_secret_value()}"
        limits = httpx2.Limits(keepalive_expiry=KEEPALIVE)
        self._http = httpx2.Client(timeout=TIMEOUT, headers=headers, limits=limits)
        self.faults: dict[str, str] = {}
        """What it says now instead of taking our requests, by path."""

    def send(self, path: str, body: bytes) -> bytes | None:
        """Send one request.

        Returns:
            The answer's body, or None where the same is to be sent again later.

        Raises:
            ExportRefused: the endpoint takes requests, and will never take this one.
        """
        try:
            response = self._http.post(self.endpoint + path, content=body)
        except httpx2.TimeoutException:
            self._fault(path, f"did not answer within {TIMEOUT:g} s")
            return None
        except httpx2.RequestError as error:
            self._fault(path, f"cannot be reached ({error}): see SHADOW_OTLP_ENDPOINT")
            return None
        if response.is_success:
            self._mended(path)
            return response.content
        said = f"{response.status_code}{_said(response)}"
        if response.status_code in PERMANENT and self._takes_others(path):
            raise ExportRefused(f"{self.endpoint}{path} refused {len(body):,} bytes with {said}")
        self._fault(path, f"answered {said}: {_advice(response.status_code)}")
        return None

    def _takes_others(self, path: str) -> bool:
        """Who refuses even an empty request refuses us, not what we sent."""
        try:
            return self._http.post(self.endpoint + path, content=b"").is_success
        except httpx2.RequestError:
            return False

    def _fault(self, path: str, text: str) -> None:
        """One line for each new fault, however often it is met."""
        if self.faults.get(path) != text:
            logger.warning("%s%s %s", self.endpoint, path, text)
        self.faults[path] = text

    def _mended(self, path: str) -> None:
        if self.faults.pop(path, None) is not None:
            logger.warning("%s%s takes our requests again", self.endpoint, path)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


class OtlpSpans(SpanExporter):
    """Spans to the endpoint, in requests that it takes."""

    def __init__(self, otlp: Otlp) -> None:
        self._otlp = otlp

    @property
    def faults(self) -> Mapping[str, str]:
        """What the endpoint says now instead of taking our requests, by path."""
        return self._otlp.faults

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; FAILURE says that all of them are to be sent again.

        Raises:
            ExportRefused: they will never be taken together; if they are of one pair, not at all.
        """
        try:
            sent = self._send(_fitting(spans))
        except ExportRefused:
            if len({_pair_id(span) for span in spans}) > 1:
                raise
            sent = self._send([without_content(span) for span in spans])
        return SpanExportResult.SUCCESS if sent else SpanExportResult.FAILURE

    def _send(self, spans: Sequence[ReadableSpan]) -> bool:
        return all(self._send_request(request) for request in _requests(spans))

    def _send_request(self, spans: Sequence[ReadableSpan]) -> bool:
        answer = self._otlp.send(TRACES, encode_spans(spans).SerializeToString())
        if answer is None:
            return False
        if (rejected := _rejected(answer)) is not None:
            raise ExportRefused(f"{self._otlp.endpoint}{TRACES} rejected {rejected}")
        return True

    def shutdown(self) -> None:
        """Close the connections."""
        self._otlp.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002
        """Nothing is ever held back."""
        return True


class OtlpFigures:
    """Figures to the endpoint, as metrics."""

    def __init__(self, otlp: Otlp, settings: Settings) -> None:
        self._otlp = otlp
        self._common = {
            semconv.MARK: settings.mark.get_secret_value() if settings.mark else "",
            semconv.EXPERIMENT_ID: settings.experiment,
        }

    def tell(self, figures: Sequence[Figures]) -> bool:
        """Send them; True where they were taken, or never will be."""
        try:
            return all(
                self._otlp.send(METRICS, request.SerializeToString()) is not None
                for request in metrics_requests(figures, self._common)
            )
        except ExportRefused as error:
            logger.warning("counters were given up, until they change: %s", error)
            return True


def _fitting(spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    """Without the content of pairs that no request could hold."""
    large = {_pair_id(span) for span in spans if size_of(span) > MOST_BYTES}
    return [without_content(span) if _pair_id(span) in large else span for span in spans]


def _requests(spans: Sequence[ReadableSpan]) -> Iterator[list[ReadableSpan]]:
    request: list[ReadableSpan] = []
    size = 0
    for span in spans:
        size += size_of(span)
        if request and size > MOST_BYTES:
            yield request
            request, size = [], size_of(span)
        request.append(span)
    if request:
        yield request


def _pair_id(span: ReadableSpan) -> object:
    return (span.attributes or {}).get(semconv.PAIR_ID)


def _rejected(answer: bytes) -> str | None:
    """What a partial success leaves out; some endpoints answer no protobuf at all."""
    try:
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
    except DecodeError:
        return None
    if partial.rejected_spans <= 0:
        return None
    return f"{partial.rejected_spans} spans: {partial.error_message[:MOST_TEXT]}"


def _said(response: httpx2.Response) -> str:
    """The reason that an OTLP endpoint gives with a refusal."""
    if "protobuf" not in response.headers.get("content-type", ""):
        return ""
    try:
        text = Status.FromString(response.content).message
    except DecodeError:
        return ""
    return f" ({text[:MOST_TEXT]})" if text else ""


def _advice(status: int) -> str:
    if status in (401, 403):
        return "SHADOW_OTLP_TOKEN must be the token that it asks for"
    if status == 429 or status >= 500:
        return "it is behind, or cannot pass on what it gets"
    return "SHADOW_OTLP_ENDPOINT must be the base URL of an OTLP/HTTP receiver"
