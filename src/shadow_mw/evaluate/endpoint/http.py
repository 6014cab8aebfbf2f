"""One request of JSON to an endpoint, bounded in time and size: failures are values."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from shadow_mw.types import Json
from shadow_mw.wire.retry_after import seconds


@dataclass(frozen=True, slots=True)
class Response:
    """What came back, or the kind of failure."""

    content: bytes = b""
    content_type: str = ""
    status: int | None = None
    failure: str | None = None
    """`timeout`, `unreachable`, `connection_lost`, `too_large`, or `http_...` by the status."""
    retry_after: float | None = None
    latency_ms: float = 0.0


class Endpoint:
    """One URL's connection pool."""

    def __init__(
        self, url: str, headers: Mapping[str, str], *, timeout: float, concurrency: int
    ) -> None:
        self._url = url
        self._headers = dict(headers)
        self._timeout = timeout
        # No environment: a proxy's or netrc's credentials are not the endpoint's.
        self._http = httpx2.AsyncClient(
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            limits=httpx2.Limits(
                max_connections=concurrency, max_keepalive_connections=concurrency
            ),
        )

    async def post(self, body: Mapping[str, Json], max_bytes: int) -> Response:
        """Make one call; an answer of more bytes than that is not read on."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(body, max_bytes)
        except (TimeoutError, httpx2.TimeoutException):
            return Response(failure="timeout")
        except httpx2.ConnectError:
            return Response(failure="unreachable")
        except (httpx2.RequestError, httpx2.DecodingError):
            return Response(failure="connection_lost")

    async def _post(self, body: Mapping[str, Json], max_bytes: int) -> Response:
        chunks, size, started = list[bytes](), 0, time.perf_counter()
        async with self._http.stream(
            "POST", self._url, json=body, headers=self._headers
        ) as response:
            status = response.status_code
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > max_bytes:
                    return Response(failure="too_large", status=status)
                chunks.append(chunk)
        return Response(
            b"".join(chunks),
            response.headers.get("content-type", ""),
            status,
            None if 200 <= status < 300 else f"http_{status}",
            seconds(response.headers.get("retry-after")),
            1000 * (time.perf_counter() - started),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
