"""One call to a judge: whatever happens is in the answer."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

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
        self._url = judge.url.rstrip("/") + self._format.path
        self._headers = headers_of(judge)
        self._timeout = settings.timeout
        self._max_bytes = settings.max_response_bytes
        # No environment: a proxy's or netrc's credentials are not the judge's.
        self._http = httpx2.AsyncClient(
            timeout=settings.timeout,
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            limits=httpx2.Limits(
                max_connections=settings.concurrency,
                max_keepalive_connections=settings.concurrency,
            ),
        )

    async def ask(self, body: dict[str, Json]) -> Answer:
        """Make one call."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._ask(body, started)
        except (TimeoutError, httpx2.TimeoutException):
            return Answer(failure="timeout")
        except httpx2.ConnectError:
            return Answer(failure="unreachable")
        except (httpx2.RequestError, httpx2.DecodingError):
            return Answer(failure="connection_lost")

    async def _ask(self, body: dict[str, Json], started: float) -> Answer:
        chunks, size = list[bytes](), 0
        async with self._http.stream(
            "POST", self._url, json=body, headers=self._headers
        ) as response:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > self._max_bytes:
                    return Answer(failure="too_large", status=response.status_code)
                chunks.append(chunk)
        content, status = b"".join(chunks), response.status_code
        reply = self._format.read_reply(status, response.headers.get("content-type", ""), content)
        return Answer(
            reply,
            _failure(status, reply),
            status,
            seconds(response.headers.get("retry-after")),
            _system_fingerprint(content),
            1000 * (time.perf_counter() - started),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _failure(status: int, reply: Reply) -> str | None:
    if not 200 <= status < 300:
        return f"http_{status}"
    if reply.error is not None:
        return "invalid_response"
    return None if reply.complete else "connection_lost"


def _system_fingerprint(content: bytes) -> str | None:
    try:
        return string(mapping(parse(content)).get("system_fingerprint"))
    except ValueError:
        return None


def seconds(value: str | None) -> float | None:
    """Retry-After, in seconds or as a date."""
    if not value:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value.strip()):
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)
