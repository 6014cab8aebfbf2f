"""The candidate call: our own credentials, our own limits, and a clock on every byte."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import httpx2

from shadow_mw.runner.decode import decoded
from shadow_mw.settings import Candidate, Settings
from shadow_mw.types import Exchange, Outcome, Reason, Reply
from shadow_mw.wire import format_of
from shadow_mw.wire.retry_after import seconds

if TYPE_CHECKING:
    from shadow_mw.types import Json

ROLE_HEADER = {"x-shadow-role": "candidate"}
"""So that a shadowed app which serves the candidate does not mirror it again."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What one leg did, measured; times are wall clock in ns."""

    started_ns: int
    ended_ns: int
    outcome: Outcome
    reply: Reply
    reason: Reason | None = None
    status: int | None = None
    ttft_ns: int | None = None
    partial: bool = False
    retry_after: float | None = None
    """Seconds that a rate limited server asked for."""


class CandidateClient:
    """One candidate's connection pool."""

    def __init__(self, settings: Settings, candidate: Candidate, concurrency: int) -> None:
        self._candidate = candidate
        self._timeout = settings.timeout
        self._max_bytes = settings.max_response_bytes
        # No environment: a proxy's or netrc's credentials are not the candidate's.
        self._http = httpx2.AsyncClient(
            timeout=settings.timeout,
            follow_redirects=False,
            trust_env=False,
            # A cookie of the candidate would tie calls of different users together.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            limits=httpx2.Limits(
                max_connections=concurrency, max_keepalive_connections=concurrency
            ),
        )

    async def call(
        self, exchange: Exchange, body: Mapping[str, Json], headers: Mapping[str, str]
    ) -> Leg:
        """Make the call; whatever happens is in the returned leg."""
        started, clock = time.time_ns(), time.perf_counter_ns()
        try:
            async with asyncio.timeout(self._timeout):
                leg = await self._exchange(exchange, body, headers, started, clock)
        except (TimeoutError, httpx2.TimeoutException):
            leg = _failed(started, Outcome.TIMEOUT, Reason.CANDIDATE_TIMEOUT)
        except httpx2.ConnectError as error:
            leg = _failed(started, Outcome.ERROR, Reason.CANDIDATE_UNREACHABLE, str(error))
        except httpx2.RequestError as error:
            leg = _failed(started, Outcome.ERROR, Reason.CANDIDATE_CONNECTION_LOST, str(error))
        return replace(leg, ended_ns=started + time.perf_counter_ns() - clock)

    async def _exchange(
        self,
        exchange: Exchange,
        body: Mapping[str, Json],
        headers: Mapping[str, str],
        started: int,
        clock: int,
    ) -> Leg:
        url = self._candidate.url + format_of(exchange.format).path
        sent = self._headers(exchange) | dict(headers)
        chunks: list[bytes] = []
        size, first = 0, None
        async with self._http.stream("POST", url, json=body, headers=sent) as response:
            async for chunk in response.aiter_raw():
                if first is None:
                    first = time.perf_counter_ns() - clock
                size += len(chunk)
                if size > self._max_bytes:
                    return _failed(started, Outcome.ERROR, Reason.CANDIDATE_RESPONSE_TOO_LARGE)
                chunks.append(chunk)
        kind = response.headers.get("content-type", "")
        # Identity was asked for; who compresses all the same is opened with the same bound.
        encoding = response.headers.get("content-encoding", "")
        content = decoded(b"".join(chunks), encoding, self._max_bytes)
        if content is None:
            return _failed(started, Outcome.ERROR, Reason.CANDIDATE_INVALID_RESPONSE)
        reply = format_of(exchange.format).read_reply(response.status_code, kind, content)
        reason = _reason(response.status_code, reply)
        return Leg(
            started,
            started,
            Outcome.ERROR if reason else Outcome.OK,
            reply,
            reason,
            status=response.status_code,
            ttft_ns=first if body.get("stream") and reason is None else None,
            retry_after=seconds(response.headers.get("retry-after")),
        )

    def _headers(self, exchange: Exchange) -> dict[str, str]:
        """An allow-list: protocol versions and our own key, nothing of the primary's."""
        wire, key = format_of(exchange.format), self._candidate.api_key
        return {
            **wire.headers,
            **exchange.headers,
            **ROLE_HEADER,
            "accept-encoding": "identity",
            **wire.key_headers(key.get_secret_value() if key else None),
        }

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def _reason(status: int, reply: Reply) -> Reason | None:
    """What a response that came counts as; None for a good one."""
    if 300 <= status < 400:
        return Reason.CANDIDATE_REDIRECT
    if status == 429:
        return Reason.CANDIDATE_RATE_LIMITED
    if status >= 500:
        return Reason.CANDIDATE_ERROR_5XX
    if status >= 400:
        return Reason.CANDIDATE_ERROR_4XX
    if reply.error == "invalid_response":
        return Reason.CANDIDATE_INVALID_RESPONSE
    if reply.error is not None:
        return Reason.CANDIDATE_ERROR_EVENT
    return None if reply.complete else Reason.CANDIDATE_CONNECTION_LOST


def _failed(started: int, outcome: Outcome, reason: Reason, message: str = "") -> Leg:
    error = reason.removeprefix("candidate_")
    reply = Reply(error=error, error_message=message or None, complete=False)
    return Leg(started, started, outcome, reply, reason)
