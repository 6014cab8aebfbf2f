from __future__ import annotations

import asyncio
import contextvars
import gc
import json
import types
from types import ModuleType

import httpx
import httpx2
import pytest
from support.segments import exchanges, frames

from shadow_mw import annotate
from shadow_mw.capture import failsafe, outbound
from shadow_mw.capture.context import RequestContext, current
from shadow_mw.capture.shadow import Shadow
from shadow_mw.settings import Settings
from shadow_mw.types import WireFormat

URL = "http://llm.example:8000/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
CHUNKS = [b'data: {"a": 1}\n\n', b"data: [DO", b"NE]\n\n"]


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def http(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


@pytest.fixture(autouse=True)
def fresh_context():
    token = current.set(None)
    yield
    current.reset(token)


def transport(http: ModuleType, status: int = 200):
    """A primary that answers JSON, or chunks where it is asked to stream."""

    class Chunks(http.SyncByteStream, http.AsyncByteStream):
        def __iter__(self):
            yield from CHUNKS

        async def __aiter__(self):
            for chunk in CHUNKS:
                yield chunk

    def handle(request):
        if b'"stream"' in request.read():
            headers = {"content-type": "text/event-stream"}
            return http.Response(status, headers=headers, stream=Chunks())
        return http.Response(status, json={"ok": True})

    return http.MockTransport(handle)


def test_a_call_is_handed_over_with_both_bodies(http: ModuleType, shadow: Shadow):
    with http.Client(transport=transport(http)) as client:
        answer = client.post(URL, json=BODY, headers={"authorization": "Bearer sk-secret"})

    (exchange,) = exchanges(shadow.directory)
    assert json.loads(exchange.request) == BODY
    assert exchange.response == answer.content
    assert exchange.format is WireFormat.OPENAI_CHAT
    assert (exchange.seam, exchange.host) == ("outbound", "llm.example:8000")
    assert (exchange.status, exchange.end, exchange.error) == (200, "eof", None)
    assert b"sk-secret" not in b"".join(p.read_bytes() for p in shadow.directory.glob("*.seg"))


def test_async_calls_too(http: ModuleType, shadow: Shadow):
    async def call():
        async with http.AsyncClient(transport=transport(http)) as client:
            return await client.post(URL, json=BODY)

    answer = asyncio.run(call())

    assert exchanges(shadow.directory)[0].response == answer.content


def test_a_stream_is_handed_over_when_it_ends_and_its_chunks_stay_as_they_were(
    http: ModuleType, shadow: Shadow
):
    with (
        http.Client(transport=transport(http)) as client,
        client.stream("POST", URL, json=BODY | {"stream": True}) as response,
    ):
        assert exchanges(shadow.directory) == []
        assert list(response.iter_raw()) == CHUNKS

    (exchange,) = exchanges(shadow.directory)
    assert exchange.response == b"".join(CHUNKS)
    assert exchange.end == "eof"
    assert exchange.ttft_ns is not None
    assert exchange.latency_ns >= exchange.ttft_ns


def test_async_stream(http: ModuleType, shadow: Shadow):
    async def call() -> list[bytes]:
        async with (
            http.AsyncClient(transport=transport(http)) as client,
            client.stream("POST", URL, json=BODY | {"stream": True}) as response,
        ):
            return [chunk async for chunk in response.aiter_raw()]

    assert asyncio.run(call()) == CHUNKS
    assert exchanges(shadow.directory)[0].response == b"".join(CHUNKS)


def test_a_stream_that_is_closed_early_says_so(http: ModuleType, shadow: Shadow):
    with (
        http.Client(transport=transport(http)) as client,
        client.stream("POST", URL, json=BODY | {"stream": True}) as response,
    ):
        next(response.iter_raw())

    (exchange,) = exchanges(shadow.directory)
    assert (exchange.response, exchange.end) == (CHUNKS[0], "closed")


def test_a_stream_that_nobody_reads_ends_with_its_response(http: ModuleType, shadow: Shadow):
    client = http.Client(transport=transport(http))
    request = client.build_request("POST", URL, json=BODY | {"stream": True})
    response = client.send(request, stream=True)

    del response
    gc.collect()
    shadow.tick()

    assert exchanges(shadow.directory)[0].end == "gc"
    client.close()


def test_an_abandoned_stream_ends_by_the_idle_timeout(http: ModuleType, shadow: Shadow):
    object.__setattr__(shadow.settings, "idle_timeout", 1e-9)
    client = http.Client(transport=transport(http))
    request = client.build_request("POST", URL, json=BODY | {"stream": True})
    response = client.send(request, stream=True)
    chunks = response.iter_raw()

    shadow.tick()
    assert exchanges(shadow.directory) == [], "a model that has not begun is not idle"
    first = next(chunks)
    shadow.tick()

    assert exchanges(shadow.directory)[0].end == "idle"
    assert [first, *chunks] == CHUNKS
    client.close()


def test_the_primary_s_failure_is_handed_over_and_raised(http: ModuleType, shadow: Shadow):
    def refuse(request):
        raise http.ConnectTimeout("no")

    with (
        http.Client(transport=http.MockTransport(refuse)) as client,
        pytest.raises(http.ConnectTimeout),
    ):
        client.post(URL, json=BODY)

    (exchange,) = exchanges(shadow.directory)
    assert (exchange.status, exchange.end, exchange.error) == (None, "error", "ConnectTimeout")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/files"), ("GET", "/v1/chat/completions"), ("POST", "/v1/chat/completions/x")],
)
def test_other_requests_are_none_of_our_business(
    http: ModuleType, shadow: Shadow, method: str, path: str
):
    with http.Client(transport=transport(http), base_url="http://llm.example") as client:
        client.request(method, path)

    assert shadow.counters.snapshot() == {"captured": 0}


