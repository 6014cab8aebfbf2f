"""A sign that an app of this experiment is alive: a small file, locked for as long as it lives.

The lock is shared over `fork`, so that it tells of an app whose parent made the middleware.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".app"


@dataclass(frozen=True, slots=True)
class Presence:
    """A living app, as the process says that made its middleware."""

    pid: int
    kind: str
    """`asgi`, `wsgi`, `django` or `script`."""
    time: float
    """Unix time of its start."""
    settings: Mapping[str, str]
    """What names the experiment's directory; for those who look into another one."""


def leave_sign(directory: Path, kind: str, settings: Mapping[str, str]) -> int | None:
    """Leave a sign, and remove those of the dead.

    Returns:
        The descriptor that holds the lock until the last process that has it ends; None where no
        file could be made, which changes nothing for anybody but `doctor`.
    """
    for path in directory.glob(f"*{SUFFIX}"):
        # Another process that starts now may remove it first.
        with contextlib.suppress(OSError):
            _held(path)
    with contextlib.suppress(OSError):
        return _write(directory, [os.getpid(), kind, time.time(), dict(settings)])
    return None


def _write(directory: Path, content: list[object]) -> int:
    name = f"{time.time_ns()}-{os.getpid()}"
    hidden = directory / f".{name}"
    fd = os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        # Locked before it can be seen: an unlocked one counts as left behind.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(fd, json.dumps(content).encode())
        os.rename(hidden, directory / f"{name}{SUFFIX}")
    except OSError:
        os.close(fd)
        hidden.unlink(missing_ok=True)
        raise
    return fd


def living(directory: Path) -> Iterator[Presence]:
    """The apps that are alive in an experiment's directory; signs of the dead are removed."""
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            if _held(path):
                yield Presence(*json.loads(path.read_bytes()))


def _held(path: Path) -> bool:
    """Whether a process still has the lock; a file without one is removed."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(fd)
