"""Real servers for tests: started as subprocesses, waited for, ended by their own pid."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from support.waiting import WAIT, until

FOREIGN = ("SHADOW_", "OPENAI_", "ANTHROPIC_", "OTEL_", "DEMO_")


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def clean_environ(**variables: str) -> dict[str, str]:
    """This process's environment without settings of ours or of an SDK, plus `variables`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return kept | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"} | variables


@dataclass
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def output(self) -> str:
        """What it printed so far, stdout and stderr together."""
        return self.log.read_text(errors="replace")

    def stop(self, timeout: float = WAIT) -> int:
        """SIGTERM, wait; SIGKILL where it does not go. Returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait(WAIT)


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Server]:
    """Run a command until the block ends; the block starts when the port takes connections.

    Args:
        command: without the interpreter where its first word is `-m`.
        port: where the command was told to listen.
        env: its whole environment; `clean_environ()` by default.
        cwd: its directory.
    """
    if command[0] == "-m":
        command = [sys.executable, *command]
    with TemporaryDirectory(prefix="server-") as directory:
        log = Path(directory, "log")
        with log.open("wb") as out:
            process = subprocess.Popen(
                list(command),
                env=dict(clean_environ() if env is None else env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        server = Server(port, process, log)
        try:
            until(lambda: _listens(server), f"a server on port {port}")
            yield server
        finally:
            server.stop()


def _listens(server: Server) -> bool:
    if server.process.poll() is not None:
        raise RuntimeError(f"server ended with {server.process.returncode}:\n{server.output()}")
    with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1):
        return True
    return False


@contextmanager
def model_server(extractor: str, *, latency_ms: float = 5, model: str = "") -> Iterator[Server]:
    """The demo's OpenAI-compatible server; its base URL for SDKs is `server.url + "/v1"`."""
    port = free_port()
    command = ["-m", "shadow_mw.demo.model_server", "--extractor", extractor, "--port", str(port)]
    command += ["--latency-ms", str(latency_ms)] + (["--model", model] if model else [])
    with running(command, port) as server:
        yield server
