"""The real Prometheus and promtool (Debian package `prometheus`), run for a test."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from support.servers import clean_environ, free_port

COLLECTOR = Path(__file__).parents[2] / "collector"
CONFIG = COLLECTOR / "prometheus" / "prometheus.yml"
ALERTS = COLLECTOR / "prometheus" / "alerts.yml"

Labels = dict[str, str]


def binary(name: str) -> str:
    """`prometheus` or `promtool`; skips the test where the package is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(
            f"no {name} here: apt-get install --no-install-recommends prometheus "
            "(and stop its service: tests start their own)"
        )
    return found


def promtool(*arguments: str, cwd: Path | None = None) -> str:
    """Its output; the test fails where it does."""
    done = subprocess.run(
        [binary("promtool"), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Sample:
    labels: Labels
    value: float


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str, at: float | None = None) -> list[Sample]:
        """An instant query: a vector's samples, or a scalar's one."""
        answer = self._get("/api/v1/query", query=expression, **({"time": at} if at else {}))
        if answer["resultType"] == "scalar":
            return [Sample({}, float(answer["result"][1]))]
        return [Sample(s["metric"], float(s["value"][1])) for s in answer["result"]]

    def firing(self) -> dict[str, list[dict[str, Any]]]:
        """Alerts that fire, with labels and annotations, by name."""
        found: dict[str, list[dict[str, Any]]] = {}
        for alert in self._get("/api/v1/alerts")["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert)
        return found

    def targets(self) -> dict[str, str]:
        """The health of each job's target."""
        active = self._get("/api/v1/targets")["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in active}

    def _get(self, path: str, **query: Any) -> Any:
        answer = httpx2.get(self.url + path, params=query, trust_env=False, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextmanager
def running_prometheus(
    path: Path, targets: Mapping[str, str], interval: str = "500ms", patience: str | None = None
) -> Iterator[Prometheus]:
    """Run it with the shipped configuration until the block ends.

    Args:
        path: where its data goes.
        targets: host and port by job; jobs without one are left out.
        interval: of scraping and of evaluating rules.
        patience: replaces every `for` of the alerts.
    """
    config = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": interval, "evaluation_interval": interval}
    config["scrape_configs"] = [
        scrape | {"static_configs": [{"targets": [targets[scrape["job_name"]]]}]}
        for scrape in config["scrape_configs"]
        if scrape["job_name"] in targets
    ]
    path.mkdir(parents=True, exist_ok=True)
    (path / "prometheus.yml").write_text(yaml.safe_dump(config))
    (path / "alerts.yml").write_text(yaml.safe_dump(_impatient(patience)))
    port = free_port()
    command = [
        binary("prometheus"),
        f"--config.file={path / 'prometheus.yml'}",
        f"--storage.tsdb.path={path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=path, env=clean_environ(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait_ready(process, f"http://127.0.0.1:{port}", path / "prometheus.log")
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(20)


def eventually(reached: Any, timeout: float = 30) -> Any:
    """The first true value that it gives; the test fails where none comes."""
    end = time.monotonic() + timeout
    while not (value := reached()):
        assert time.monotonic() < end, f"not reached in {timeout:g} s"
        time.sleep(0.1)
    return value


def _impatient(patience: str | None) -> Any:
    rules = yaml.safe_load(ALERTS.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            if patience is not None and "for" in rule:
                rule["for"] = patience
    return rules


def _wait_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + 20
    while True:
        assert process.poll() is None, log.read_text()
        try:
            if httpx2.get(f"{url}/-/ready", trust_env=False, timeout=2).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
