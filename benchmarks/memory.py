"""The app's memory while nobody takes what it hands over: a runner stopped by SIGSTOP."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.processes import Children, runner_of
from benchmarks.results import Part, Target, say
from benchmarks.variants import Server, Variant, start

BODY = 200_000
RATE = 60
LIMIT = 16.0
"""MB: the target."""
STOPPED = "ours, runner stopped"
HOW = (
    f"MB of resident memory of the app's process; {BODY // 1000} KB requests and"
    f" {BODY // 1000} KB answers, {RATE} a second, the same for both. `before` is after the first"
    " few requests, `peak` the highest while traffic goes on. The target is"
    " about the whole difference of the peaks, code and settings of ours included."
)


def measure(directory: Path, *, quick: bool) -> Part:
    columns = ["variant", "before", "peak", "growth", "requests", "handed over", "dropped"]
    part = Part("D. Memory with large bodies and a stopped runner", HOW, columns)
    seconds = 3.0 if quick else 20.0
    peaks: dict[str, float] = {}
    with Children(directory) as children:
        model = children.model("--size", str(BODY))
        for variant in (Variant("bare", "bare"), Variant(STOPPED, "ours")):
            say(f"memory: {variant.name}")
            server = start(children, variant, model, model)
            children.ready()
            peaks[variant.name] = _row(part, server, seconds)
    more = peaks[STOPPED] - peaks["bare"]
    part.targets.append(
        Target("memory, runner stopped", f"<= +{LIMIT:g} MB", f"{more:+.1f} MB", more <= LIMIT)
    )
    part.figures = {"peaks": peaks, "more": more}
    return part


def _row(part: Part, server: Server, seconds: float) -> float:
    server.round("--rate", "10", seconds=0.5, warmup=0.0, size=BODY)
    ours = server.variant.app == "ours"
    if ours:
        _stop_runner(server)
    before = server.process.memory_info().rss / 2**20
    server.peak_mb, server.first, server.sent = 0, None, 0
    server.round("--rate", str(RATE), seconds=seconds, warmup=0.0, size=BODY)
    peak = server.peak_mb
    row = [server.variant.name, f"{before:.1f}", f"{peak:.1f}", f"{peak - before:+.1f}"]
    row += [str(server.sent), f"{server.handed_over} of {server.captured}" if ours else ""]
    part.rows.append([*row, server.show_dropped() if ours else ""])
    if server.errors or server.swallowed:
        part.notes.append(f"[bold red]{server.errors} failed requests, {server.swallowed}[/]")
    return peak


def _stop_runner(server: Server) -> None:
    """SIGSTOP for good; whoever ends the app wakes its runner to end it too."""
    end = time.monotonic() + 10
    while (runner := runner_of(server.process)) is None:
        if time.monotonic() > end:
            raise RuntimeError("the app has started no runner")
        time.sleep(0.1)
    runner.suspend()
    server.runner = None
