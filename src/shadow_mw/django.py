"""`"shadow_mw.django.ShadowMiddleware"` in `MIDDLEWARE`: for Django under WSGI and ASGI."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import markcoroutinefunction
from django.core.exceptions import MiddlewareNotUsed, RequestDataTooBig
from django.http import RawPostDataException, UnreadablePostError

from shadow_mw.capture.context import RequestContext, current
from shadow_mw.capture.failsafe import failsafe
from shadow_mw.capture.inbound import Body, Inbound, inbound_call
from shadow_mw.capture.shadow import Shadow
from shadow_mw.types import Reason

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase


class ShadowMiddleware:
    """Mirrors the LLM calls of a Django project; what clients send and receive stays as it is."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        """Read the `SHADOW_*` variables.

        Raises:
            ConfigError: a setting is wrong.
            MiddlewareNotUsed: mirroring is off; Django then leaves this middleware out.
        """
        shadow = Shadow.shared("django")
        if shadow is None:
            raise MiddlewareNotUsed("shadow_mw is off")
        self._shadow = shadow
        self._get_response = get_response
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serve one request."""
        if self._async:
            return self.__acall__(request)
        context = RequestContext()
        context.traceparent = request.headers.get("traceparent")
        call = _open(self._shadow, request, context)
        token = current.set(context)
        try:
            response = cast("HttpResponseBase", self._get_response(request))
        except BaseException as error:
            _fail(call, error)
            raise
        finally:
            current.reset(token)
        return self._answer(response, context, call)

    async def __acall__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve one request on the event loop."""
        context = RequestContext()
        context.traceparent = request.headers.get("traceparent")
        call = _open(self._shadow, request, context)
        token = current.set(context)
        try:
            response = cast("HttpResponseBase", await self._get_response(request))
        except BaseException as error:
            _fail(call, error)
            raise
        finally:
            current.reset(token)
        return self._answer(response, context, call)

    def _answer(
        self, response: HttpResponseBase, context: RequestContext, call: Inbound | None
    ) -> HttpResponseBase:
        _record(response, context, call)
        if self._shadow.response_header and context.trace_id:
            response["X-Trace-Id"] = context.trace_id.hex()
        return response


@failsafe
def _open(shadow: Shadow, request: HttpRequest, context: RequestContext) -> Inbound | None:
    if request.method != "POST":
        return None
    headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in request.headers.items()]
    call = inbound_call(shadow, request.path, context, headers)
    if call is not None:
        _read(request, call)
    return call


def _read(request: HttpRequest, call: Inbound) -> None:
    try:
        body = request.body
    except RequestDataTooBig:
        # More than Django keeps in memory: the view may still read it as a stream.
        call.refuse(Reason.REQUEST_TOO_LARGE)
        return
    except (UnreadablePostError, RawPostDataException):
        call.refuse(Reason.REQUEST_NOT_READABLE)
        return
    call.request(body)
    call.begin()


def _fail(call: Inbound | None, error: BaseException) -> None:
    if call is not None:
        call.finish("error", type(error).__name__)


@failsafe
def _record(response: Any, context: RequestContext, call: Inbound | None) -> None:
    if call is not None:
        headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in response.items()]
        call.respond(response.status_code, headers)
    if not response.streaming:
        if call is not None:
            call.chunk(response.content)
            call.finish("eof")
    elif getattr(response, "file_to_stream", None) is not None:
        if call is not None:
            call.unseen()
    elif response.is_async:
        response.streaming_content = _stream(response.streaming_content, context, call)
    else:
        response.streaming_content = Body(response.streaming_content, context, call)


async def _stream(
    inner: AsyncIterator[bytes], context: RequestContext, call: Inbound | None
) -> AsyncIterator[bytes]:
    iterator = aiter(inner)
    try:
        while True:
            token = current.set(context)
            try:
                data = await anext(iterator)
            finally:
                current.reset(token)
            if call is not None:
                call.chunk(data)
            yield data
    except StopAsyncIteration:
        if call is not None:
            call.finish("eof")
    except BaseException as error:
        if call is not None:
            call.finish("closed" if isinstance(error, GeneratorExit) else "error")
        raise
