"""How many requests the app serves at most, and what becomes of the mirrored calls then."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from benchmarks.payloads import REQUEST_BYTES
from benchmarks.results import Part, say
from benchmarks.variants import AGAIN, BARE, Server, fleet, turns

CONNECTIONS = 32
HOW = (
    f"requests a second, closed loop over {CONNECTIONS} connections, a model that answers at once;"
    " the median of the rounds, variants alive and taking turns in random order (a runner is"
    " stopped while it is not its app's turn). App, model,"
    " candidate, runner (nice 10) and load generator share this machine's cores. CPU in us of the"
    " app's process per request. A runner that falls behind fills its 64 MB on disk; what"
    " comes then is dropped and counted."
)
COLUMNS = ["variant", "requests/s", "ratio", "p99 ms", "CPU", "peak MB", "handed over", "dropped"]


def measure(directory: Path, *, quick: bool) -> Part:
    part = Part("C. Throughput at saturation", HOW, COLUMNS)
    rounds, seconds = (1, 1.0) if quick else (3, 3.0)
    with fleet(directory, [], []) as servers:
        for number, server in enumerate(turns(servers, rounds)):
            if number % len(servers) == 0:
                say(f"saturation: round {number // len(servers) + 1} of {rounds}")
            server.round(
                "--connections",
                str(CONNECTIONS),
                seconds=seconds,
                warmup=0.5,
                size=REQUEST_BYTES,
            )
    _rows(part, servers, seconds)
    return part


def _rows(part: Part, servers: dict[str, Server], seconds: float) -> None:
    def rate(server: Server) -> float:
        return median(len(one) / seconds for one in server.rounds)

    bare = (rate(servers[BARE]) + rate(servers[AGAIN])) / 2
    for name, server in servers.items():
        ours = server.variant.app == "ours"
        slowest = sorted(latency for one in server.rounds for latency in one)
        p99 = slowest[int(len(slowest) * 0.99)] if slowest else float("nan")
        share = server.handed_over / max(server.captured, 1)
        row = [name, f"{rate(server):.0f}", f"{rate(server) / bare:.2f}x", f"{p99:.0f}"]
        row += [f"{server.cpu_us:.0f}", f"{server.peak_mb:.0f}"]
        row += [f"{share:.0%} of {server.captured}" if ours else ""]
        part.rows.append([*row, server.show_dropped() if ours else ""])
        part.figures[name] = {
            "requests_per_second": rate(server),
            "ratio": rate(server) / bare,
            "p99": p99,
            "cpu_us": server.cpu_us,
            "peak_mb": server.peak_mb,
            "captured": server.captured,
            "handed_over": server.handed_over,
            "dropped": server.dropped,
            "errors": server.errors,
        }
        if server.errors or server.swallowed:
            part.notes.append(
                f"[bold red]{name}: {server.errors} failed requests, {server.swallowed}[/]"
            )