def test_a_generator_body_is_sent_as_it_is_and_counted(http: ModuleType, shadow: Shadow):
    with http.Client(transport=transport(http)) as client:
        answer = client.post(URL, content=(part for part in [b"{", b"}"]))

    assert answer.status_code == 200
    assert shadow.counters.snapshot() == {"captured": 1, "request_not_readable": 1}


def test_a_call_under_a_captured_inbound_request_is_not_seen(http: ModuleType, shadow: Shadow):
    context = RequestContext()
    context.suppressed = True
    current.set(context)
    with http.Client(transport=transport(http)) as client:
        client.post(URL, json=BODY)

    assert shadow.counters.snapshot() == {"captured": 0}


def test_what_annotate_says_travels_with_the_call(http: ModuleType, shadow: Shadow):
    annotate(key="invoice-17", segment="gold", session="s1")
    with http.Client(transport=transport(http)) as client:
        client.post(URL, json=BODY)

    (exchange,) = exchanges(shadow.directory)
    assert (exchange.key, exchange.segment, exchange.session) == ("invoice-17", "gold", "s1")


def test_outside_of_a_request_annotate_starts_a_new_unit(http: ModuleType, shadow: Shadow):
    with http.Client(transport=transport(http)) as client:
        annotate(key="one", segment="gold")
        client.post(URL, json=BODY)
        annotate(key="two")
        client.post(URL, json=BODY)

    one, two = exchanges(shadow.directory)
    assert (two.key, two.segment) == ("two", None)
    assert one.trace_id != two.trace_id


def test_every_frame_says_how_many_calls_its_process_has_seen(http: ModuleType, shadow: Shadow):
    with http.Client(transport=transport(http)) as client:
        for _ in range(3):
            client.post(URL, json=BODY)

    counters = frames(shadow.directory)[1]
    assert {c.counts["captured"] for c in counters} == {1, 2, 3}
    assert len({c.process for c in counters}) == 1


def test_a_refused_call_is_counted_and_not_recorded(http: ModuleType, settings: Settings):
    object.__setattr__(settings, "sample_rate", 0.0)
    shadow = Shadow(settings)
    with http.Client(transport=transport(http)) as client:
        client.post(URL, json=BODY)
    shadow.flush()

    found, counters = frames(shadow.directory)
    assert found == []
    assert counters[-1].counts == {"captured": 1, "not_sampled": 1}
    shadow.spool.close()


def test_large_bodies_are_refused_or_dropped(http: ModuleType, settings: Settings):
    object.__setattr__(settings, "max_request_bytes", 1024)
    object.__setattr__(settings, "max_response_bytes", 20)
    shadow = Shadow(settings)
    with http.Client(transport=transport(http)) as client:
        client.post(URL, json=BODY | {"x": "y" * 2000})
        with client.stream("POST", URL, json=BODY | {"stream": True}) as response:
            assert list(response.iter_raw()) == CHUNKS

    expected = {"captured": 2, "request_too_large": 1, "response_too_large": 1}
    assert shadow.counters.snapshot() == expected
    shadow.spool.close()


@pytest.mark.swallows
def test_our_own_error_reaches_nobody_and_is_counted(
    http: ModuleType, shadow: Shadow, monkeypatch: pytest.MonkeyPatch
):
    def broken(*args: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("shadow_mw.capture.shadow.active_span", broken)
    with http.Client(transport=transport(http)) as client:
        answer = client.post(URL, json=BODY)

    assert answer.json() == {"ok": True}
    assert shadow.counters.snapshot() == {"captured": 1, "internal_error": 1}


def test_an_aliased_client_is_patched_once(shadow: Shadow):
    before = httpx2.Client.send

    Shadow(shadow.settings).spool.close()

    assert httpx2.Client.send is before


def test_the_garbage_collector_may_run_while_our_locks_are_held(shadow: Shadow):
    client = httpx2.Client(transport=transport(httpx2))
    request = client.build_request("POST", URL, json=BODY | {"stream": True})
    response = client.send(request, stream=True)

    with shadow.spool._lock, shadow.counters.lock:
        del response
        gc.collect()
    shadow.tick()

    assert exchanges(shadow.directory)[0].end == "gc"
    client.close()


@pytest.mark.swallows
def test_a_client_library_that_is_broken_stops_nothing(shadow: Shadow, monkeypatch):
    monkeypatch.setattr(outbound, "MODULES", ("httpx2", "antigravity_that_is_not_there"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)

    outbound.install(shadow)

    assert list(failsafe.swallowed) == ["_patch: ModuleNotFoundError"]


def test_what_a_full_queue_refused_is_told_later(http: ModuleType, settings: Settings):
    object.__setattr__(settings, "queue_bytes", 1)
    shadow = Shadow(settings)
    with http.Client(transport=transport(http)) as client:
        client.post(URL, json=BODY)
    shadow.tick()

    assert frames(shadow.directory)[1][-1].counts == {"captured": 1, "queue_full": 1}
    shadow.spool.close()


def test_a_coroutine_closed_from_another_context_makes_no_noise(shadow: Shadow):
    @types.coroutine
    def suspended():
        yield

    async def never(request):
        await suspended()

    async def call():
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(never)) as client:
            await client.post(URL, json=BODY)

    coroutine = call()
    contextvars.copy_context().run(coroutine.send, None)

    coroutine.close()

    shadow.flush()
    assert exchanges(shadow.directory)[0].error == "GeneratorExit"
