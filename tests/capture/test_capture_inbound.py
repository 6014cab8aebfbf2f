"""The inbound side of ASGI and WSGI, at the level of their protocols."""

from __future__ import annotations

import asyncio
import io

import httpx2
import pytest
from support.segments import exchanges

from shadow_mw.asgi import ShadowMiddleware as AsgiMiddleware
from shadow_mw.capture import shadow as shadow_module
from shadow_mw.capture.context import current
from shadow_mw.capture.shadow import Shadow
from shadow_mw.wsgi import ShadowMiddleware as WsgiMiddleware

REQUEST = b'{"model": "m", "messages": []}'
PARTS = [b"data: 1\n\n", b"data: 2\n\n"]
HEADERS = [(b"content-type", b"text/event-stream")]


@pytest.fixture(autouse=True)
def mounted(shadow: Shadow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shadow_module, "_shared", shadow)


async def asgi_app(scope, receive, send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    for part in PARTS:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def run_asgi(app, *, path: str = "/v1/chat/completions", headers=(), disconnect: bool = False):
    """The messages that a client gets from an ASGI app, and what the app raised."""
    incoming = [
        {"type": "http.request", "body": REQUEST[:10], "more_body": True},
        {"type": "http.request", "body": REQUEST[10:], "more_body": False},
    ]
    sent = []

    async def receive():
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message):
        if disconnect and sent:
            raise OSError("client gone")
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": list(headers)}
    asyncio.run(app(scope, receive, send))
    return sent


def wsgi_app(environ, start_response):
    environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/event-stream")])
    yield from PARTS


