"""One trace id on both legs and at the candidate, whoever made the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from support import calls
from support.lab import Lab, Model
from support.otlp_sink import Sink, Span, sink
from support.servers import Server, free_port
from support.waiting import WAIT

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
MARK = "mark-0123456789abcdef"
INBOUND = {"traceparent": f"00-{TRACE}-{SPAN}-01"}


class App:
    """The FastAPI app, whose runner exports to a collector."""

    def __init__(self, server: Server, lab: Lab, candidate: Model, target: Sink) -> None:
        self._lab, self._candidate, self._target = lab, candidate, target
        self._http = httpx2.Client(base_url=server.url, timeout=WAIT, trust_env=False)
        self._calls = 0

    def call(self, path: str, headers: dict[str, str] | None = None) -> Seen:
        """One request, and what everybody saw of it."""
        self._candidate.reset()
        self._http.get("/spans")
        assert self._http.post(path, headers=headers or {}).status_code == 200
        self._calls += 1
        self._lab.drained(self._calls)
        (seen,) = self._candidate.seen()
        spans = self._http.get("/spans").json()
        asking = {span["trace_id"] for span in spans if _asks(span)}
        spans = [span for span in spans if span["trace_id"] not in asking]
        return Seen(self._leg("primary"), self._leg("candidate"), spans, dict(seen["headers"]))

    def _leg(self, role: str) -> Span:
        """The last one that came."""
        return [s for s in self._target.spans if s.attributes["shadow.role"] == role][-1]

    def close(self) -> None:
        self._http.close()


def _asks(span: dict[str, Any]) -> bool:
    """Whether a span belongs to a request for `/spans` itself."""
    return "/spans" in span["name"] or "finished" in str(span["attributes"])


@dataclass
class Seen:
    primary: Span
    candidate: Span
    app: list[dict[str, Any]]
    headers: dict[str, str]

    def check_links(self) -> None:
        """Both legs and the candidate's request are in one trace, each below the one before."""
        trace = self.primary.trace_id
        assert trace == self.candidate.trace_id == self.headers["x-trace-id"]
        assert self.candidate.parent_id == self.primary.span_id
        assert self.headers["traceparent"] == f"00-{trace}-{self.candidate.span_id}-01"
        assert "tracestate" not in self.headers
        assert "baggage" not in self.headers


@pytest.fixture(scope="module")
def start(shared_factory: Callable[..., Lab], candidate: Model) -> Iterator[Callable[[str], App]]:
    with ExitStack() as stack:

        def run(otel: str) -> App:
            target = stack.enter_context(sink())
            lab = shared_factory(
                f"otel-{otel}", SHADOW_OTLP_ENDPOINT=target.otlp_http, SHADOW_MARK=MARK
            )
            port = free_port()
            command = ("-m", "uvicorn", "--port", str(port), "support.app_fastapi:app")
            server = stack.enter_context(lab.web(*command, port=port, OTEL=otel))
            app = App(server, lab, candidate, target)
            stack.callback(app.close)
            return app

        yield run


@pytest.fixture(scope="module")
def untraced(start: Callable[[str], App]) -> App:
    return start("")


@pytest.fixture(scope="module", params=["built-in", "instrumented"])
def traced(request: pytest.FixtureRequest, start: Callable[[str], App]) -> App:
    return start(request.param)


@pytest.mark.parametrize("path", ["/openai", "/anthropic", "/legacy"])
def test_without_a_tracing_sdk_a_trace_is_made(untraced: App, path: str) -> None:
    seen = untraced.call(path)
    seen.check_links()
    assert int(seen.primary.trace_id, 16) > 0
    assert (seen.primary.parent_id, seen.app) == ("", [])


@pytest.mark.parametrize("path", ["/openai", "/anthropic"])
def test_without_a_tracing_sdk_the_callers_trace_is_used(untraced: App, path: str) -> None:
    seen = untraced.call(path, INBOUND)
    seen.check_links()
    assert (seen.primary.trace_id, seen.primary.parent_id) == (TRACE, SPAN)


@pytest.mark.parametrize("path", ["/openai", "/anthropic", "/legacy"])
@pytest.mark.parametrize("inbound", [{}, INBOUND], ids=["alone", "called"])
def test_the_apps_own_trace_is_used_and_its_active_span_stamped(
    traced: App, path: str, inbound: dict[str, str]
) -> None:
    seen = traced.call(path, inbound)
    seen.check_links()
    assert {span["trace_id"] for span in seen.app} == {seen.primary.trace_id}
    if inbound:
        assert seen.primary.trace_id == TRACE
    (active,) = [span for span in seen.app if _ours(span)]
    assert _ours(active) == {
        "shadow.pair.id": seen.primary.attributes["shadow.pair.id"],
        "shadow.experiment.id": "default",
    }
    assert seen.primary.parent_id == active["span_id"]
    if path == "/anthropic":
        assert active["scope"] == "com.anthropic.sdk.python"


def _ours(span: dict[str, Any]) -> dict[str, str]:
    return {n: v for n, v in span["attributes"].items() if n.startswith("shadow")}


def test_a_script_has_a_trace_for_each_call(lab: Lab, candidate: Model) -> None:
    app = lab.agent()
    for key in ("a", "b"):
        app.run(calls.openai_sync, key=key)
    first, second = lab.pair("a"), lab.pair("b")
    assert first.primary.trace_id == first.candidate.trace_id
    assert second.primary.trace_id == second.candidate.trace_id
    assert first.primary.trace_id != second.primary.trace_id
    assert {dict(s["headers"])["x-trace-id"] for s in candidate.seen()} == {
        first.primary.trace_id,
        second.primary.trace_id,
    }


def test_trace_hosts_get_the_mark_and_nobody_else(new_lab: Any, candidate: Model) -> None:
    lab = new_lab(SHADOW_MARK=MARK, SHADOW_TRACE_HOSTS="127.0.0.1")
    lab.agent().run(calls.openai_sync, key="a")
    lab.pair("a")
    (seen,) = candidate.seen()
    assert dict(seen["headers"])["tracestate"] == f"shadow={MARK}"
