"""The same app in every variant, all alive at once, so that they can take turns."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.peak import peak_mb, reset_peak
from benchmarks.processes import (
    Children,
    refusing_port,
    run,
    runner_of,
    stats,
    url_of,
)
from shadow_mw.demo.processes import free_port

CONCURRENCY = "32"
"""Candidate calls at once: 100 a second of 200 ms each need 20."""
TIMEOUT = "600"
"""Seconds: a hung candidate hangs for the whole run, and no call ends while its runner waits."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the app."""

    name: str
    app: str
    candidate: str = "healthy"
    sample: str = "1"


BARE, AGAIN = "bare", "bare again"
ARTICLES, ARTICLES_HUNG = "articles' create_task", "articles', candidate hung"
VARIANTS = (
    Variant(BARE, "bare"),
    Variant(AGAIN, "bare"),
    Variant("ours, 0 %", "ours", sample="0"),
    Variant("ours, 10 %", "ours", sample="0.1"),
    Variant("ours, 100 %", "ours"),
    Variant("ours, candidate slow (5 s)", "ours", "slow"),
    Variant("ours, candidate hung", "ours", "hung"),
    Variant("ours, candidate refusing", "ours", "refusing"),
    Variant(ARTICLES, "articles"),
    Variant(ARTICLES_HUNG, "articles", "hung"),
)


@dataclass(slots=True)
class Server:
    """One variant's app, and what was measured of it so far."""

    variant: Variant
    port: int
    process: psutil.Process
    rounds: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0
    sent: int = 0
    errors: int = 0
    cpu_ns: int = 0
    peak_mb: float = 0
    first: dict[str, int] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    swallowed: dict[str, int] = field(default_factory=dict)
    runner: psutil.Process | None = None

    def round(self, *arguments: str, seconds: float, warmup: float, size: int) -> None:
        """Put load on this app for a while; its runner works during its own turns only."""
        if self.runner is not None:
            self.runner.resume()
        before = stats(self.port)
        self.first = before["counts"] if self.first is None else self.first
        times = ("--seconds", str(seconds), "--warmup", str(warmup), "--size", str(size))
        reset_peak(self.process.pid)
        raw = run("load", "--port", str(self.port), *arguments, *times, timeout=seconds + 60)
        self.peak_mb = max(self.peak_mb, peak_mb(self.process.pid))
        after = stats(self.port)
        self.rounds.append(raw["latencies"])
        self.seconds += seconds
        self.sent += raw["sent"]
        self.errors += raw["errors"]
        self.cpu_ns += after["cpu_ns"] - before["cpu_ns"]
        self.counts, self.swallowed = after["counts"], after["swallowed"]
        self.runner = runner_of(self.process)
        if self.runner is not None:
            self.runner.suspend()

    @property
    def cpu_us(self) -> float:
        """Of the whole app process, a request."""
        return self.cpu_ns / max(self.sent, 1) / 1e3

    @property
    def dropped(self) -> dict[str, int]:
        """Calls that were not handed over, by the app's reasons."""
        counts = Counter(self.counts) - Counter(self.first or {})
        return {name: n for name, n in counts.items() if name not in ("captured", "not_sampled")}

    @property
    def captured(self) -> int:
        return self.counts.get("captured", 0) - (self.first or {}).get("captured", 0)

    @property
    def handed_over(self) -> int:
        counts, first = self.counts, self.first or {}
        refused = counts.get("not_sampled", 0) - first.get("not_sampled", 0)
        return self.captured - refused - sum(self.dropped.values())

    def show_dropped(self) -> str:
        return ", ".join(f"{name} {n}" for name, n in self.dropped.items()) or "0"

    def runner_outcomes(self) -> dict[str, Any]:
        """What the runner has accounted for so far."""
        from shadow_mw.runner.status import read_status

        directory = stats(self.port)["directory"]
        status = read_status(Path(directory)) if directory else None
        return dict(status.outcomes) if status else {}


@contextlib.contextmanager
def fleet(directory: Path, model: list[str], candidate: list[str]) -> Iterator[dict[str, Server]]:
    """All variants, alive; `model` and `candidate` are arguments of those servers."""
    with refusing_port() as refusing, Children(directory) as children:
        urls = {
            "healthy": children.model(*candidate),
            "slow": children.model("--delay", "5"),
            "hung": children.model("--hang"),
            "refusing": url_of(refusing),
        }
        model_url = children.model(*model)
        servers = {
            variant.name: start(children, variant, model_url, urls[variant.candidate])
            for variant in VARIANTS
        }
        children.ready()
        yield servers


def start(children: Children, variant: Variant, model_url: str, candidate_url: str) -> Server:
    """Start one variant's app."""
    port = free_port()
    state = children.directory / f"state-{port}"
    variables = {"BENCH_MODEL_URL": model_url, "BENCH_CANDIDATE_URL": candidate_url}
    if variant.app == "ours":
        variables |= {
            "SHADOW_CANDIDATE_URL": candidate_url,
            "SHADOW_CANDIDATE_MODEL": "bench-small",
            "SHADOW_SAMPLE_RATE": variant.sample,
            # By the trace: the requests are all alike, and so their conversations too.
            "SHADOW_STICKY": "trace",
            "SHADOW_MAX_CONCURRENCY": CONCURRENCY,
            "SHADOW_TIMEOUT": TIMEOUT,
            "SHADOW_STATE_DIR": str(state),
            "SHADOW_STORE": str(state / "shadow.db"),
        }
    process = children.start("app", "--port", str(port), "--variant", variant.app, **variables)
    return Server(variant, port, process)


def turns(servers: dict[str, Server], rounds: int) -> Iterator[Server]:
    """Every variant once a round, in an order of its own each round."""
    order = list(servers.values())
    shuffle = random.Random(11).shuffle
    for _ in range(rounds):
        shuffle(order)
        yield from order
