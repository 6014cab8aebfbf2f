"""Alarms beside something that must not wait: one thread sends, another has them worked out."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

from shadow_mw.commands.background import beside
from shadow_mw.evaluate.messages import Messages
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import StoreError
from shadow_mw.serve.webhook import Webhook, deliver_until
from shadow_mw.settings import Settings

logger = logging.getLogger("shadow_mw")

LEAVE_SECONDS: Final = 3.0
"""For a message that is on its way at the end; without an answer until then it is sent again."""
FIRST_REST: Final = 2.0
"""After the start, when everybody else is busy."""
SHORTEST_REST: Final = 15.0
LONGEST_REST: Final = 300.0
"""Without a change too: windows end."""
REST: Final = 30
"""Times as long as a look took: that much of a core, at most, goes into looking."""
NICENESS: Final = 10
LOOK: Final = (sys.executable, "-m", "shadow_mw", "alerts", "--no-send")


@contextlib.contextmanager
def sending(settings: Settings) -> Iterator[None]:
    """Messages go out from a thread with a connection of its own; there has to be a webhook."""
    url = settings.webhook_url
    if url is None:
        yield
        return

    def work(stop: threading.Event) -> None:
        with Store.open(settings.store) as store:
            deliver_until(stop, Messages(store), Webhook(url.get_secret_value()))

    with beside(work, "shadow_mw-webhook", LEAVE_SECONDS):
        yield


def looking(settings: Settings) -> AbstractContextManager[None]:
    """Alarms are worked out after changes of the store, by a process of its own.

    It takes seconds of computing and the memory of all pairs: whoever receives spans has neither
    to spare.
    """
    return beside(partial(_look_until, path=settings.store), "shadow_mw-alarms")


def _look_until(stop: threading.Event, path: Path) -> None:
    seen, looked, rest, fault = None, 0.0, SHORTEST_REST, ""
    stop.wait(FIRST_REST)
    with Store.open(path) as store:
        while not stop.is_set():
            started = time.monotonic()
            try:
                (version,) = store.one("PRAGMA data_version")
                if version != seen or started > looked + LONGEST_REST:
                    fault = _tell_once(_look(stop), fault)
                    seen, looked = version, started
                    rest = max(SHORTEST_REST, REST * (time.monotonic() - started))
            except (sqlite3.Error, StoreError, OSError) as error:
                fault = _tell_once(str(error), fault)
            stop.wait(rest)


def _tell_once(fault: str, before: str) -> str:
    if fault and fault != before:
        logger.warning("alarms are not worked out: %s", fault)
    return fault


def _look(stop: threading.Event) -> str:
    """What went wrong; empty where nothing did."""
    with subprocess.Popen(
        LOOK, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
        said = b""
        while True:
            try:
                _, said = process.communicate(timeout=0.2)
                break
            except subprocess.TimeoutExpired:
                if stop.is_set():
                    process.kill()
    if process.returncode in (0, 1) or stop.is_set():
        return ""
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"ended with {process.returncode}"
