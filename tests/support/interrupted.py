"""Runs of `shadow-mw` that are in the middle of their calls: to be ended there, or met there."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from support.waiting import WAIT

INTERRUPTED = 130


class Hold:
    """Part of a server's script: answers come at once up to one, those behind it when released."""

    def __init__(self, after: int = 0) -> None:
        self._after = after
        self._reached = threading.Event()
        self._released = threading.Event()

    def here(self, asked: int) -> None:
        """The call of this number is being answered."""
        if asked > self._after:
            self._reached.set()
            self._released.wait(WAIT)

    def reached(self) -> bool:
        """Wait until a call is held."""
        return self._reached.wait(WAIT)

    def release(self) -> None:
        """Answer everybody from now on."""
        self._released.set()


def end_there(
    *arguments: str, hold: Hold, number: signal.Signals, cwd: Path, env: Mapping[str, str]
) -> None:
    """Send a signal to `shadow-mw ARGUMENTS` in the middle: it prints nothing, and says why."""
    process = subprocess.Popen(
        [sys.executable, "-m", "shadow_mw", *arguments],
        cwd=cwd,
        env=dict(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert hold.reached()
    process.send_signal(number)
    printed, errors = process.communicate(timeout=WAIT)
    hold.release()
    asked = number is signal.SIGINT
    assert process.returncode == (INTERRUPTED if asked else -number)
    assert printed == b""
    assert (b"interrupted; what was answered is kept" in errors) == asked
