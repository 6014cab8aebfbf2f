"""The app's memory while nobody takes what it hands over: a runner stopped by SIGSTOP."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from benchmarks.processes import Children, runner_of
from benchmarks.results import Part, Target, say
from benchmarks.variants import Server, Variant, start

BODY = 200_000
RATE = 60
LIMIT = 16.0
"""MB: the target of issue 2."""
STOPPED = "ours, runner stopped"
HOW = (
    f"MB of resident memory of the app's process; {BODY // 1000} KB requests and"
    f" {BODY // 1000} KB answers, {RATE} a second, the same for both. `before` is after a warm-up"
    " of the same traffic, `peak` the highest while it goes on (sampled every 50 ms)."
)


def measure(directory: Path, *, quick: bool) -> Part:
    columns = ["variant", "before", "peak", "growth", "requests", "handed over", "dropped"]
    part = Part("D. Memory with large bodies and a stopped runner", HOW, columns)
    seconds = 4.0 if quick else 20.0
    growth: dict[str, float] = {}
    with Children(directory) as children:
        model = children.model("--size", str(BODY))
        for variant in (Variant("bare", "bare"), Variant(STOPPED, "ours")):
            say(f"memory: {variant.name}")
            server = start(children, variant, model, model)
            growth[variant.name] = _row(part, server, seconds)
    more = growth[STOPPED] - growth["bare"]
    part.targets.append(
        Target("memory, runner stopped", f"<= +{LIMIT:g} MB", f"{more:+.1f} MB", more <= LIMIT)
    )
    part.figures = {"growth": growth, "more": more}
    return part


def _row(part: Part, server: Server, seconds: float) -> float:
    server.round("--rate", str(RATE), seconds=2.0, warmup=0.5, size=BODY)
    stopped = _stop_runner(server.process) if server.variant.app == "ours" else None
    before = server.process.memory_info().rss
    server.peak_rss, server.first, server.sent = 0, None, 0
    server.round("--rate", str(RATE), seconds=seconds, warmup=0.0, size=BODY)
    ours = stopped is not None
    grown = (server.peak_rss - before) / 2**20
    row = [server.variant.name, f"{before / 2**20:.1f}", f"{server.peak_rss / 2**20:.1f}"]
    row += [f"{grown:+.1f}", str(server.sent)]
    row += [f"{server.handed_over} of {server.captured}" if ours else ""]
    part.rows.append([*row, server.show_dropped() if ours else ""])
    if server.errors or server.swallowed:
        part.notes.append(f"[bold red]{server.errors} failed requests, {server.swallowed}[/]")
    return grown


def _stop_runner(app: psutil.Process) -> psutil.Process:
    """SIGSTOP; whoever ends the app wakes its runner to end it too."""
    end = time.monotonic() + 10
    while (runner := runner_of(app)) is None:
        if time.monotonic() > end:
            raise RuntimeError("the app has started no runner")
        time.sleep(0.1)
    runner.suspend()
    return runner
