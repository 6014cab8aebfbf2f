"""A dead or full evaluator costs production nothing, and no evidence that is not counted."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from collector.conftest import ROUTING, SHADOW, Chain, queued, running_chain
from support.lab import until
from support.otlp_traffic import Made, pair, send

WINDOW = 1
"""Seconds: what `GIVES_UP` makes of the 5 minutes that an exporter retries by default."""
GIVES_UP = f"""
exporters:
  otlp_http/eval:
    retry_on_failure:
      max_elapsed_time: {WINDOW}s
"""
BOTH = pytest.mark.parametrize("configs", [SHADOW, ROUTING], ids=["shadow", "routing"])


def request(number: int) -> list[Made]:
    app = Made(f"app {number}")
    return [app, *pair(f"p{number}", app)]


def sent_and_queued(chain: Chain, numbers: range) -> None:
    """Send these requests; all of production is out and all of evaluation on disk."""
    before = queued(chain.collector)
    for number in numbers:
        chain.send(*request(number))
    wanted = {f"app {number}" for number in numbers}
    until(lambda: wanted <= set(chain.primary.names()), "production arrives")
    until(lambda: queued(chain.collector) == before + 2 * len(numbers), "legs are queued")


def legs(chain: Chain) -> set[str]:
    return set(chain.evaluator.names())


def expected(numbers: range) -> set[str]:
    return {f"p{number} {role}" for number in numbers for role in ("primary", "candidate")}


@BOTH
def test_an_outage_and_a_killed_collector_lose_nothing(tmp_path: Path, configs: list[Path]) -> None:
    with running_chain(tmp_path, configs) as chain:
        sent_and_queued(chain, range(10))
        until(lambda: legs(chain) == expected(range(10)), "the evaluator works")
        chain.evaluator.stop()
        down = time.monotonic()
        sent_and_queued(chain, range(10, 40))
        chain.collector.kill()
        chain.collector.restart()
        sent_and_queued(chain, range(40, 60))
        until(lambda: time.monotonic() - down > 2 * WINDOW, "the window is over")
        chain.collector.stop()
        chain.collector.restart()
        sent_and_queued(chain, range(60, 70))
        chain.evaluator.start()
        until(lambda: legs(chain) == expected(range(70)), "every leg arrives")
        # The evaluator takes what comes twice as one; production may not get it twice.
        assert chain.primary.names() == sorted(f"app {number}" for number in range(70))


def test_an_exporter_as_it_is_by_default_would_lose_the_outage(tmp_path: Path) -> None:
    """What the test above would see if `max_elapsed_time: 0` were not there."""
    window = tmp_path / "with_a_window.yaml"
    window.write_text(GIVES_UP)
    with running_chain(tmp_path / "run", configs=SHADOW, over=[window]) as chain:
        chain.evaluator.stop()
        sent_and_queued(chain, range(5))
        name = "otelcol_exporter_send_failed_spans"
        lost = lambda: chain.collector.metric(name, exporter="otlp_http/eval")  # noqa: E731
        until(lambda: lost() == 10, "they are dropped")
        chain.evaluator.start()
        sent_and_queued(chain, range(5, 6))
        until(lambda: legs(chain) == expected(range(5, 6)), "only the new one arrives")


@pytest.mark.parametrize("status", [429, 503])
def test_an_evaluator_that_is_behind_is_asked_again(tmp_path: Path, status: int) -> None:
    with running_chain(tmp_path) as chain:
        chain.evaluator.fail(status)
        sent_and_queued(chain, range(5))
        until(lambda: len(chain.evaluator.headers) > 2, "it is asked again")
        chain.evaluator.work()
        until(lambda: legs(chain) == expected(range(5)), "every leg arrives")


def test_what_a_refusal_loses_is_counted(tmp_path: Path) -> None:
    """No exporter retries a 401: a wrong SHADOW_OTLP_TOKEN costs evidence, and says so."""
    with running_chain(tmp_path) as chain:
        chain.evaluator.fail(401)
        sent_and_queued(chain, range(5))
        name = "otelcol_exporter_send_failed_spans"
        failed = lambda: chain.collector.metric(name, exporter="otlp_http/eval")  # noqa: E731
        until(lambda: failed() == 10, "the loss is counted")
        assert chain.primary.names() == sorted(f"app {number}" for number in range(5))


FULL = """
exporters:
  otlp_http/eval:
    sending_queue:
      queue_size: 4000
      batch: {min_size: 1000}
"""
NO_WALL = """
service:
  pipelines:
    traces/eval:
      processors: [filter/eval, transform/eval, redaction/eval]
"""


@BOTH
def test_a_full_queue_costs_production_nothing(tmp_path: Path, configs: list[Path]) -> None:
    full = tmp_path / "full.yaml"
    full.write_text(FULL)
    with running_chain(tmp_path / "run", configs, over=[full]) as chain:
        chain.evaluator.stop()
        for number in range(40):
            chain.send(*request(number))
        wanted = sorted(f"app {number}" for number in range(40))
        until(lambda: len(chain.primary.spans) >= 40, "production arrives")
        name = "otelcol_exporter_enqueue_failed_spans"
        lost = lambda: chain.collector.metric(name, exporter="otlp_http/eval")  # noqa: E731
        until(lost, "the loss is counted")
        until(lambda: queued(chain.collector) == 80, "all legs were tried")
        chain.evaluator.start()
        until(lambda: len(legs(chain)) == 80 - lost(), "what was queued arrives")
        assert 0 < lost() < 80
        assert chain.primary.names() == wanted


def test_without_the_wall_a_full_queue_would_refuse_production(tmp_path: Path) -> None:
    """What the test above would see: the app is told to send again what production has."""
    full = tmp_path / "full.yaml"
    full.write_text(FULL + NO_WALL)
    with running_chain(tmp_path / "run", over=[full]) as chain:
        chain.evaluator.stop()
        answers = [send(chain.collector.otlp_http, request(number)) for number in range(40)]
        assert 503 in answers
        until(lambda: len(chain.primary.spans) == 40, "production has all of them all the same")
