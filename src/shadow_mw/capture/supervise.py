"""One small daemon thread per app process: housekeeping, and a runner that is always there."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from shadow_mw.capture.failsafe import failsafe
from shadow_mw.control import LOCK, LOG
from shadow_mw.frames import SUFFIX

if TYPE_CHECKING:
    from shadow_mw.settings import Settings

logger = logging.getLogger("shadow_mw")

LOG_BYTES = 2**20
INTERVAL = 0.5
BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
EXIT_CONFIG, EXIT_DATA = 78, 65
_NOT_INHERITED = ("SHADOW_", "OTEL_EXPORTER_", "OTEL_SDK_DISABLED", "OTEL_TRACES_")
_AGENT = re.compile(r"auto_instrumentation|ddtrace.bootstrap|newrelic.bootstrap")


class Housekeeping(Protocol):
    """What the thread does for its process besides watching the runner."""

    def tick(self) -> None:
        """Called twice a second."""


class Supervisor:
    """Starts the runner where none holds the lock; a request never does."""

    def __init__(self, settings: Settings, directory: Path, work: Housekeeping) -> None:
        self._settings = settings
        self._directory = directory
        self._work = work
        self.started = False
        self._start_lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._failures = 0
        self._not_before = 0.0

    def start(self) -> None:
        """Start the thread, once per process, at the first call that is seen."""
        with self._start_lock:
            if not self.started:
                threading.Thread(target=self._run, name="shadow_mw-supervisor", daemon=True).start()
                self.started = True

    def last_look(self) -> None:
        """The process ends: what it leaves behind needs a runner, which may be missing yet."""
        if self.started and self._settings.runner == "auto":
            self._watch()

    def _run(self) -> None:
        inline = False
        while True:
            self._work.tick()
            if self._settings.runner == "auto":
                self._watch()
            elif self._settings.runner == "inline" and not inline:
                inline = bool(self._start_inline())
            time.sleep(INTERVAL)

    @failsafe
    def _start_inline(self) -> bool:
        """Whether this process is the one that runs it; another may, and may end before us."""
        import importlib

        # By name: the app's half knows nothing of the runner's code.
        main = importlib.import_module("shadow_mw.runner.__main__")
        return bool(main.start_inline(self._settings))

    @failsafe
    def _watch(self) -> None:
        if self._child is not None and (code := self._child.poll()) is not None:
            self._child = None
            self._ended(code)
        if self._child is None and time.monotonic() >= self._not_before and self._work_waits():
            self._start_if_none()

    def _work_waits(self) -> bool:
        with os.scandir(self._directory) as entries:
            return any(entry.name.endswith(SUFFIX) for entry in entries)

    def _start_if_none(self) -> None:
        lock = os.open(self._directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._child = start_runner(self._settings, self._directory, lock)
            self._started = time.monotonic()
        except BlockingIOError:
            pass  # Another process's runner serves this directory.
        finally:
            os.close(lock)

    def _ended(self, code: int) -> None:
        """Restart at once after a long life, later and later after short ones."""
        if code == 0 or time.monotonic() - self._started > BACKOFF[-1]:
            self._failures = 0
            return
        wait = BACKOFF[min(self._failures, len(BACKOFF) - 1)]
        if code in (EXIT_CONFIG, EXIT_DATA):
            wait = BACKOFF[-1]
        self._failures += 1
        self._not_before = time.monotonic() + wait
        log = self._directory / LOG
        logger.warning(
            "shadow_mw: the runner ended with %d (%s); again in %.0f s; log: %s",
            code,
            _last_line(log),
            wait,
            log,
        )


def start_runner(settings: Settings, directory: Path, lock: int) -> subprocess.Popen[bytes]:
    """Start the runner's process, which inherits the locked descriptor and holds it for life."""
    log = directory / LOG
    mode = "ab" if not log.exists() or log.stat().st_size < LOG_BYTES else "wb"
    with log.open(mode) as output:
        return subprocess.Popen(
            [python(), "-P", "-m", "shadow_mw.runner", "--lock-fd", str(lock)],
            env=runner_environ(settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            close_fds=True,
            start_new_session=True,
            pass_fds=(lock,),
        )


def runner_environ(settings: Settings) -> dict[str, str]:
    """The app's environment with the settings in force; the package stays importable."""
    # The app's exporter, with its credentials, and its switch are the app's.
    environ = {k: v for k, v in os.environ.items() if not k.startswith(_NOT_INHERITED)}
    home = str(Path(__file__).parents[2])
    inherited = environ.get("PYTHONPATH", "").split(os.pathsep)
    # An agent that instruments every Python it meets would see our calls as the app's.
    paths = [path for path in inherited if path and not _AGENT.search(path)] + [home]
    return environ | settings.to_environ() | {"PYTHONPATH": os.pathsep.join(paths)}


def python() -> str:
    """The interpreter, also where the app runs inside a server that embeds one."""
    if Path(sys.executable).name.startswith(("python", "pypy")):
        return sys.executable
    return str(Path(sys.prefix) / "bin" / "python3")


def runner_obstacle(settings: Settings) -> str | None:
    """Why no runner could be started from here, and what to set."""
    if settings.runner == "auto" and not os.access(python(), os.X_OK):
        return (
            f"{sys.executable or 'this interpreter'} is not a Python to start the runner with; "
            "set SHADOW_RUNNER=external and run `shadow-mw run`"
        )
    return None


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"
