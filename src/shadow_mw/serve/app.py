"""The evaluator as a service: OTLP/HTTP in, its state and figures out. Read this first.

A request is answered with 200 once what it holds is committed to the store, never before.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shadow_mw.serve import answers
from shadow_mw.serve.cache import FigureCache, Watch
from shadow_mw.serve.exposition import Exposition
from shadow_mw.serve.guard import has_bearer, is_guess
from shadow_mw.serve.intake import Body, Waiting, receive
from shadow_mw.serve.page import Page, PageRoutes
from shadow_mw.serve.refusals import RefusedError, UnauthorizedError
from shadow_mw.serve.slowdown import Slowdown
from shadow_mw.serve.writer import Batch, Sink, Writer
from shadow_mw.version import __version__

Handler = Callable[[Request], Awaitable[Response]]


def build(sink: Sink, watch: Watch, token: str | None, page: Page | None = None) -> Starlette:
    """The application.

    Args:
        sink: where spans and readings are stored; called by one thread.
        watch: what can be asked of the store; called by several.
        token: what every request but a health check has to bring; None lets all in.
        page: what people look at with a browser; None for a service without a page.
    """
    slowdown = Slowdown()
    service = Service(sink, watch, token, slowdown)
    shown = PageRoutes(page, token, slowdown) if page is not None else None
    return Starlette(
        routes=[
            Route("/v1/traces", service.guarded(service.traces), methods=["POST"]),
            Route("/v1/metrics", service.guarded(service.metrics), methods=["POST"]),
            Route("/v1/pairs/{pair_id:path}", service.guarded(service.pair)),
            Route("/metrics", service.guarded(service.scrape)),
            Route("/healthz", service.health),
            *(shown.routes() if shown else ()),
        ],
        lifespan=service.lifespan if shown is None else shown.within(service.lifespan),
    )


class Service:
    """The endpoints and what they share."""

    def __init__(self, sink: Sink, watch: Watch, token: str | None, slowdown: Slowdown) -> None:
        self._watch = watch
        self._token = token
        self._slowdown = slowdown
        self._waiting = Waiting()
        self._refusals: Counter[int] = Counter()
        self._writer = Writer(sink)
        self._cache = FigureCache(watch)
        self._exposition = Exposition(
            self._cache, self._writer, self._waiting, self._refusals, watch
        )

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """At the end, what was accepted is finished first."""
        yield
        await run_in_threadpool(self._writer.close)
        self._cache.close()

    def guarded(self, handler: Handler) -> Handler:
        """The handler behind the token; what it refuses becomes an answer."""

        async def guarded(request: Request) -> Response:
            try:
                self._admit(request)
                return await handler(request)
            except RefusedError as error:
                self._refusals[error.status] += 1
                if is_guess(request, self._token):
                    await self._slowdown.wrong()
                return answers.refused(request, error)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it

        return guarded

    async def traces(self, request: Request) -> Response:
        """`POST /v1/traces`."""
        batch = await self._take(request, Body.read_spans)
        return answers.traces_taken(request, batch)

    async def metrics(self, request: Request) -> Response:
        """`POST /v1/metrics`."""
        await self._take(request, Body.read_readings)
        return answers.metrics_taken(request)

    async def pair(self, request: Request) -> Response:
        """`GET /v1/pairs/{pair_id}`: whether a pair has arrived."""
        found = await run_in_threadpool(self._watch.pair, request.path_params["pair_id"])
        if found is None:
            return JSONResponse({"error": "no leg of this pair has come"}, 404)
        return JSONResponse(asdict(found))

    async def scrape(self, request: Request) -> Response:
        """`GET /metrics`."""
        accept = request.headers.get("accept", "")
        text, kind = await run_in_threadpool(self._exposition.scrape, accept)
        return Response(text, headers={"content-type": kind})

    async def health(self, _: Request) -> Response:
        """`GET /healthz`: whether anything can be stored."""
        fault = await run_in_threadpool(self._watch.fault)
        if fault is not None:
            return JSONResponse({"status": "the store cannot be written", "fault": fault}, 503)
        return JSONResponse({"status": "ok", "version": __version__})

    async def _take(self, request: Request, read: Callable[[Body], Batch]) -> Batch:
        with self._waiting.share() as share:
            body = await receive(request, share)
            done = self._writer.submit(lambda: read(body))
            return await asyncio.wrap_future(done)

    def _admit(self, request: Request) -> None:
        if self._token is not None and not has_bearer(request, self._token):
            raise UnauthorizedError("a bearer token is required: SHADOW_OTLP_TOKEN")
