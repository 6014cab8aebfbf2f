"""Every configuration loads, and none of them sends data to where nobody has told it to."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.otelcol import CONFIGS, collector_binary
from support.servers import clean_environ, free_port

SHADOW = "shadow.yaml"
ENDPOINTS = {
    "PRIMARY_OTLP_ENDPOINT": "127.0.0.1:9",
    "EVAL_OTLP_ENDPOINT": "http://127.0.0.1:9",
}
CONFIGURATIONS: dict[str, tuple[list[str], dict[str, str]]] = {
    "shadow": ([SHADOW], ENDPOINTS),
    "routing": ([SHADOW, "routing.yaml"], ENDPOINTS),
    "tail-sampling": ([SHADOW, "tail-sampling.yaml"], ENDPOINTS),
    "tracing": (
        [SHADOW, "tracing.yaml"],
        {**ENDPOINTS, "SHADOW_TRACES_ENDPOINT": "127.0.0.1:9"},
    ),
    "all of them": (
        [SHADOW, "routing.yaml", "tail-sampling.yaml", "tracing.yaml"],
        {**ENDPOINTS, "SHADOW_TRACES_ENDPOINT": "127.0.0.1:9"},
    ),
    "clickhouse": (
        [SHADOW, "clickhouse.yaml"],
        {**ENDPOINTS, "CLICKHOUSE_ENDPOINT": "tcp://127.0.0.1:9"},
    ),
    "kafka": (
        [SHADOW, "kafka.yaml"],
        {"PRIMARY_OTLP_ENDPOINT": "127.0.0.1:9", "KAFKA_BROKERS": "127.0.0.1:9"},
    ),
    "kafka-consumer": (
        ["kafka-consumer.yaml"],
        {"EVAL_OTLP_ENDPOINT": "http://127.0.0.1:9", "KAFKA_BROKERS": "127.0.0.1:9"},
    ),
    "agent": (
        [SHADOW, "agent-gateway/agent.yaml"],
        {"PRIMARY_OTLP_ENDPOINT": "127.0.0.1:9", "GATEWAY_ENDPOINTS": "[127.0.0.1:9]"},
    ),
    "gateway": (
        ["agent-gateway/gateway.yaml"],
        {"EVAL_OTLP_ENDPOINT": "http://127.0.0.1:9"},
    ),
}
UNSET = [(name, variable) for name, (_, env) in CONFIGURATIONS.items() for variable in env]


def run(name: str, env: dict[str, str], tmp_path: Path, *command: str) -> tuple[int, str]:
    """Exit code and output of the collector with these configurations."""
    arguments = [part for path in CONFIGURATIONS[name][0] for part in ("--config", path)]
    ports = {
        f"{what}_LISTEN": f"127.0.0.1:{free_port()}"
        for what in ("OTLP_GRPC", "OTLP_HTTP", "HEALTH", "SPAN_METRICS")
    }
    more = {"TELEMETRY_PORT": str(free_port()), "SHADOW_QUEUE_DIR": str(tmp_path / "queue")}
    done = subprocess.run(
        [collector_binary(), *command, *arguments],
        cwd=CONFIGS,
        env=clean_environ(**ports, **more, **env),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_it_loads(name: str, tmp_path: Path) -> None:
    assert run(name, CONFIGURATIONS[name][1], tmp_path, "validate") == (0, "")


def test_each_file_is_tested() -> None:
    files = {str(path.relative_to(CONFIGS)) for path in CONFIGS.rglob("*.yaml")}
    files = {path for path in files if not path.startswith(("_build", "grafana"))}
    tested = {path for paths, _ in CONFIGURATIONS.values() for path in paths}
    assert files - tested == {"builder.yaml", "compose.yaml", "jaeger/jaeger.yaml"}


@pytest.mark.parametrize("how", ["unset", "empty"])
@pytest.mark.parametrize(("name", "variable"), UNSET)
def test_an_endpoint_that_is_not_set_stops_the_start_by_name(
    name: str, variable: str, how: str, tmp_path: Path
) -> None:
    env = {key: value for key, value in CONFIGURATIONS[name][1].items() if key != variable}
    code, output = run(name, env | ({variable: ""} if how == "empty" else {}), tmp_path)
    assert code == 1
    assert f'{how} environment variable\t{{"name": "{variable}"}}' in output
    assert "\nError: " in output


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((CONFIGS / "compose.yaml").read_text())


def test_compose_mounts_what_exists(compose: dict[str, Any]) -> None:
    sources = [
        volume.split(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    ]
    files = [source for source in sources if source.startswith(".")]
    assert files
    assert [path for path in files if not (CONFIGS / path).exists()] == []
    named = {source for source in sources if not source.startswith(".")}
    assert named == set(compose["volumes"])


def test_compose_gives_each_collector_its_variables(compose: dict[str, Any]) -> None:
    environment = compose["services"]["collector"]["environment"]
    assert environment.keys() >= CONFIGURATIONS["tracing"][1].keys()
    assert compose["services"]["collector"]["image"].endswith("contrib:0.159.0")