def run_wsgi(app, *, path: str = "/v1/chat/completions", length: bool = True, take: int = 99):
    """The status line and the parts of the body that a client gets from a WSGI app."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "wsgi.input": io.BytesIO(REQUEST),
        "CONTENT_LENGTH": str(len(REQUEST)) if length else "",
    }
    started = []
    body = app(environ, lambda status, headers, exc_info=None: started.append((status, headers)))
    parts = [part for _, part in zip(range(take), body, strict=False)]
    if hasattr(body, "close"):
        body.close()
    return started, parts


def test_asgi_messages_are_the_same_with_and_without(shadow: Shadow):
    assert run_asgi(AsgiMiddleware(asgi_app)) == run_asgi(asgi_app)


def test_asgi_records_both_bodies(shadow: Shadow):
    run_asgi(AsgiMiddleware(asgi_app), headers=[(b"anthropic-version", b"1"), (b"cookie", b"c")])

    (exchange,) = exchanges(shadow.directory)
    assert (exchange.request, exchange.response) == (REQUEST, b"".join(PARTS))
    assert (exchange.seam, exchange.end, exchange.status) == ("inbound", "eof", 200)
    assert exchange.headers == {"anthropic-version": "1"}
    assert exchange.ttft_ns is not None


def test_asgi_uses_the_inbound_trace(shadow: Shadow):
    header = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    run_asgi(AsgiMiddleware(asgi_app), headers=[(b"traceparent", header)])

    (exchange,) = exchanges(shadow.directory)
    assert exchange.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert exchange.parent_span_id == "b7ad6b7169203331"


def test_asgi_client_that_goes_away_is_handed_over(shadow: Shadow):
    with pytest.raises(OSError, match="client gone"):
        run_asgi(AsgiMiddleware(asgi_app), disconnect=True)

    assert exchanges(shadow.directory)[0].error == "OSError"


def test_asgi_app_that_raises_is_handed_over_and_raises(shadow: Shadow):
    async def broken(scope, receive, send):
        await receive()
        await receive()
        raise KeyError("theirs")

    with pytest.raises(KeyError, match="theirs"):
        run_asgi(AsgiMiddleware(broken))

    assert exchanges(shadow.directory)[0].error == "KeyError"


def test_other_paths_are_left_alone(shadow: Shadow):
    run_asgi(AsgiMiddleware(asgi_app), path="/health")
    run_wsgi(WsgiMiddleware(wsgi_app), path="/health")

    assert shadow.counters.snapshot() == {"captured": 0}


def test_a_candidate_call_that_comes_back_is_not_mirrored_again(shadow: Shadow):
    run_asgi(AsgiMiddleware(asgi_app), headers=[(b"x-shadow-role", b"candidate")])

    assert shadow.counters.snapshot() == {"captured": 1, "recursion": 1}


def test_one_call_is_captured_once_where_both_sides_match(shadow: Shadow):
    async def gateway(scope, receive, send):
        transport = httpx2.MockTransport(lambda request: httpx2.Response(200, json={}))
        async with httpx2.AsyncClient(transport=transport) as client:
            await client.post("http://up.example/v1/chat/completions", content=REQUEST)
        await asgi_app(scope, receive, send)

    run_asgi(AsgiMiddleware(gateway))

    assert [e.seam for e in exchanges(shadow.directory)] == ["inbound"]
    assert shadow.counters.snapshot() == {"captured": 1}


def test_a_client_in_the_same_process_is_not_a_second_call(shadow: Shadow):
    async def call():
        transport = httpx2.ASGITransport(AsgiMiddleware(asgi_app))
        async with httpx2.AsyncClient(transport=transport) as client:
            await client.post("http://app.example/v1/chat/completions", content=REQUEST)

    asyncio.run(call())

    assert shadow.counters.snapshot() == {"captured": 1}


@pytest.mark.parametrize("length", [True, False])
def test_wsgi_records_both_bodies_and_changes_neither(shadow: Shadow, length: bool):
    plain = run_wsgi(wsgi_app, length=length)

    assert run_wsgi(WsgiMiddleware(wsgi_app), length=length) == plain
    (exchange,) = exchanges(shadow.directory)
    assert (exchange.request, exchange.response) == (REQUEST, b"".join(PARTS))
    assert (exchange.seam, exchange.end, exchange.status) == ("inbound", "eof", 200)


def test_a_wsgi_list_stays_that_very_list(shadow: Shadow):
    body = [b"whole"]

    def app(environ, start_response):
        start_response("200 OK", [])
        return body

    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/v1/messages", "wsgi.input": io.BytesIO()}
    assert WsgiMiddleware(app)(environ, lambda *args: None) is body
    assert exchanges(shadow.directory)[0].response == b"whole"


def test_a_wsgi_body_that_is_not_read_to_its_end_says_so(shadow: Shadow):
    run_wsgi(WsgiMiddleware(wsgi_app), take=1)

    (exchange,) = exchanges(shadow.directory)
    assert (exchange.response, exchange.end) == (PARTS[0], "closed")


def test_a_wsgi_body_runs_in_its_request_s_context(shadow: Shadow):
    seen = []

    def app(environ, start_response):
        start_response("200 OK", [])
        seen.append(current.get())
        yield b"x"
        seen.append(current.get())

    run_wsgi(WsgiMiddleware(app))

    assert seen[0] is seen[1] is not None
    assert current.get() is None


def test_the_trace_header_is_the_only_change_that_can_be_asked_for(shadow: Shadow):
    shadow.response_header = True
    sent = run_asgi(AsgiMiddleware(asgi_app))
    started, _ = run_wsgi(WsgiMiddleware(wsgi_app))

    ids = [exchange.trace_id for exchange in exchanges(shadow.directory)]
    assert sent[0]["headers"] == [*HEADERS, (b"x-trace-id", ids[0].encode())]
    assert started[0][1] == [("Content-Type", "text/event-stream"), ("X-Trace-Id", ids[1])]


def test_headers_that_can_be_read_only_once_reach_the_client(shadow: Shadow):
    async def app(scope, receive, send):
        await receive()
        await receive()
        once = (header for header in HEADERS)
        await send({"type": "http.response.start", "status": 200, "headers": once})
        await send({"type": "http.response.body", "body": b"{}"})

    sent = run_asgi(AsgiMiddleware(app))

    assert sent[0]["headers"] == HEADERS
    assert exchanges(shadow.directory)[0].content_type == "text/event-stream"


def test_start_response_takes_its_arguments_by_name_too(shadow: Shadow):
    def app(environ, start_response):
        start_response("200 OK", [("X", "y")], exc_info=None)
        return [b"{}"]

    _, parts = run_wsgi(WsgiMiddleware(app))

    assert parts == [b"{}"]


def test_a_request_that_never_became_complete_is_counted(shadow: Shadow):
    async def failing(scope, receive, send):
        raise RuntimeError("before the body")

    async def leaving(scope, receive, send):
        return

    with pytest.raises(RuntimeError):
        run_asgi(AsgiMiddleware(failing))
    run_asgi(AsgiMiddleware(leaving))

    assert shadow.counters.snapshot() == {"captured": 2, "request_incomplete": 2}
