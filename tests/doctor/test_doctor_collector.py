"""The doctor on an installation with a real collector, the evaluator as a service and Jaeger."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import calls
from support.lab import Lab, until
from support.otelcol import CONFIGS, Jaeger, Otelcol, running_collector, running_jaeger
from support.otlp_sink import sink
from support.serve import Serve, running_serve
from support.servers import free_port

MARK = "mark-0123456789abcdef"
TOKEN = "evaluators-token-0123"
WAIT = "3"
Ask = Callable[..., Any]


@dataclass
class Chain:
    """Everything behind the runner."""

    collector: Otelcol
    jaeger: Jaeger
    evaluator: Serve

    def settings(self, **more: str) -> dict[str, str]:
        return {
            "SHADOW_OTLP_ENDPOINT": self.collector.otlp_http,
            "SHADOW_OTLP_TOKEN": TOKEN,
            "SHADOW_MARK": MARK,
            "SHADOW_EVALUATOR_URL": self.evaluator.url,
        } | more


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Otelcol]]:
    """Makes collectors that send to the module's Jaeger and evaluator, or to others."""
    with ExitStack() as stack:
        path = tmp_path_factory.mktemp("chain")
        jaeger = stack.enter_context(running_jaeger(path / "jaeger"))
        evaluator = stack.enter_context(running_serve(path, SHADOW_OTLP_TOKEN=TOKEN))
        made = 0

        def run(*more: Path, **env: str) -> Chain:
            nonlocal made
            made += 1
            variables = {
                "PRIMARY_OTLP_ENDPOINT": jaeger.otlp_grpc,
                "PRIMARY_OTLP_INSECURE": "true",
                "EVAL_OTLP_ENDPOINT": evaluator.url,
                "SHADOW_MARK": MARK,
                "SHADOW_OTLP_TOKEN": TOKEN,
            } | env
            configs = [CONFIGS / "shadow.yaml", *more]
            running = running_collector(path / f"collector-{made}", configs, **variables)
            return Chain(stack.enter_context(running), jaeger, evaluator)

        yield run


@pytest.fixture(scope="module")
def chain(make: Callable[..., Chain]) -> Chain:
    return make()


def trace_id(said: Any) -> str:
    (found,) = re.findall(r"\b[0-9a-f]{32}\b", said.seen("primary backend"))
    return str(found)


def ask_with_app(lab: Lab, ask: Ask, *arguments: str) -> Any:
    """The doctor beside an app that has captured a call."""
    lab.agent().run(calls.openai_sync, key="a")
    return ask(lab, "--wait", WAIT, *arguments)


def test_a_whole_installation_passes(new_lab: Callable[..., Lab], ask: Ask, chain: Chain) -> None:
    lab = new_lab(**chain.settings())
    lab.agent().run(calls.openai_sync, key="a")
    lab.drained(1)

    said = ask(lab, "--primary-backend", chain.jaeger.query)

    assert said.code == 0, said.text
    assert said.seen("collector").startswith(chain.collector.otlp_http)
    assert said.seen("evaluator") == f"the probe pair is in the store of {chain.evaluator.url}"
    (ordinary,) = chain.jaeger.trace(trace_id(said))
    assert (ordinary.name, ordinary.service) == ("shadow-mw-doctor", "shadow-mw-doctor")
    series = until(lambda: chain.evaluator.summary().series, "the app's own pair")
    assert series.experiment == "default", "the probe stays out of reports"
    until(lambda: chain.evaluator.summary().funnel.captured == 1, "the app's counters")
    pending = 'shadow_pending_bytes{experiment="default"}'
    until(lambda: pending in chain.evaluator.metrics(), "the runner's gauges")
    assert "shadow-doctor" not in str(chain.evaluator.metrics())
    for secret in (MARK, TOKEN):
        assert secret not in said.text


def test_without_a_backend_the_trace_is_named(
    new_lab: Callable[..., Lab], ask: Ask, chain: Chain
) -> None:
    said = ask(new_lab(**chain.settings()), "--wait", WAIT)

    assert said.state("primary backend") == "skipped"
    assert "--primary-backend" in said.seen("primary backend")
    assert chain.jaeger.trace(trace_id(said)) == []


def test_legs_that_reach_the_primary_backend_are_found(
    new_lab: Callable[..., Lab], ask: Ask, chain: Chain
) -> None:
    """Straight to the backend, past the collector: what a wrong endpoint does."""
    straight = chain.settings(SHADOW_OTLP_ENDPOINT=chain.jaeger.otlp_http)
    said = ask(new_lab(**straight), "--wait", WAIT, "--primary-backend", chain.jaeger.query)

    assert "of the 2 legs in trace" in said.seen("primary backend")
    assert "collector/shadow.yaml" in said.mend("primary backend")


