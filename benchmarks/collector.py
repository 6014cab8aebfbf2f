"""CPU of the real collector for the same spans: passed through, and through both our pipelines."""

from __future__ import annotations

import http.client
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from benchmarks.collector_spans import APP_SPANS, MARK, PER_BLOCK, posts
from benchmarks.processes import HOME, Children, environ
from benchmarks.results import Part, Target
from shadow_mw.demo.processes import free_port, stop

COLLECTOR = HOME / "collector"
PASS = HOME / "benchmarks" / "collector_pass.yaml"
SPAN_METRICS = HOME / "benchmarks" / "collector_span_metrics.yaml"
SHADOW = COLLECTOR / "shadow.yaml"
LIMIT = 1.6
HEADERS = {"content-type": "application/x-protobuf"}

CONFIGS = {
    "pass-through": [PASS],
    "pass-through, span metrics": [PASS, SPAN_METRICS],
    "shadow.yaml": [SHADOW],
    "routing.yaml": [SHADOW, COLLECTOR / "routing.yaml"],
}


@dataclass
class Collector:
    """One that runs, and what each round cost it."""

    process: psutil.Process
    child: subprocess.Popen[bytes]
    port: int
    telemetry: str
    sent: int = 0
    seconds: list[float] = field(default_factory=list)

    def round(self, bodies: Sequence[tuple[bytes, bytes]], blocks: int) -> None:
        """Send as many blocks, wait until all spans have left, keep the CPU seconds of it."""
        before = self._cpu()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for number in range(blocks):
            for body in bodies[number % len(bodies)]:
                connection.request("POST", "/v1/traces", body, HEADERS)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"the collector answered {answer.status}")
        connection.close()
        self.sent += blocks * PER_BLOCK
        self._drained()
        self.seconds.append(self._cpu() - before)

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system

    def _drained(self) -> None:
        end = time.monotonic() + 60
        while self._left() < self.sent:
            if time.monotonic() > end:
                raise RuntimeError(f"{self.sent - self._left():g} spans did not leave")
            time.sleep(0.1)

    def _left(self) -> float:
        with urllib.request.urlopen(self.telemetry, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        sent = "otelcol_exporter_sent_spans{"
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(sent))


def measure(directory: Path, *, quick: bool) -> Part:
    rounds, blocks = (4, 40) if quick else (20, 60)
    binary = _binary()
    bodies = posts()
    with Children(directory) as children:
        http_port, grpc_port = free_port(), free_port()
        children.start("collector_sink", "--port", str(http_port), "--grpc-port", str(grpc_port))
        children.ready()
        running = {
            name: _start(binary, configs, directory / f"{number}", http_port, grpc_port)
            for number, (name, configs) in enumerate(CONFIGS.items())
        }
        try:
            for number in range(rounds + 1):
                order = list(running.values())
                for one in order if number % 2 else reversed(order):
                    one.round(bodies, blocks)
        finally:
            for one in running.values():
                stop(one.child)
    return _part({name: one.seconds[1:] for name, one in running.items()}, blocks)


def _part(seconds: dict[str, list[float]], blocks: int) -> Part:
    rounds = len(seconds["pass-through"])
    part = Part(
        "G. CPU of the collector",
        f"the real collector, {rounds} alternating rounds of {blocks * PER_BLOCK:,} spans"
        f" ({APP_SPANS} of the app and 2 legs with 2 KB of content a request); the same bytes.",
        ["configuration", "us of CPU a span", "to pass-through", "to it with span metrics"],
    )
    reference = seconds["pass-through"]
    metrics = seconds["pass-through, span metrics"]
    for name, took in seconds.items():
        each = float(np.median(took)) / (blocks * PER_BLOCK) * 1e6
        ratios = [_ratio(took, reference), _ratio(took, metrics)]
        part.rows.append([name, f"{each:.2f}", *(f"{ratio:.2f}x" for ratio in ratios)])
        part.figures[name] = {"seconds": took, "ratios": ratios}
    ratio = _ratio(seconds["shadow.yaml"], reference)
    part.targets.append(
        Target("collector, both pipelines", f"<= {LIMIT}x", f"{ratio:.2f}x", ratio <= LIMIT)
    )
    return part


def _ratio(took: Sequence[float], reference: Sequence[float]) -> float:
    """The median of the rounds' ratios: each round is measured side by side."""
    return float(np.median(np.asarray(took) / np.asarray(reference)))


def _binary() -> str:
    done = subprocess.run(
        [COLLECTOR / "build", "collector"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.strip()


def _start(
    binary: str, configs: Sequence[Path], path: Path, http_port: int, grpc_port: int
) -> Collector:
    path.mkdir()
    port, telemetry, health = free_port(), free_port(), free_port()
    variables = {
        "PRIMARY_OTLP_ENDPOINT": f"127.0.0.1:{grpc_port}",
        "PRIMARY_OTLP_INSECURE": "true",
        "EVAL_OTLP_ENDPOINT": f"http://127.0.0.1:{http_port}",
        "SHADOW_MARK": MARK,
        "SHADOW_QUEUE_DIR": str(path / "queue"),
        "OTLP_HTTP_LISTEN": f"127.0.0.1:{port}",
        "OTLP_GRPC_LISTEN": f"127.0.0.1:{free_port()}",
        "HEALTH_LISTEN": f"127.0.0.1:{health}",
        "SPAN_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
        "TELEMETRY_PORT": str(telemetry),
    }
    arguments = [part for config in configs for part in ("--config", str(config))]
    with (path / "log").open("wb") as log:
        child = subprocess.Popen(
            [binary, *arguments], env=environ({}) | variables, stdout=log, stderr=log
        )
    end = time.monotonic() + 30
    while not _healthy(f"http://127.0.0.1:{health}"):
        if child.poll() is not None or time.monotonic() > end:
            raise RuntimeError((path / "log").read_text()[-2000:])
        time.sleep(0.1)
    return Collector(
        psutil.Process(child.pid), child, port, f"http://127.0.0.1:{telemetry}/metrics"
    )


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except OSError:
        return False
