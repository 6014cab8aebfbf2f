"""Calls that the app makes: `send` of httpx2 and httpx, sync and async, JSON and streams.

The public `send` is the narrowest seam that misses nothing: transports are replaced by users and
SDKs, and an aiohttp transport is not seen at all below it.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from types import ModuleType
from typing import TYPE_CHECKING, Any

from shadow_mw.capture.context import current
from shadow_mw.capture.failsafe import failsafe, note
from shadow_mw.capture.recorder import Recording
from shadow_mw.types import Reason

if TYPE_CHECKING:
    from shadow_mw.capture.shadow import Shadow

MODULES = ("httpx2", "httpx")

capturing: ContextVar[bool] = ContextVar("shadow_mw_capturing", default=False)
"""Set while a captured call runs, so that an app served in the same process is not seen again."""

_active: Shadow | None = None
_patched: set[int] = set()


def install(shadow: Shadow) -> None:
    """Patch the clients that are there; a second call only changes who records."""
    global _active
    _active = shadow
    for name in MODULES:
        if importlib.util.find_spec(name) is not None:
            _patch(name)


def uninstall(shadow: Shadow) -> None:
    """Record no more for this one; the patch stays, and passes every call on."""
    global _active
    if _active is shadow:
        _active = None


@failsafe
def _patch(name: str) -> None:
    """One that is broken, or too old, is left alone: the app may never use it."""
    module = importlib.import_module(name)
    # By identity: `httpx2.alias_httpx()` makes one class answer to both names.
    if id(module.Client) in _patched:
        return
    sync_stream, async_stream = _sync_stream(module), _async_stream(module)
    send, asend = module.Client.send, module.AsyncClient.send

    # The guard stands in the open here, without a decorator's call: this is every LLM call's way.
    @functools.wraps(send)
    def shadowed_send(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            recording = _begin(request)
        except Exception as error:
            recording = None
            _lost("begin", error)
        if recording is None:
            return send(self, request, *args, **kwargs)
        token = capturing.set(True)
        try:
            response = send(self, request, *args, **kwargs)
        except BaseException as error:
            _fail(recording, error)
            raise
        finally:
            capturing.reset(token)
        try:
            _attach(recording, response, sync_stream)
        except Exception as error:
            _lost("attach", error)
        return response

    @functools.wraps(asend)
    async def shadowed_asend(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            recording = _begin(request)
        except Exception as error:
            recording = None
            _lost("begin", error)
        if recording is None:
            return await asend(self, request, *args, **kwargs)
        token = capturing.set(True)
        try:
            response = await asend(self, request, *args, **kwargs)
        except BaseException as error:
            _fail(recording, error)
            raise
        finally:
            try:
                capturing.reset(token)
            except ValueError:
                pass  # the coroutine is being closed from another context
        try:
            _attach(recording, response, async_stream)
        except Exception as error:
            _lost("attach", error)
        return response

    module.Client.send = shadowed_send
    module.AsyncClient.send = shadowed_asend
    _patched.add(id(module.Client))


def _begin(request: Any) -> Recording | None:
    shadow = _active
    if shadow is None or request.method != "POST":
        return None
    path = request.url.raw_path
    wire = shadow.wire_of(path.partition(b"?")[0] if b"?" in path else path)
    if wire is None or capturing.get():
        return None
    context = current.get()
    if context is not None and context.suppressed:
        return None
    try:
        body = request.content
    except RuntimeError:
        # A generator body: it cannot be seen here without being used up.
        shadow.refuse()
        shadow.counters.refused(Reason.REQUEST_NOT_READABLE)
        return None
    recording = shadow.begin(wire, body, context)
    if recording is not None:
        recording.keep_headers(request.headers.raw)
    return recording


def _lost(where: str, error: Exception) -> None:
    """An error of ours has lost a call that was counted as captured."""
    note(where, error)
    if _active is not None:
        _active.counters.refused(Reason.INTERNAL_ERROR)


@failsafe
def _fail(recording: Recording, error: BaseException) -> None:
    recording.chunks = []
    recording.pending = [True]
    recording.finish("error", type(error).__name__)


def _attach(recording: Recording, response: Any, stream: type) -> None:
    if response.is_stream_consumed:
        # In one piece, and decoded.
        recording.status = response.status_code
        recording.finish_whole(response.content)
        return
    recording.respond(response.status_code, response.headers.raw)
    recording.streamed = True
    if _active is not None:
        _active.watch(recording)
    response.stream = stream(response.stream, recording)


class _Tee:
    """What the stream wrappers of both modules share."""

    def __init__(self, inner: Any, recording: Recording) -> None:
        self._inner = inner
        self._recording = recording

    def __del__(self) -> None:
        # A caller that neither drains nor closes. The collector may run anywhere, inside our own
        # locks too: only a flag is set here.
        self._recording.abandoned = True


@failsafe
def _finish(recording: Recording, end: str, error: str = "") -> None:
    recording.finish(end, error)


def _sync_stream(module: ModuleType) -> type:
    class SyncTee(_Tee, module.SyncByteStream):  # type: ignore[name-defined,misc]
        def __iter__(self) -> Iterator[bytes]:
            recording = self._recording
            chunk = recording.chunk
            try:
                for data in self._inner:
                    chunk(data)
                    yield data
            except Exception as error:
                _finish(recording, "error", type(error).__name__)
                raise
            _finish(recording, "eof")

        def close(self) -> None:
            try:
                self._inner.close()
            finally:
                _finish(self._recording, "closed")

    return SyncTee


def _async_stream(module: ModuleType) -> type:
    class AsyncTee(_Tee, module.AsyncByteStream):  # type: ignore[name-defined,misc]
        async def __aiter__(self) -> AsyncIterator[bytes]:
            recording = self._recording
            chunk = recording.chunk
            try:
                async for data in self._inner:
                    chunk(data)
                    yield data
            except Exception as error:
                _finish(recording, "error", type(error).__name__)
                raise
            _finish(recording, "eof")

        async def aclose(self) -> None:
            try:
                await self._inner.aclose()
            finally:
                _finish(self._recording, "closed")

    return AsyncTee
