"""`app.add_middleware(ShadowMiddleware)`: for Starlette, FastAPI and any other ASGI app."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from shadow_mw.capture.context import RequestContext, current
from shadow_mw.capture.inbound import Inbound, inbound_call
from shadow_mw.capture.shadow import Shadow
from shadow_mw.exceptions import ConfigError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ShadowMiddleware:
    """Mirrors the LLM calls of an ASGI app; what clients send and receive stays as it is."""

    def __init__(self, app: App) -> None:
        """Read the `SHADOW_*` variables; a wrong one stops the server at its lifespan's start."""
        self.app = app
        self._shadow: Shadow | None = None
        self._fault: ConfigError | None = None
        try:
            self._shadow = Shadow.shared("asgi")
        except ConfigError as error:
            # Starlette builds its middleware inside the lifespan, where servers take an exception
            # for an app that knows no lifespan, and go on.
            self._fault = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan.

        Raises:
            ConfigError: a setting is wrong, and the server has no lifespan to be stopped by.
        """
        shadow = self._shadow
        if shadow is None:
            if self._fault is not None:
                await _refuse_start(self._fault, scope, receive, send)
            else:
                await self.app(scope, receive, send)
            return
        kind = scope["type"]
        if kind == "lifespan":
            await self.app(scope, receive, _flushing(shadow, send))
            return
        context = RequestContext()
        context.headers = scope["headers"]
        if shadow.response_header:
            send = _naming(context, send)
        token = current.set(context)
        try:
            if kind == "http" and scope["method"] == "POST":
                path = scope["path"]
                if path.endswith(shadow.endings):
                    call = inbound_call(shadow, path, context, scope["headers"])
                    if call is not None:
                        await _record(self.app, scope, receive, send, call)
                        return
            await self.app(scope, receive, send)
        finally:
            try:
                current.reset(token)
            except ValueError:
                pass  # the coroutine is being closed from another context


async def _refuse_start(fault: ConfigError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "lifespan":
        raise fault
    await receive()
    await send({"type": "lifespan.startup.failed", "message": f"shadow_mw: {fault}"})


async def _record(app: App, scope: Scope, receive: Receive, send: Send, call: Inbound) -> None:
    try:
        await app(scope, _receiving(call, receive), _sending(call, send))
    except BaseException as error:
        call.finish("error", type(error).__name__)
        raise
    call.finish("closed")


def _receiving(call: Inbound, receive: Receive) -> Receive:
    async def tee() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            call.request(message.get("body", b""))
            if not message.get("more_body", False):
                call.begin()
        elif message["type"] == "http.disconnect":
            call.finish("disconnect")
        return message

    return tee


def _sending(call: Inbound, send: Send) -> Send:
    async def tee(message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            # Some frameworks send an iterator, which is good for one reading only.
            message = {**message, "headers": list(message.get("headers", ()))}
            call.respond(message["status"], message["headers"])
        elif kind == "http.response.body":
            call.chunk(message.get("body", b""))
        elif kind in ("http.response.pathsend", "http.response.zerocopysend"):
            call.unseen()
        await send(message)
        if kind == "http.response.body" and not message.get("more_body", False):
            call.finish("eof")

    return tee


def _naming(context: RequestContext, send: Send) -> Send:
    """Tell the client the trace id, where a call was mirrored before the answer began."""

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start" and context.trace_id:
            header = (b"x-trace-id", context.trace_id.hex().encode())
            message = {**message, "headers": [*message.get("headers", ()), header]}
        await send(message)

    return named


def _flushing(shadow: Shadow, send: Send) -> Send:
    """A server may end its process right after the shutdown message."""

    async def flushed(message: Message) -> None:
        if message["type"].startswith("lifespan.shutdown"):
            shadow.flush()
        await send(message)

    return flushed
