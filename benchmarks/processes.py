"""The benchmark's child processes: found ports, waited for, ended by their own pid."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from shadow_mw.demo.processes import free_port, stop

HOME = Path(__file__).parents[1]
START_TIMEOUT = 30.0
STOP_TIMEOUT = 5.0
FOREIGN = ("SHADOW_", "OPENAI_", "BENCH_", "OTEL_")
"""The user's own settings, which are not the benchmark's."""


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses connections for as long as the block lasts."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield int(sock.getsockname()[1])


def url_of(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def environ(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    path = os.pathsep.join((str(HOME), str(HOME / "src")))
    local = {"PYTHONPATH": path, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    return kept | local | dict(variables)


class Children:
    """All processes of one benchmark; leaving the block ends them and the runners they started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._children: list[subprocess.Popen[bytes]] = []
        self._awaited: list[tuple[subprocess.Popen[bytes], int, str]] = []

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in reversed(self._children):
            stop_app(child)

    def start(self, module: str, *arguments: str, **variables: str) -> psutil.Process:
        """Start `python -m benchmarks.MODULE`; `ready` waits for its `--port`."""
        with (self.directory / f"{module}.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", f"benchmarks.{module}", *arguments],
                env=environ(variables),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._children.append(child)
        if "--port" in arguments:
            self._awaited.append((child, int(arguments[arguments.index("--port") + 1]), module))
        return psutil.Process(child.pid)

    def ready(self) -> None:
        """Wait until everything that was started takes connections."""
        for child, port, module in self._awaited:
            self._wait(child, port, module)
        self._awaited.clear()

    def _wait(self, child: subprocess.Popen[bytes], port: int, module: str) -> None:
        end = time.monotonic() + START_TIMEOUT
        while child.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        log = (self.directory / f"{module}.log").read_text(errors="replace")
        raise RuntimeError(f"{module} does not listen:\n{log[-2000:]}")

    def model(self, *arguments: str) -> str:
        """Start a model server; its base URL."""
        port = free_port()
        self.start("model_server", "--port", str(port), *arguments)
        return url_of(port)


def run(module: str, *arguments: str, timeout: float, **variables: str) -> dict[str, Any]:
    """Run `python -m benchmarks.MODULE` to its end; the JSON that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        env=environ(variables),
        cwd=variables.get("BENCH_DIRECTORY"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(
            f"{module} ended with {done.returncode}:\n{done.stderr.decode()[-2000:]}"
        )
    table: dict[str, Any] = json.loads(done.stdout)
    return table


def runner_of(app: psutil.Process) -> psutil.Process | None:
    """The runner that an app has started: its child until the app ends."""
    for child in app.children():
        with contextlib.suppress(psutil.Error):
            if "shadow_mw.runner" in child.cmdline():
                return child
    return None


def stop_app(child: subprocess.Popen[bytes]) -> None:
    """End a process, and the runner it started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        runner = runner_of(psutil.Process(child.pid))
        stop(child, STOP_TIMEOUT)
        if runner is not None:
            stop_runner(runner)


def stop_runner(runner: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        # A stopped process takes no SIGTERM until it goes on.
        runner.resume()
        runner.terminate()
        try:
            runner.wait(STOP_TIMEOUT)
        except psutil.TimeoutExpired:
            runner.kill()


def stats(port: int) -> dict[str, Any]:
    """What the app on a port says of itself."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=30) as response:
        table: dict[str, Any] = json.load(response)
    return table
