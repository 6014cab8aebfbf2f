"""`app.wsgi_app = ShadowMiddleware(app.wsgi_app)`: for Flask and any other WSGI app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from shadow_mw.capture.context import RequestContext, current
from shadow_mw.capture.failsafe import failsafe
from shadow_mw.capture.inbound import Body, Inbound, inbound_call
from shadow_mw.capture.shadow import Shadow

if TYPE_CHECKING:
    from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment


class ShadowMiddleware:
    """Mirrors the LLM calls of a WSGI app; what clients send and receive stays as it is."""

    def __init__(self, app: WSGIApplication) -> None:
        """Read the `SHADOW_*` variables.

        Raises:
            ConfigError: a setting is wrong.
        """
        self.app = app
        self._shadow = Shadow.shared("wsgi")

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        shadow = self._shadow
        if shadow is None:
            return self.app(environ, start_response)
        context = RequestContext()
        context.traceparent = environ.get("HTTP_TRACEPARENT")
        call = None
        if environ.get("REQUEST_METHOD") == "POST":
            path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
            call = inbound_call(shadow, path, context, _headers(environ))
        if shadow.response_header:
            start_response = _naming(context, start_response)
        if call is not None:
            environ["wsgi.input"] = Input(environ["wsgi.input"], call, _length(environ))
            start_response = _recording(call, start_response)
        return _whole_or_streamed(
            self._run(environ, start_response, context, call), environ, context, call
        )

    def _run(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        context: RequestContext,
        call: Inbound | None,
    ) -> Iterable[bytes]:
        token = current.set(context)
        try:
            return self.app(environ, start_response)
        except BaseException as error:
            if call is not None:
                call.finish("error", type(error).__name__)
            raise
        finally:
            current.reset(token)


def _whole_or_streamed(
    body: Iterable[bytes], environ: WSGIEnvironment, context: RequestContext, call: Inbound | None
) -> Iterable[bytes]:
    if isinstance(body, list | tuple):
        if call is not None:
            for data in body:
                call.chunk(data)
            call.finish("eof")
        return body
    wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(wrapper, type) and isinstance(body, wrapper):
        # The server sends the file itself, and recognises it by its class.
        if call is not None:
            call.unseen()
        return body
    return Body(body, context, call)


def _recording(call: Inbound, start_response: StartResponse) -> StartResponse:
    def recorded(
        status: str, headers: list[tuple[str, str]], *exc_info: Any, **named: Any
    ) -> Callable[[bytes], object]:
        _respond(call, status, headers)
        write = start_response(status, headers, *exc_info, **named)

        def tee(data: bytes) -> object:
            call.chunk(data)
            return write(data)

        return tee

    return recorded


@failsafe
def _respond(call: Inbound, status: str, headers: list[tuple[str, str]]) -> None:
    call.respond(int(status[:3]), [_encoded(*header) for header in headers])


def _naming(context: RequestContext, start_response: StartResponse) -> StartResponse:
    """Tell the client the trace id, where a call was mirrored before the answer began."""

    def named(
        status: str, headers: list[tuple[str, str]], *exc_info: Any, **named: Any
    ) -> Callable[[bytes], object]:
        if context.trace_id:
            headers = [*headers, ("X-Trace-Id", context.trace_id.hex())]
        return start_response(status, headers, *exc_info, **named)

    return named


class Input:
    """`wsgi.input`, with every byte that the app reads shown to the recording."""

    def __init__(self, inner: InputStream, call: Inbound, length: int | None) -> None:
        self._inner = inner
        self._call = call
        self._left = length

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Iterator[bytes]:
        while data := self.readline():
            yield data

    def read(self, *size: int) -> bytes:
        """As the server's."""
        return self._seen(self._inner.read(*size))

    def readline(self, *size: int) -> bytes:
        """As the server's."""
        return self._seen(self._inner.readline(*size))

    def readlines(self, *hint: int) -> list[bytes]:
        """As the server's."""
        return [self._seen(line) for line in self._inner.readlines(*hint)]

    def _seen(self, data: bytes) -> bytes:
        self._call.request(data)
        if self._left is not None:
            self._left -= len(data)
        if not data or (self._left is not None and self._left <= 0):
            self._call.begin()
        return data


def _length(environ: WSGIEnvironment) -> int | None:
    value = environ.get("CONTENT_LENGTH") or ""
    return int(value) if value.isdecimal() else None


def _headers(environ: WSGIEnvironment) -> Iterator[tuple[bytes, bytes]]:
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            yield _encoded(name[5:].replace("_", "-"), value)


def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    return name.encode("latin-1"), value.encode("latin-1")
