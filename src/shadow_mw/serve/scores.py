"""Scores go back on the trace over OTLP/HTTP, from the store, until the endpoint accepts them."""

from __future__ import annotations

import gzip
import logging
import sqlite3
import threading
from collections.abc import Sequence
from typing import Final, Protocol

import httpx2
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from shadow_mw.exceptions import StoreError
from shadow_mw.scores import PairScores
from shadow_mw.serve.score_messages import resource_logs, resource_spans
from shadow_mw.version import __version__

logger = logging.getLogger("shadow_mw")

TIMEOUT: Final = 10.0
BATCH: Final = 100
INTERVAL: Final = 1.0
BACKOFF: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
REFUSED: Final = frozenset({400, 413, 422})
NO_LOGS: Final = frozenset({404, 405, 415, 501})
"""A backend for traces only; Jaeger says 404."""


class Publisher:
    """Sends scores to one OTLP/HTTP endpoint, as spans and as log records; one thread at a time."""

    def __init__(self, endpoint: str, mark: str | None = None, token: str | None = None) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._mark = mark
        self._http = httpx2.Client(
            timeout=TIMEOUT,
            headers={
                "content-type": "application/x-protobuf",
                "content-encoding": "gzip",
                "user-agent": f"shadow-mw/{__version__}",
                **({"authorization": f"Bearer {token}"} if token else {}),
            },
        )
        self._logs = True
        self._fault = ""
        self.refused = False
        """Whether the last failure was one that sending again cannot mend."""

    def publish(self, pairs: Sequence[PairScores]) -> bool:
        """Send the scores of some pairs; True only where the endpoint has accepted them."""
        self.refused = False
        said = [pair for pair in pairs if pair.scores]
        if not said:
            return True
        sent = self._send_spans(said) and self._send_logs(said)
        if sent:
            self._fault = ""
        return sent

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _send_spans(self, pairs: Sequence[PairScores]) -> bool:
        message = ExportTraceServiceRequest(resource_spans=[resource_spans(pairs, self._mark)])
        response = self._post("/v1/traces", message.SerializeToString())
        if response is None or not response.is_success:
            return False
        answer = ExportTraceServiceResponse()
        if _parsed(answer, response) and answer.partial_success.rejected_spans:
            self._tell_once(f"some spans were rejected: {answer.partial_success.error_message}")
        return True

    def _send_logs(self, pairs: Sequence[PairScores]) -> bool:
        """Semantic conventions put the event on the evaluated span; many backends show only one."""
        if not self._logs:
            return True
        message = ExportLogsServiceRequest(resource_logs=[resource_logs(pairs, self._mark)])
        response = self._post("/v1/logs", message.SerializeToString(), NO_LOGS)
        if response is not None and response.status_code in NO_LOGS:
            logger.info(
                "%s takes no logs (%d): scores go there as spans only",
                self._endpoint,
                response.status_code,
            )
            self._logs = False
            return True
        if response is None or not response.is_success:
            return False
        answer = ExportLogsServiceResponse()
        if _parsed(answer, response) and answer.partial_success.rejected_log_records:
            self._tell_once(f"some logs were rejected: {answer.partial_success.error_message}")
        return True

    def _post(
        self, path: str, body: bytes, expected: frozenset[int] = frozenset()
    ) -> httpx2.Response | None:
        """The answer, None where there was none; what went wrong is said once."""
        try:
            response = self._http.post(
                self._endpoint + path, content=gzip.compress(body, compresslevel=1)
            )
        except httpx2.RequestError as error:
            self._tell_once(f"{path}: {type(error).__name__} {error}")
            return None
        self.refused = response.status_code in REFUSED
        if not response.is_success and response.status_code not in expected:
            self._tell_once(f"{path}: status {response.status_code}")
        return response

    def _tell_once(self, fault: str) -> None:
        if fault != self._fault:
            logger.warning("scores to %s: %s", self._endpoint, fault)
        self._fault = fault


class ScoreStore(Protocol):
    """Where scores wait until they are published."""

    def unpublished(self, limit: int) -> list[tuple[int, PairScores]]:
        """Rows whose scores are new or have changed."""

    def mark_published(self, rows: Sequence[tuple[int, PairScores]]) -> None:
        """These were accepted, as they are here."""


def publish_until(stop: threading.Event, store: ScoreStore, publisher: Publisher) -> None:
    """Publish whatever waits, until told to stop; what is refused is tried again, ever later."""
    failures = 0
    while not stop.is_set():
        # A refusal may be about the size.
        limit = max(BATCH >> failures, 1)
        try:
            waiting = store.unpublished(limit)
            published = publisher.publish([scores for _, scores in waiting])
            if waiting and published:
                store.mark_published(waiting)
        except (sqlite3.Error, StoreError) as error:
            logger.warning("scores wait: %s", error)
            waiting, published = [], False
        if not published and limit == 1 and waiting and publisher.refused:
            # It alone is what is never taken: the others shall not wait behind it.
            logger.warning("scores of pair %s are left out", waiting[0][1].pair_id)
            store.mark_published(waiting)
            failures = 0
            continue
        if not published:
            stop.wait(BACKOFF[min(failures, len(BACKOFF) - 1)])
            failures += 1
            continue
        failures = 0
        if len(waiting) < limit:
            stop.wait(INTERVAL)


def _parsed(
    answer: ExportTraceServiceResponse | ExportLogsServiceResponse, response: httpx2.Response
) -> bool:
    """Whether the body is a protobuf answer; a proxy's, or none, is no reason to send again."""
    try:
        answer.ParseFromString(response.content)
    except DecodeError:
        return False
    return True
