"""The demo's child processes: started, waited for, and ended by their own pid, whatever happens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import shadow_mw
from shadow_mw.exceptions import ShadowError

START_TIMEOUT = 30.0
STOP_TIMEOUT = 10.0
FOREIGN = ("SHADOW_", "OPENAI_", "DEMO_")
"""The user's own settings, which are not the demo's."""


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def environ(variables: Mapping[str, str]) -> dict[str, str]:
    """The user's environment without settings of ours or the SDK's, plus `variables`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    home = str(Path(shadow_mw.__file__).parents[1])
    path = os.pathsep.join(filter(None, [home, kept.get("PYTHONPATH")]))
    local = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "PYTHONPATH": path}
    return {**kept, **local, **variables}


@dataclass(slots=True)
class Child:
    """One process with its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Say what happened where the process is gone.

        Raises:
            ShadowError: it ended; with the last line of its log.
        """
        code = self.process.poll()
        if code is not None:
            raise ShadowError(f"the {self.name} ended with {code}: {self.tail()}")

    def tail(self) -> str:
        """The last line it printed."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else "it printed nothing"

    def stop(self) -> None:
        """End it."""
        stop(self.process)


@dataclass(slots=True)
class Children:
    """All processes of one demo; leaving the block ends them, the last started first."""

    directory: Path
    children: list[Child] = field(default_factory=list)

    def __enter__(self) -> Children:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for child in reversed(self.children):
            child.stop()

    def start(self, name: str, arguments: Sequence[str], env: Mapping[str, str]) -> Child:
        """Start `python -m ARGUMENTS`, in a session of its own: Ctrl-C reaches us alone."""
        log = self.directory / f"{name.replace(' ', '-')}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", *arguments],
                env=dict(env),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child = Child(name, process, log)
        self.children.append(child)
        return child

    def check(self) -> None:
        """Raise where any of them is gone."""
        for child in self.children:
            child.check()


def stop(process: subprocess.Popen[bytes], patience: float = STOP_TIMEOUT) -> None:
    """SIGTERM; SIGKILL where it has not ended after so many seconds."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_ready(child: Child, port: int) -> None:
    """Wait until the child takes connections.

    Raises:
        ShadowError: it ended, or does not listen in time.
    """
    end = time.monotonic() + START_TIMEOUT
    while time.monotonic() < end:
        child.check()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise ShadowError(
        f"the {child.name} does not listen after {START_TIMEOUT:.0f} s: {child.tail()}"
    )
