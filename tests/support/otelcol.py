"""The real collector and the real Jaeger, built by `collector/build` and run for a test."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.servers import clean_environ, free_port
from support.waiting import WAIT, until

DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
CONFIGS = Path(__file__).parents[2] / "collector"
NO_GO = 3
PLAIN = {
    "PRIMARY_OTLP_INSECURE": "true",
    "SHADOW_TRACES_INSECURE": "true",
    "GATEWAY_INSECURE": "true",
}
PORTS = {
    "OTLP_GRPC_LISTEN": "127.0.0.1:{}",
    "OTLP_HTTP_LISTEN": "127.0.0.1:{}",
    "HEALTH_LISTEN": "127.0.0.1:{}",
    "SPAN_METRICS_LISTEN": "127.0.0.1:{}",
    "TELEMETRY_PORT": "{}",
}


@functools.cache
def _built(what: str) -> Path | str:
    """The binary, or why there is none."""
    done = subprocess.run(
        [CONFIGS / "build", what], capture_output=True, text=True, timeout=1500, check=False
    )
    if done.returncode == NO_GO:
        return done.stderr.strip()
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def _binary(what: str) -> Path:
    built = _built(what)
    if isinstance(built, str):
        pytest.skip(built)
    return built


def collector_binary() -> Path:
    """`otelcol-shadow`; skips the test where there is no Go to build it."""
    return _binary("collector")


def jaeger_binary() -> Path:
    """`jaeger`; skips the test where there is no Go to build it."""
    return _binary("jaeger")


class Process:
    """A server that is started, ended, killed and started again on the same ports."""

    def __init__(self, command: Sequence[str], path: Path, env: Mapping[str, str]) -> None:
        self.path = path
        self.env = dict(env)
        self._command = list(command)
        self._log = path / f"{Path(command[0]).name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, ready: str) -> None:
        """Returns when `ready` answers 200."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.path,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(lambda: self._answers(ready), f"an answer of {ready}")

    def stop(self) -> int:
        """SIGTERM, and its exit code; queues are written, what waits is sent."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: nothing is written or sent."""
        self._end(signal.SIGKILL)

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def _answers(self, url: str) -> bool:
        assert self._process is not None
        code = self._process.poll()
        assert code is None, f"ended with {code}:\n{self.log()[-4000:]}"
        # HTTPError is an OSError.
        with suppress(OSError), DIRECT.open(url, timeout=2):
            return True
        return False

    def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self._process.poll() is None:
            os.kill(self._process.pid, how)
            try:
                self._process.wait(WAIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait(WAIT)


class Otelcol(Process):
    """A running collector."""

    @property
    def otlp_http(self) -> str:
        """Base URL."""
        return f"http://{self.env['OTLP_HTTP_LISTEN']}"

    @property
    def otlp_grpc(self) -> str:
        """With the scheme that says: no TLS."""
        return f"http://{self.env['OTLP_GRPC_LISTEN']}"

    @property
    def health(self) -> str:
        return f"http://{self.env['HEALTH_LISTEN']}"

    @property
    def telemetry(self) -> str:
        """The collector's own metrics."""
        host = self.env.get("TELEMETRY_HOST", "127.0.0.1")
        return f"http://{host}:{self.env['TELEMETRY_PORT']}/metrics"

    @property
    def span_metrics(self) -> str:
        """Metrics made of production's spans."""
        return f"http://{self.env['SPAN_METRICS_LISTEN']}/metrics"

    def restart(self) -> None:
        """After a `stop` or `kill`: same ports, same queue directory."""
        self.start(self.health)

    def metric(self, name: str, **labels: str) -> float:
        """One of the collector's own metrics, summed over the series that have the labels."""
        return total(self.telemetry, name, **labels)


def series(url: str) -> dict[str, float]:
    """Every sample of a Prometheus page."""
    with DIRECT.open(url, timeout=WAIT) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def total(url: str, name: str, **labels: str) -> float:
    """Sum of the samples of that name and those labels."""
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(
        value
        for sample, value in series(url).items()
        if re.split(r"[{ ]", sample, maxsplit=1)[0] == name and all(w in sample for w in wanted)
    )


@contextmanager
def running_collector(path: Path, configs: Sequence[Path], **env: str) -> Iterator[Otelcol]:
    """Run the collector with these configurations until the block ends.

    Args:
        path: its working directory; the queue directory is inside.
        configs: each a `--config`, later ones laid over the first.
        env: its variables; every listening address that is not given gets a free port,
            and gRPC goes out without TLS.
    """
    command = [str(collector_binary())]
    for config in configs:
        command += ["--config", str(config)]
    ports = {name: shape.format(free_port()) for name, shape in PORTS.items()}
    environ = clean_environ(SHADOW_QUEUE_DIR=str(path / "queue"), **ports, **PLAIN) | env
    path.mkdir(parents=True, exist_ok=True)
    one = Otelcol(command, path, environ)
    try:
        one.start(one.health)
        yield one
    finally:
        one.stop()


@dataclass(frozen=True)
class JaegerSpan:
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    """Empty for a root."""
    service: str
    attributes: dict[str, Any]
    """The span's tags, `otel.scope.name` and `span.kind` among them."""
    resource: dict[str, Any]
    events: list[dict[str, Any]]


class Jaeger(Process):
    """A running Jaeger."""

    @property
    def otlp_grpc(self) -> str:
        """With the scheme that says: no TLS."""
        return f"http://{self.env['JAEGER_OTLP_GRPC_LISTEN']}"

    @property
    def otlp_http(self) -> str:
        """Base URL."""
        return f"http://{self.env['JAEGER_OTLP_HTTP_LISTEN']}"

    @property
    def query(self) -> str:
        """Base URL of its API and user interface."""
        return f"http://{self.env['JAEGER_UI_LISTEN']}"

    def services(self) -> list[str]:
        return sorted(self._get("/api/services") or [])

    def spans(self, service: str, tags: Mapping[str, str] | None = None) -> list[JaegerSpan]:
        """Spans of the service's traces; with tags, of the traces that have a span with them."""
        query = {"service": service, "limit": "100000", "lookback": "2d"}
        if tags:
            query["tags"] = json.dumps(dict(tags))
        return [span for trace in self._get("/api/traces", query) or [] for span in _spans(trace)]

    def trace(self, trace_id: str) -> list[JaegerSpan]:
        """Every span of one trace; none where it has none."""
        return [s for trace in self._get(f"/api/traces/{trace_id}") or [] for s in _spans(trace)]

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        try:
            url = f"{self.query}{path}?{urllib.parse.urlencode(query or {})}"
            with DIRECT.open(url, timeout=WAIT) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 404:
                raise
            return []


@contextmanager
def running_jaeger(path: Path) -> Iterator[Jaeger]:
    """Run Jaeger, in memory, until the block ends."""
    names = ("UI", "QUERY", "HEALTH", "OTLP_GRPC", "OTLP_HTTP")
    ports = {f"JAEGER_{name}_LISTEN": f"127.0.0.1:{free_port()}" for name in names}
    path.mkdir(parents=True, exist_ok=True)
    command = [str(jaeger_binary()), "--config", str(CONFIGS / "jaeger" / "jaeger.yaml")]
    # Otherwise it traces itself, to port 4317.
    one = Jaeger(command, path, clean_environ(OTEL_TRACES_SAMPLER="always_off", **ports))
    try:
        one.start(f"http://{ports['JAEGER_HEALTH_LISTEN']}/status")
        yield one
    finally:
        one.stop()


def _spans(trace: Mapping[str, Any]) -> Iterator[JaegerSpan]:
    for span in trace["spans"]:
        process = trace["processes"][span["processID"]]
        parents = [r["spanID"] for r in span["references"] if r["refType"] == "CHILD_OF"]
        yield JaegerSpan(
            name=span["operationName"],
            trace_id=span["traceID"],
            span_id=span["spanID"],
            parent_id=parents[0] if parents else "",
            service=process["serviceName"],
            attributes=_tags(span["tags"]),
            resource=_tags(process["tags"]),
            events=[_tags(log["fields"]) for log in span["logs"]],
        )


def _tags(tags: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in tags}
