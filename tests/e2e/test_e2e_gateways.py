"""Apps that are a gateway themselves: captured once, and not one byte of the answer changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from support import formats
from support.lab import Lab, Model, Stored, text_of, until
from support.raw import Raw, whole, without
from support.servers import Server, free_port

UVICORN = ("-m", "uvicorn", "--no-date-header", "--port", "{port}")
GUNICORN = ("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--no-control-socket")
APPS = {
    "starlette": (*UVICORN, "support.app_starlette:app"),
    "flask": (*GUNICORN, "--threads", "2", "support.app_flask:app"),
    "django-wsgi": (*GUNICORN, "--threads", "2", "support.app_django:wsgi"),
    "django-asgi": (*UVICORN, "--lifespan", "off", "support.app_django:asgi"),
}
CHAT = "/v1/chat/completions"


class Gateway:
    """The same app twice: with the one line, and without."""

    def __init__(self, shadowed: Server, bare: Server, lab: Lab) -> None:
        self.shadowed, self.bare, self.lab = shadowed, bare, lab
        self.calls = 0

    def both(self, body: dict[str, Any], **headers: str) -> tuple[bytes, bytes]:
        self.calls += 1
        ports = self.shadowed.port, self.bare.port
        with_us, without_us = (whole(port, CHAT, body, **headers) for port in ports)
        return without(with_us, b"date"), without(without_us, b"date")

    def last(self) -> Stored:
        """The pair of the call that was made last; the only one that was captured since."""
        pairs = until(lambda: self.lab.pairs()[self.calls - 1 :], f"{self.calls} pairs")
        assert len(pairs) == 1, pairs
        return pairs[0]


@pytest.fixture(scope="module", params=APPS)
def gateway(request: pytest.FixtureRequest, shared_factory: Any) -> Iterator[Gateway]:
    lab: Lab = shared_factory(request.param)
    lab.fails_on_purpose = True  # Where the upstream fails, the app does.
    views = "async" if request.param == "django-asgi" else "sync"
    with ExitStack() as stack:

        def start(**env: str) -> Server:
            port = free_port()
            command = [part.format(port=port) for part in APPS[request.param]]
            return stack.enter_context(lab.web(*command, port=port, DJANGO_VIEWS=views, **env))

        yield Gateway(start(), start(BARE="1"), lab)


def say(text: str, stream: bool = False, model: str = "m") -> dict[str, Any]:
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return {"model": model, "messages": [{"role": "user", "content": text}], **options}


def test_a_json_answer_is_the_same_and_captured_once(gateway: Gateway) -> None:
    with_us, without_us = gateway.both(say("hello"))
    assert with_us == without_us
    assert with_us.startswith(b"HTTP/1.1 200 OK")
    assert b"You said: hello" in with_us
    pair = gateway.last()
    assert text_of(pair.primary) == text_of(pair.candidate) == "You said: hello"
    assert not pair.primary.partial


def test_an_error_is_the_same(gateway: Gateway) -> None:
    with_us, without_us = gateway.both({"model": "m:error500", "messages": [], "stream": False})
    assert with_us == without_us
    assert with_us.startswith(b"HTTP/1.1 500")
    assert gateway.last().primary.outcome == "error"


def test_a_stream_is_the_same_and_passes_at_once(gateway: Gateway, primary: Model) -> None:
    body = say("hello brave new world", stream=True, model="m:gated")
    events = formats.events(CHAT, body)
    received = []
    for server in (gateway.shadowed, gateway.bare):
        with Raw(server.port, CHAT, body) as raw:
            for event in events:
                # Only now does the model say it: whatever came before has arrived by now.
                primary.go()
                raw.until(event)
            received.append(without(raw.rest(), b"date"))
    assert received[0] == received[1]
    gateway.calls += 1
    pair = gateway.last()
    assert text_of(pair.primary) == text_of(pair.candidate) == "You said: hello brave new world"
    assert pair.primary.ttft_ms is not None
    assert pair.candidate.ttft_ms is not None
    assert not pair.primary.partial
    assert pair.primary.output_tokens == pair.candidate.output_tokens == 6


def test_a_client_that_leaves_in_mid_stream_is_counted(gateway: Gateway, primary: Model) -> None:
    body = say("hello brave new world", stream=True, model="m:gated")
    with Raw(gateway.shadowed.port, CHAT, body) as raw:
        primary.go(3)
        raw.until(formats.events(CHAT, body)[2])
    # Servers notice when they write the next time, or the time after that.
    primary.go(20)
    gateway.calls += 1
    pair = gateway.last()
    primary.reset()
    assert (pair.primary.outcome, pair.primary.partial) == ("cancelled", True)
    assert not pair.candidate.partial
    assert gateway.lab.report()["funnel"]["reasons"]["primary_partial"] == 1
    with_us, without_us = gateway.both(say("still here"))
    assert with_us == without_us
    assert not gateway.last().primary.partial


def test_a_body_that_comes_in_pieces_is_captured_whole(gateway: Gateway) -> None:
    text = "x" * 300_000
    with_us, without_us = gateway.both(say(text))
    assert with_us == without_us
    assert text_of(gateway.last().primary) == f"You said: {text}"


def test_the_app_is_captured_at_its_other_side_elsewhere(gateway: Gateway) -> None:
    """`/ask` is no gateway: there the same middleware captures what the app sends."""
    gateway.calls += 1
    with httpx2.Client(base_url=gateway.shadowed.url, trust_env=False) as client:
        answer = client.post("/ask", json={"text": "outbound", "key": "k"}).json()
    assert answer["text"] == text_of(gateway.last().primary)
    assert gateway.last().primary.key == "k"


def test_the_funnel_adds_up_over_all_of_it(gateway: Gateway) -> None:
    funnel = gateway.lab.funnel(gateway.calls)
    assert funnel["mirrored"] == funnel["paired"] == gateway.calls


@pytest.mark.parametrize("name", ["starlette", "flask", "django-wsgi"])
def test_the_trace_id_is_all_that_the_header_switch_adds(name: str, new_lab: Any) -> None:
    """The app ends right after its first call, before it has a runner: it leaves one behind."""
    lab = new_lab(SHADOW_RESPONSE_HEADER="true")
    answers = []
    for env in ({}, {"BARE": "1"}):
        port = free_port()
        command = [part.format(port=port) for part in APPS[name]]
        with lab.web(*command, port=port, **env) as server:
            answers.append(without(whole(server.port, CHAT, say("hello")), b"date"))
    lab.drained(1)
    (pair,) = lab.pairs()
    with_us, without_us = answers
    assert without(with_us, b"x-trace-id") == without_us
    trace = re.search(rb"\r\nx-trace-id: ([0-9a-f]{32})\r\n", with_us, re.IGNORECASE)
    assert trace
    assert trace[1].decode() == pair.primary.trace_id == pair.candidate.trace_id
