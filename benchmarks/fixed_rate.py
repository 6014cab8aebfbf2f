"""What a user of the app feels at 100 requests a second, whatever the candidate does."""

from __future__ import annotations

from pathlib import Path

from benchmarks.intervals import Estimate, percentile_difference, typical
from benchmarks.payloads import REQUEST_BYTES
from benchmarks.results import Part, Target, say
from benchmarks.variants import AGAIN, BARE, CONCURRENCY, Server, fleet, turns

RATE, MODEL_SECONDS = 100, 0.2
P50, P99 = 0.15, 1.0
"""Milliseconds beyond the noise: the targets."""
HOW = (
    f"ms from the moment a request was due until its answer was there; open loop, {RATE} requests"
    f" a second, a model that takes {MODEL_SECONDS * 1000:.0f} ms. uvicorn, Starlette and httpx2;"
    " all variants alive, taking turns in random order (a runner is stopped while it is not its"
    " app's turn). `+p50` and `+p99` are the median over the rounds of the"
    " difference to both bare apps in the same round, for the bare apps to one another; in brackets"
    " 95 % intervals over the rounds. CPU in us of the app's process per request, all its threads."
    f" Runner concurrency {CONCURRENCY}."
)
COLUMNS = ["variant", "p50", "+p50", "p99", "+p99", "CPU", "peak MB", "handed over", "dropped"]


def measure(directory: Path, *, quick: bool) -> Part:
    part = Part(f"B. Latency at {RATE} requests a second", HOW, COLUMNS)
    rounds, seconds = (1, 1.5) if quick else (5, 4.0)
    model = ["--delay", str(MODEL_SECONDS)]
    with fleet(directory, model, model) as servers:
        for server in servers.values():
            server.round("--rate", str(RATE), seconds=0.5, warmup=0.2, size=REQUEST_BYTES)
            server.rounds.clear()
        for number, server in enumerate(turns(servers, rounds)):
            if number % len(servers) == 0:
                say(f"fixed rate: round {number // len(servers) + 1} of {rounds}")
            server.round("--rate", str(RATE), seconds=seconds, warmup=0.5, size=REQUEST_BYTES)
        for server in servers.values():
            part.figures[server.variant.name] = {"runner": server.runner_outcomes()}
    _rows(part, servers)
    return part


def _rows(part: Part, servers: dict[str, Server]) -> None:
    both = (servers[BARE].rounds, servers[AGAIN].rounds)
    noise = {
        percent: percentile_difference(servers[AGAIN].rounds, both[:1], percent)
        for percent in (50, 99)
    }
    added: dict[str, dict[int, Estimate]] = {}
    for name, server in servers.items():
        bare = server.variant.app == "bare"
        added[name] = {
            percent: noise[percent] if bare else percentile_difference(server.rounds, both, percent)
            for percent in (50, 99)
        }
        part.rows.append(_row(server, added[name], first=name == BARE))
        part.figures[name] = part.figures.get(name, {}) | _figures(server, added[name])
        if server.errors or server.swallowed:
            part.notes.append(
                f"[bold red]{name}: {server.errors} failed requests, {server.swallowed}[/]"
            )
        if server.variant.app == "ours":
            _targets(part, server, added[name], noise)


def _row(server: Server, added: dict[int, Estimate], *, first: bool) -> list[str]:
    ours = server.variant.app == "ours"
    return [
        server.variant.name,
        f"{typical(server.rounds, 50):.2f}",
        "" if first else added[50].show(2),
        f"{typical(server.rounds, 99):.2f}",
        "" if first else added[99].show(2),
        f"{server.cpu_us:.0f}",
        f"{server.peak_mb:.0f}",
        f"{server.handed_over} of {server.captured}" if ours else "",
        server.show_dropped() if ours else "",
    ]


def _figures(server: Server, added: dict[int, Estimate]) -> dict[str, object]:
    return {
        "p50": typical(server.rounds, 50),
        "p99": typical(server.rounds, 99),
        "added_p50": added[50],
        "added_p99": added[99],
        "cpu_us": server.cpu_us,
        "peak_mb": server.peak_mb,
        "captured": server.captured,
        "handed_over": server.handed_over,
        "dropped": server.dropped,
        "requests": server.sent,
        "errors": server.errors,
    }


def _targets(
    part: Part, server: Server, added: dict[int, Estimate], noise: dict[int, Estimate]
) -> None:
    for percent, wanted in ((50, P50), (99, P99)):
        beyond = abs(noise[percent].value)
        part.targets.append(
            Target(
                f"p{percent}: {server.variant.name}",
                f"<= +{wanted:g} ms + {beyond:.2f} noise",
                f"{added[percent].show(2)} ms",
                added[percent].value <= wanted + beyond,
            )
        )
    lost = sum(server.dropped.values())
    part.targets.append(
        Target(f"dropped: {server.variant.name}", "0", server.show_dropped(), lost == 0)
    )
