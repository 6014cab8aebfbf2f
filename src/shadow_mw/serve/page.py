"""The page of the service: figures, pairs sorted by harm, and people's labels of them.

The page itself is one file; all that it shows it asks for. Answers say which state of the store
they are of (`ETag`), so that asking again for what has not changed costs next to nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol, TypeVar
from urllib.parse import quote, unquote
from zlib import crc32

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from shadow_mw.harms import Filter, Said
from shadow_mw.results import Series
from shadow_mw.serve.asked import (
    FILTERS,
    asked_filter,
    asked_label,
    asked_person,
    asked_series,
    check_names,
    read_body,
)
from shadow_mw.serve.entry import Entry
from shadow_mw.serve.guard import HEADERS, policy
from shadow_mw.serve.refusals import ConflictError, NotFoundError
from shadow_mw.serve.replies import json_reply, set_cookie, unchanged
from shadow_mw.serve.reports import Report, Reports
from shadow_mw.serve.sessions import Signer
from shadow_mw.serve.slowdown import Slowdown
from shadow_mw.serve.tickets import Tickets
from shadow_mw.types import Json

THREADS: Final = 4
"""Requests of pages that are worked on at once: what comes in over OTLP never waits for them."""
PERSON: Final = "shadow_mw_person"
PERSON_SECONDS: Final = 365 * 86_400
LAST_ROW: Final = 2**63 - 1

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]
T = TypeVar("T")


class Page(Protocol):
    """What the page shows; every method may be called by several threads."""

    def html(self) -> str:
        """The page without any data, all of its scripts in it."""

    def version(self) -> str:
        """Another one after every change of what is shown."""

    def series(self, experiment: str | None, candidate: str | None) -> Series:
        """The series that is meant, by default the one with the newest data."""

    def report(self, series: Series) -> bytes:
        """All but pairs, as a JSON object; takes long."""

    def rows(self, series: Series, wanted: Filter) -> Json:
        """Some rows of the list."""

    def detail(self, pair: int) -> Json:
        """One pair; None where there is none."""

    def blind(self, pair: int, primary_first: bool) -> Json:
        """One pair without names; None where there is none that can be compared."""

    def said(self, pair: int, person: str) -> Said:
        """What somebody has said of a pair."""

    def say(self, pair: int, person: str, said: Said) -> int | None:
        """Keep what somebody says; how many people have said something, None without the pair."""


class PageRoutes:
    """The endpoints of the page, for everybody whom the guard admits."""

    def __init__(self, page: Page, token: str | None, slowdown: Slowdown | None = None) -> None:
        signer = Signer()
        self._page = page
        self._entry = Entry(token, signer, slowdown or Slowdown())
        self._tickets = Tickets(signer)
        self._reports = Reports(lambda key: page.report(Series(*key)), page.version)
        self._html = page.html()
        self._policy = policy(self._html)
        self._boot = signer.sign("boot", "")[:8]
        self._limiter = CapacityLimiter(THREADS)

    def routes(self) -> list[Route]:
        """To be added to the service's."""
        get, post = self._entry.reading, self._entry.writing
        return [
            Route("/", get(self.show)),
            *self._entry.routes(),
            Route("/v1/report", get(self.report)),
            Route("/v1/harm", get(self.rows)),
            Route("/v1/harm/{pair:int}", get(self.detail)),
            Route("/v1/label/{pair:int}", get(self.blind)),
            Route("/v1/labels", post(self.label), methods=["POST"]),
        ]

    def within(self, lifespan: Lifespan) -> Lifespan:
        """A lifespan at whose end nothing more is worked out."""

        @asynccontextmanager
        async def both(app: Starlette) -> AsyncIterator[None]:
            async with lifespan(app):
                yield
                self._reports.close()

        return both

    async def show(self, _: Request) -> Response:
        """`GET /`: the page; whatever it shows it asks for."""
        return HTMLResponse(self._html, headers=HEADERS | {"content-security-policy": self._policy})

    async def report(self, request: Request) -> Response:
        """`GET /v1/report`: the newest figures that there are."""
        check_names(request, ("experiment", "candidate"))
        series = await self._series(request)
        key = series.experiment, series.candidate
        found = await self._in_thread(lambda: self._reports.get(key))
        if not found.body and found.fault is None:
            return json_reply({"live": True, "pending": True}, 202, {"retry-after": "1"})
        # Which series is the newest changes too, under the same address.
        tag = f'"{self._boot}.{crc32(repr(key).encode())}.{found.number}"'
        return unchanged(request, tag) or Response(
            _dressed(found), headers=HEADERS | {"etag": tag}, media_type="application/json"
        )

    async def rows(self, request: Request) -> Response:
        """`GET /v1/harm`: some pairs, the worst first."""
        check_names(request, FILTERS)
        wanted = asked_filter(request)
        series = await self._series(request)
        tag = f'"{self._boot}.{await self._in_thread(self._page.version)}"'
        if (response := unchanged(request, tag)) is not None:
            return response
        found = await self._in_thread(lambda: self._page.rows(series, wanted))
        return json_reply(found, headers={"etag": tag})

    async def detail(self, request: Request) -> Response:
        """`GET /v1/harm/{pair}`: everything of one pair."""
        pair = _pair(request)
        return json_reply(_there(await self._in_thread(lambda: self._page.detail(pair)), pair))

    async def blind(self, request: Request) -> Response:
        """`GET /v1/label/{pair}`: two outputs, and a ticket that only we can read."""
        check_names(request, ("person",))
        pair, person = _pair(request), asked_person(request, PERSON)
        ticket = self._tickets.draw(pair, person)
        first = self._tickets.primary_first(pair, ticket)
        found = _there(await self._in_thread(lambda: self._page.blind(pair, first)), pair)
        said = await self._in_thread(lambda: self._page.said(pair, person))
        # No cookie: a link that somebody follows must not say who they are.
        return json_reply(
            found | {"ticket": ticket, "labelled": said is not Said.NONE, "person": person}
        )

    async def label(self, request: Request) -> Response:
        """`POST /v1/labels`: what somebody says of the two, or nothing any more."""
        asked = asked_label(await read_body(request))
        person = self._tickets.person(asked.pair, asked.ticket)
        if asked.person not in (None, person):
            raise ConflictError("the pair was shown to another person")
        first = self._tickets.primary_first(asked.pair, asked.ticket)
        said = asked.said(primary_first=first)
        n = await self._in_thread(lambda: self._page.say(asked.pair, person, said))
        response = json_reply({"id": asked.pair, "labelled": _there(n, asked.pair)})
        if unquote(request.cookies.get(PERSON, "")) != person:
            set_cookie(response, PERSON, quote(person, safe=""), PERSON_SECONDS)
        return response

    async def _series(self, request: Request) -> Series:
        asked = asked_series(request)
        return await self._in_thread(lambda: self._page.series(*asked))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, limiter=self._limiter)


def _dressed(found: Report) -> bytes:
    """The figures with what is known of them."""
    state = {"version": found.number, "made": round(found.made, 3), "fault": found.fault}
    body = found.body or b"{}"
    return json.dumps(state).encode()[:-1] + (b", " if len(body) > 2 else b"") + body[1:]


def _pair(request: Request) -> int:
    pair: int = request.path_params["pair"]
    if pair > LAST_ROW:
        raise NotFoundError("no such pair")
    return pair


def _there(value: T | None, pair: int) -> T:
    if value is None:
        raise NotFoundError(f"no pair {pair} that can be shown")
    return value
