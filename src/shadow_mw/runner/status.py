"""What a runner is doing, as a file that anybody may read."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from shadow_mw.control import LOCK, STATUS, read_json, write_json
from shadow_mw.frames import SUFFIX


@dataclass(frozen=True, slots=True)
class Status:
    """One moment of a runner."""

    pid: int
    time: float
    experiment: str
    candidates: list[str]
    target: str
    """Where the spans go: a store's path or an OTLP endpoint."""
    in_flight: int
    waiting: int
    """Exchanges in memory, and results not yet exported."""
    held: int
    """Failed attempts that wait for the SDK's retry."""
    captured: int
    consumed: dict[str, int] = field(default_factory=dict)
    """Bytes read, by segment."""
    outcomes: dict[str, dict[str, int]] = field(default_factory=dict)
    spent_usd: dict[str, str] = field(default_factory=dict)

    failing: list[str] = field(default_factory=list)
    """Of `spans` and `counters`, what their target does not take at the moment."""

    @property
    def busy(self) -> bool:
        """Whether anything is in memory."""
        return bool(self.in_flight or self.waiting or self.held)


def write_status(directory: Path, status: Status) -> None:
    """Publish a moment."""
    write_json(directory / STATUS, asdict(status))


def read_status(directory: Path) -> Status | None:
    """The last published moment; None before the first one."""
    table = read_json(directory / STATUS)
    try:
        return Status(**table) if table else None
    except TypeError:
        return None


def alive(directory: Path) -> bool:
    """Whether a runner serves this directory now."""
    try:
        fd = os.open(directory / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def pending_bytes(directory: Path, consumed: Mapping[str, int]) -> int:
    """Bytes in segments that no runner has read yet."""
    total = 0
    for path in directory.glob(f"*{SUFFIX}"):
        try:
            total += max(path.stat().st_size - consumed.get(path.name, 0), 0)
        except FileNotFoundError:
            continue
    return total


def drained(directory: Path, captured: int = 0) -> bool:
    """Whether at least so many calls were captured and every one is accounted for."""
    status = read_status(directory)
    if status is None or status.busy or status.captured < captured:
        return False
    return pending_bytes(directory, status.consumed) == 0


def wait_drained(directory: Path, captured: int, timeout: float) -> bool:
    """Wait until `drained`; False where that takes longer than `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not drained(directory, captured):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
