"""`collector/build`: pinned, cached outside the checkout, safe when two run at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.otelcol import CONFIGS, collector_binary


def build(here: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [here / "build", *arguments],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the script builds from, with nothing built."""
    here = tmp_path / "collector"
    shutil.copytree(CONFIGS, here, ignore=shutil.ignore_patterns("_build"))
    return here


@pytest.fixture
def no_go(tmp_path: Path) -> str:
    """A PATH with everything that the script needs but Go."""
    for name in ("bash", "dirname", "env"):
        found = shutil.which(name)
        assert found
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(found)
    return str(tmp_path / "bin")


def test_without_go_it_says_so_in_one_line(checkout: Path, no_go: str) -> None:
    done = build(checkout, "collector", PATH=no_go)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "no Go here" in done.stderr
    assert not (checkout / "_build").exists()


@pytest.mark.parametrize("arguments", [(), ("otelcol",)])
def test_wrong_use(checkout: Path, arguments: tuple[str, ...]) -> None:
    done = build(checkout, *arguments)
    assert done.returncode == 2
    assert "collector|jaeger" in done.stderr


def test_another_checkout_gets_the_cached_binary(checkout: Path) -> None:
    binary = collector_binary()
    first, second = (build(checkout, "collector") for _ in range(2))
    assert (first.returncode, first.stderr) == (second.returncode, second.stderr) == (0, "")
    assert first.stdout.strip() == str(checkout / "_build" / "otelcol-shadow")
    assert (checkout / "_build" / "otelcol-shadow").read_bytes() == binary.read_bytes()


def test_two_at_once(checkout: Path) -> None:
    collector_binary()
    command = [checkout / "build", "collector"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(4)]
    answers = {process.communicate(timeout=60)[0] for process in running}
    assert {process.returncode for process in running} == {0}
    assert len(answers) == 1


def test_a_changed_sum_is_not_built(checkout: Path, tmp_path: Path) -> None:
    collector_binary()
    sums = (checkout / "go.sum").read_text()
    module = "connector/routingconnector v0.157.0 h1:"
    start = sums.index(module) + len(module)
    (checkout / "go.sum").write_text(sums[:start] + "A" * 43 + sums[start + 43 :])
    # Go keeps what it has compiled under XDG_CACHE_HOME too, and that may stay.
    compiled = subprocess.check_output(["go", "env", "GOCACHE"], text=True).strip()
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "GOCACHE": compiled}
    done = build(checkout, "collector", **cache)
    assert done.returncode == 1
    assert "checksum mismatch" in done.stderr
    assert done.stderr.endswith("otelcol-shadow was not built: see the lines above\n")
    assert list((tmp_path / "cache" / "shadow-mw").glob("otelcol-shadow-*")) == []
