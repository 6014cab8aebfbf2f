"""The way in: who is admitted, how a browser gets a session, and what a refusal looks like."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from shadow_mw.exceptions import DataError, StoreError
from shadow_mw.serve.asked import read_form
from shadow_mw.serve.guard import HEADERS, Guard, cookie_name, is_guess
from shadow_mw.serve.refusals import RefusedError, UnauthorizedError
from shadow_mw.serve.replies import json_reply, login_reply, set_cookie
from shadow_mw.serve.sessions import SESSION_SECONDS, Sessions, Signer, same
from shadow_mw.serve.slowdown import Slowdown

Handler = Callable[[Request], Awaitable[Response]]


class Entry:
    """Lets requests through to their handlers.

    Args:
        token: what has to be known; None lets in whoever reaches us by a name of this host.
        signer: of sessions.
        slowdown: of wrong tokens.
    """

    def __init__(self, token: str | None, signer: Signer, slowdown: Slowdown) -> None:
        self._guard = Guard(token, Sessions(signer))
        self._slowdown = slowdown

    def routes(self) -> list[Route]:
        """For browsers, with a token."""
        return [
            Route("/login", self._answering(self.login), methods=["POST"]),
            Route("/logout", self.writing(self.logout), methods=["POST"]),
            Route("/v1/session", self._answering(self.session)),
        ]

    async def login(self, request: Request) -> Response:
        """`POST /login`: the token against a session."""
        self._guard.admit_write(request)
        given = await read_form(request, "token")
        token = self._guard.token
        if token is not None and not same(given.encode(errors="replace"), token.encode()):
            await self._slowdown.wrong()
            return login_reply(401, "That is not the token.")
        # Only the query travels: the way back is always to this page.
        response = RedirectResponse(f"/?{request.url.query}".rstrip("?"), 303, HEADERS)
        set_cookie(response, cookie_name(request), self._guard.sessions.begin(), SESSION_SECONDS)
        return response

    async def session(self, request: Request) -> Response:
        """`GET /v1/session`: 204 with a session, 200 without."""
        return Response(
            status_code=204 if self._guard.has_session(request) else 200, headers=HEADERS
        )

    async def logout(self, request: Request) -> Response:
        """`POST /logout`: the session is over, here and in the browser."""
        name = cookie_name(request)
        self._guard.sessions.end(request.cookies.get(name, ""))
        response = Response(status_code=204, headers=HEADERS)
        response.delete_cookie(name, path="/", httponly=True, samesite="strict")
        return response

    def reading(self, handler: Handler) -> Handler:
        """The handler, for those who may look."""

        async def admitted(request: Request) -> Response:
            self._guard.admit(request)
            return await handler(request)

        return self._answering(admitted)

    def writing(self, handler: Handler) -> Handler:
        """The handler, for those who may look, and only from the page itself."""

        async def admitted(request: Request) -> Response:
            self._guard.admit(request)
            self._guard.admit_write(request)
            return await handler(request)

        return self._answering(admitted)

    def _answering(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except RefusedError as error:
                if is_guess(request, self._guard.token):
                    await self._slowdown.wrong()
                if isinstance(error, UnauthorizedError) and request.url.path == "/":
                    return login_reply(200, "")
                return json_reply({"error": str(error)}, error.status)
            except StoreError as error:
                return json_reply({"error": str(error)}, 503)
            except DataError as error:
                return json_reply({"error": str(error)}, 404)
            except sqlite3.Error as error:
                return json_reply({"error": f"the store cannot be read: {error}"}, 503)
            except ClientDisconnect:
                return Response(status_code=400)  # nobody is there to read it

        return answer
