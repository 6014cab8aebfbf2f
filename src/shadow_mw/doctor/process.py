"""The runner: whether a process reads what apps captured."""

from __future__ import annotations

import time
from pathlib import Path

from shadow_mw.capture.supervise import runner_obstacle
from shadow_mw.control import LOG
from shadow_mw.doctor.finding import Finding, broken, holds
from shadow_mw.runner.status import Status, alive, pending_bytes, read_status
from shadow_mw.settings import Settings

LINK = "runner"
SILENT = 10.0
"""Seconds: it reports four times in one."""
STARTS_BY_ITSELF = {
    "auto": "none now: the app starts one at the next call",
    "inline": "none now: it runs in the app, from the next call on",
}


def check(settings: Settings) -> Finding:
    """Whether one is alive and well, or will be as soon as it is needed."""
    directory = settings.directory
    status = read_status(directory)
    if alive(directory):
        return _living(status, directory / LOG)
    if settings.runner == "external":
        return broken(
            LINK,
            "SHADOW_RUNNER=external, and none is alive",
            "start `shadow-mw run` with the app's SHADOW_* variables, or unset SHADOW_RUNNER",
        )
    if (obstacle := runner_obstacle(settings)) is not None:
        return broken(LINK, "none can be started", obstacle)
    pending = pending_bytes(directory, status.consumed if status else {})
    if pending and (said := _last_line(directory / LOG)):
        return broken(
            LINK,
            f"none is alive, though {pending:,} bytes wait; it said: {said}",
            f"see {directory / LOG}, and the app's log",
        )
    return holds(LINK, STARTS_BY_ITSELF[settings.runner])


def _living(status: Status | None, log: Path) -> Finding:
    if status is None:
        return holds(LINK, "alive, has just started")
    age = time.time() - status.time
    if age > SILENT:
        seen = f"pid {status.pid} has said nothing for {age:.0f} s"
        return broken(LINK, seen, f"see {log}, or end that process: another one goes on")
    if status.failing:
        seen = f"alive, pid {status.pid}; not taken from it: {', '.join(status.failing)}"
        said = _last_line(log)
        return broken(LINK, f"{seen}; it said: {said}" if said else seen, "see the probe below")
    return holds(LINK, f"alive, pid {status.pid}, exports to {status.target}")


def _last_line(log: Path) -> str:
    """The end of the log that an app gives its runner; `shadow-mw run` has none."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    telling = [line for line in lines if "tried again until" not in line]
    return telling[-1] if telling else ""
