"""The real Prometheus and promtool (Debian package `prometheus`), run for a test."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from support.servers import clean_environ, free_port
from support.waiting import WAIT, until

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
        timeout=WAIT,
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
        answer = httpx2.get(self.url + path, params=query, trust_env=False, timeout=WAIT)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextmanager
def running_prometheus(
    path: Path,
    targets: Mapping[str, Sequence[str]],
    token: str,
    interval: str = "500ms",
    scrape: str = "2s",
) -> Iterator[Prometheus]:
    """Run it with the shipped configuration until the block ends.

    Args:
        path: where its data goes.
        targets: hosts and ports by job.
        token: the evaluator's.
        interval: of evaluating rules, and what alerts wait instead of `for`.
        scrape: the interval of scraping, which is also what a busy machine has for an answer.
    """
    path.mkdir(parents=True, exist_ok=True)
    (path / "token").write_text(token)
    config = yaml.safe_load(with_token(CONFIG.read_text(), path / "token"))
    config["global"] = {"scrape_interval": scrape, "evaluation_interval": interval}
    for scrape in config["scrape_configs"]:
        scrape["static_configs"] = [{"targets": list(targets[scrape["job_name"]])}]
    (path / "prometheus.yml").write_text(yaml.safe_dump(config))
    (path / "alerts.yml").write_text(yaml.safe_dump(_impatient(interval)))
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
        url = f"http://127.0.0.1:{port}"
        until(lambda: _ready(process, url, path / "prometheus.log"), "Prometheus")
        yield Prometheus(url)
    finally:
        process.terminate()
        process.wait(WAIT)


def with_token(config: str, file: Path) -> str:
    """The shipped configuration with what is commented out for the token."""
    commented = re.compile(
        r"^    # authorization:\n    #   credentials_file: \S+\n", flags=re.MULTILINE
    )
    text, n = commented.subn(f"    authorization:\n      credentials_file: {file}\n", config)
    assert n == 1
    return text


def _impatient(patience: str) -> Any:
    rules = yaml.safe_load(ALERTS.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = patience
    return rules


def _ready(process: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    with suppress(httpx2.HTTPError):
        return httpx2.get(f"{url}/-/ready", trust_env=False, timeout=2).status_code == 200
    return False