def test_a_backend_that_is_another_one(
    new_lab: Callable[..., Lab], ask: Ask, make: Callable[..., Chain]
) -> None:
    with sink() as elsewhere:
        chain = make(PRIMARY_OTLP_ENDPOINT=elsewhere.otlp_grpc)
        lab = new_lab(**chain.settings())
        said = ask(lab, "--wait", WAIT, "--primary-backend", chain.jaeger.query)

        assert "has not got a span of the doctor's own" in said.seen("primary backend")
        assert "PRIMARY_OTLP_ENDPOINT" in said.mend("primary backend")
        assert elsewhere.names() == ["shadow-mw-doctor"]

        said = ask(lab, "--wait", "0", "--primary-backend", f"http://127.0.0.1:{free_port()}")
        assert "--primary-backend must be" in said.mend("primary backend")


def test_a_mark_that_differs_from_the_collector_s(
    new_lab: Callable[..., Lab], ask: Ask, make: Callable[..., Chain]
) -> None:
    chain = make(SHADOW_MARK="another-mark-0123456789")
    said = ask_with_app(new_lab(**chain.settings()), ask, "--primary-backend", chain.jaeger.query)

    assert said.broken == ["evaluator"], said.text
    assert "the collector took the probe pair" in said.seen("evaluator")
    assert said.mend("evaluator").startswith("SHADOW_MARK differs from the collector's")
    assert said.state("primary backend") == "holds", "production stays clean even so"


def test_a_collector_that_sends_the_pairs_elsewhere(
    new_lab: Callable[..., Lab], ask: Ask, make: Callable[..., Chain]
) -> None:
    chain = make(EVAL_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}")
    said = ask_with_app(new_lab(**chain.settings()), ask)

    assert said.broken == ["evaluator"], said.text
    assert "EVAL_OTLP_ENDPOINT" in said.mend("evaluator")


def test_an_evaluator_that_is_down(new_lab: Callable[..., Lab], ask: Ask, chain: Chain) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    said = ask_with_app(new_lab(**chain.settings(SHADOW_EVALUATOR_URL=nowhere)), ask)

    assert said.broken == ["evaluator"], said.text
    assert "cannot be reached" in said.seen("evaluator")
    assert "SHADOW_EVALUATOR_URL" in said.mend("evaluator")


def test_a_token_that_the_evaluator_refuses(
    new_lab: Callable[..., Lab], ask: Ask, chain: Chain
) -> None:
    said = ask_with_app(new_lab(**chain.settings(SHADOW_OTLP_TOKEN="another")), ask)

    assert said.broken == ["evaluator"], said.text
    assert "SHADOW_OTLP_TOKEN" in said.mend("evaluator")


def test_an_evaluator_that_nobody_named(
    new_lab: Callable[..., Lab], ask: Ask, chain: Chain
) -> None:
    lab = new_lab(**chain.settings())
    lab.env.pop("SHADOW_EVALUATOR_URL")
    said = ask_with_app(lab, ask)

    assert said.broken == ["evaluator"], said.text
    assert "set SHADOW_EVALUATOR_URL" in said.mend("evaluator")

    lab.env["SHADOW_STORE"] = str(chain.evaluator.store)
    said = ask(lab, "--wait", WAIT)
    assert said.state("evaluator") == "holds", said.text


@pytest.mark.parametrize(
    ("status", "mend"),
    [(401, "SHADOW_OTLP_TOKEN"), (404, "SHADOW_OTLP_ENDPOINT"), (503, "it is behind")],
)
def test_a_collector_that_refuses(
    new_lab: Callable[..., Lab], ask: Ask, status: int, mend: str
) -> None:
    with sink() as collector:
        collector.fail(status)
        lab = new_lab(SHADOW_OTLP_ENDPOINT=collector.otlp_http, SHADOW_MARK=MARK)
        said = ask(lab)

        assert f"answered {status}" in said.seen("collector")
        assert mend in said.mend("collector")
        assert said.state("evaluator") == "skipped"
        assert said.state("candidate") == "holds"


def test_a_collector_that_is_not_there(new_lab: Callable[..., Lab], ask: Ask) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    lab = new_lab(SHADOW_OTLP_ENDPOINT=url, SHADOW_MARK=MARK)
    lab.agent().run(calls.openai_sync, key="a")
    until(lambda: lab.status and "spans" in lab.status.failing, "the runner's first try")
    said = ask(lab)

    assert said.broken == ["runner", "collector"], said.text
    assert "under way" in said.seen("captured")
    assert "not taken from it: spans" in said.seen("runner")
    assert "cannot be reached" in said.seen("runner"), "the last line of its log"
    assert "SHADOW_OTLP_ENDPOINT" in said.mend("collector")


def test_a_collector_without_a_mark_is_one_line(new_lab: Callable[..., Lab]) -> None:
    done = new_lab(SHADOW_OTLP_ENDPOINT="http://127.0.0.1:4318").cli("doctor", "--json")

    assert done.returncode == 78
    assert done.stderr.startswith("shadow-mw: SHADOW_MARK is not set")
    assert not done.stdout.strip() or json.loads(done.stdout)
