"""People's labels on one page of this host: the same pairs, keys and file as at a terminal."""

from __future__ import annotations

import secrets
import signal
import socket
from collections.abc import Awaitable, Callable
from importlib.resources import files
from types import FrameType
from typing import NoReturn

import click
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shadow_mw.commands.label_view import View, visible
from shadow_mw.evaluate import strict_json
from shadow_mw.evaluate.labelling.file import LabelFile
from shadow_mw.exceptions import DataError
from shadow_mw.types import Json

HOST = "127.0.0.1"
KEYS = frozenset("abtxsu")
LONGEST_ANSWER = 1024
"""Bytes of a request's body."""
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

Views = Callable[[str], View]
Handler = Callable[[Request], Awaitable[Response]]


def label_on_page(file: LabelFile, views: Views) -> None:
    """Serve the page until Ctrl-C; who does not know its address gets nothing."""
    import uvicorn

    token = secrets.token_urlsafe(24)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    with socket.create_server((HOST, 0)) as listener:
        address = f"{HOST}:{listener.getsockname()[1]}"
        click.echo(f"http://{address}/{token}/ (Ctrl-C ends it)")
        config = uvicorn.Config(
            build(file, views, token, address),
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(config).run(sockets=[listener])


def build(file: LabelFile, views: Views, token: str, address: str) -> Starlette:
    """The page's app.

    Args:
        file: where answers go.
        views: a pair as it is shown.
        token: in every path; another page of the same browser cannot know it.
        address: host and port; requests under another name are refused, so that a name that was
            made to lead here (DNS rebinding) is of no use.
    """
    page = Page(file, views)

    def guarded(handler: Handler) -> Handler:
        async def guard(request: Request) -> Response:
            known = secrets.compare_digest(
                request.path_params["token"].encode(errors="replace"), token.encode()
            )
            origin = request.headers.get("origin")
            if not known or request.headers.get("host") != address:
                return PlainTextResponse("not here", 404, HEADERS)
            if origin not in (None, f"http://{address}"):
                return PlainTextResponse("another origin", 403, HEADERS)
            try:
                return await handler(request)
            except DataError as error:
                return PlainTextResponse(visible(str(error)), 500, HEADERS)

        return guard

    app = Starlette(
        routes=[
            Route("/{token}/", guarded(page.show)),
            Route("/{token}/pair", guarded(page.pair)),
            Route("/{token}/answer", guarded(page.answer), methods=["POST"]),
        ]
    )
    app.router.redirect_slashes = False
    return app


class Page:
    """One person's labelling; which pair is shown is the browser's to know."""

    def __init__(self, file: LabelFile, views: Views) -> None:
        self._file, self._views = file, views

    async def show(self, _: Request) -> Response:
        """The page itself: it fetches nothing from anywhere else."""
        nonce = secrets.token_urlsafe(16)
        text = files("shadow_mw.commands").joinpath("label_page.html").read_text("utf-8")
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}';"
            " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        headers = HEADERS | {"content-security-policy": policy}
        return HTMLResponse(text.replace("NONCE", nonce), headers=headers)

    async def pair(self, _: Request) -> Response:
        """The first pair that is not labelled."""
        return self._shown(self._next(0))

    async def answer(self, request: Request) -> Response:
        """Keep an answer; the next pair comes back, or after an undo the one it was of."""
        if request.headers.get("content-type") != "application/json":
            return PlainTextResponse("accepted is application/json", 415, HEADERS)
        read = await _answer(request)
        if read is None or not 0 <= read[0] < len(self._file.drawn):
            accepted = 'accepted: {"place": 0, "key": "a"}, a key of a b t x s u'
            return PlainTextResponse(accepted, 400, HEADERS)
        place, key = read
        pair_id = self._file.drawn[place]
        if key == "u":
            if self._file.answered(pair_id):
                self._file.add(pair_id, None)
            return self._shown(place)
        if key != "s":
            choice = self._views(pair_id).choice(key)
            self._file.add(pair_id, choice, both_bad=key == "x")
        return self._shown(self._next(place + 1))

    def _next(self, start: int) -> int | None:
        drawn = self._file.drawn
        places = range(start, len(drawn))
        return next((n for n in places if not self._file.answered(drawn[n])), None)

    def _shown(self, place: int | None) -> Response:
        drawn = self._file.drawn
        found: dict[str, Json] = {
            "place": place,
            "labelled": len(drawn) - len(self._file.left),
            "drawn": len(drawn),
        }
        if place is not None:
            pair = self._views(drawn[place])
            found |= {
                "task": visible(pair.task),
                "outputs": [visible(text) for text in pair.outputs],
                "reference": None if pair.reference is None else visible(pair.reference),
                "differences": [[visible(text) for text in row] for row in pair.differences],
            }
        return JSONResponse(found, headers=HEADERS)


async def _answer(request: Request) -> tuple[int, str] | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_ANSWER:
            return None
    value = strict_json.loads_or_none(body.decode(errors="replace"))
    if not isinstance(value, dict):
        return None
    place, key = value.get("place"), value.get("key")
    if isinstance(place, bool) or not isinstance(place, int) or not isinstance(key, str):
        return None
    return (place, key) if key in KEYS else None


def _leave(_: int, __: FrameType | None) -> NoReturn:
    """After the server has ended in good order, or before it has begun."""
    raise SystemExit(0)
