"""Long runs: `make soak`."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import psutil
import pytest
from support import calls
from support.lab import Lab, Model, until

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

CALLS = 12_000
KILLS = 6
BATCH = 100


def test_a_runner_killed_six_times_loses_none_of_twelve_thousand(
    new_lab: Callable[..., Lab], candidate: Model
) -> None:
    lab = new_lab(SHADOW_MAX_CONCURRENCY="32")
    app = lab.agent()

    def load() -> None:
        for start in range(0, CALLS, BATCH):
            app.run(calls.ask, texts=[f"text {n}" for n in range(start, start + BATCH)])

    loading = threading.Thread(target=load)
    loading.start()
    killed: set[int] = set()
    for _ in range(KILLS):
        runner = until(lambda: _new_runner(lab, killed), "another runner", 60)
        time.sleep(2)
        runner.kill()
        killed.add(runner.pid)
    loading.join()

    lab.drained(CALLS, timeout=600)
    funnel = lab.report()["funnel"]
    assert len(killed) == KILLS
    assert (funnel["captured"], funnel["paired"], funnel["reasons"]) == (CALLS, CALLS, {})


def _new_runner(lab: Lab, known: set[int]) -> psutil.Process | None:
    return next((runner for runner in lab.runners() if runner.pid not in known), None)


def test_an_app_s_memory_stays_where_it_is(new_lab: Callable[..., Lab]) -> None:
    lab = new_lab()
    app = lab.agent()
    process = psutil.Process(app.run(os.getpid))
    texts = [f"text {n} {'x' * 2000}" for n in range(BATCH)]

    def run(times: int) -> int:
        for _ in range(times):
            app.run(calls.ask, texts=texts)
        return process.memory_info().rss

    warm = run(30)
    later = run(60)

    lab.drained(90 * BATCH, timeout=600)
    assert later - warm < 8 * 2**20
