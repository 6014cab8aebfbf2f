"""One call to a judge: whatever happens is in the answer."""

from __future__ import annotations

from dataclasses import dataclass

from shadow_mw.evaluate.endpoint.http import Endpoint
from shadow_mw.evaluate.judging.request import headers_of
from shadow_mw.evaluate.judging.values import Judge, JudgeSettings
from shadow_mw.types import Json, Reply
from shadow_mw.wire import format_of
from shadow_mw.wire.lenient import mapping, parse, string

EMPTY = Reply()


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply, or the kind of failure."""

    reply: Reply = EMPTY
    failure: str | None = None
    """`http_429`, `timeout`, `unreachable`, `connection_lost`, `too_large`, `invalid_response`."""
    status: int | None = None
    retry_after: float | None = None
    system_fingerprint: str | None = None
    latency_ms: float = 0.0


class JudgeClient:
    """One judge's connection pool."""

    def __init__(self, judge: Judge, settings: JudgeSettings) -> None:
        self._format = format_of(judge.format)
        self._max_bytes = settings.max_response_bytes
        self._endpoint = Endpoint(
            judge.url.rstrip("/") + self._format.path,
            headers_of(judge),
            timeout=settings.timeout,
            concurrency=settings.concurrency,
        )

    async def ask(self, body: dict[str, Json]) -> Answer:
        """Make one call."""
        response = await self._endpoint.post(body, self._max_bytes)
        status, content = response.status, response.content
        if status is None or response.failure == "too_large":
            return Answer(failure=response.failure, status=status)
        reply = self._format.read_reply(status, response.content_type, content)
        return Answer(
            reply,
            response.failure or _failure(reply),
            status,
            response.retry_after,
            _system_fingerprint(content),
            response.latency_ms,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._endpoint.close()


def _failure(reply: Reply) -> str | None:
    if reply.error is not None:
        return "invalid_response"
    return None if reply.complete else "connection_lost"


def _system_fingerprint(content: bytes) -> str | None:
    try:
        return string(mapping(parse(content)).get("system_fingerprint"))
    except ValueError:
        return None
