"""`python -m shadow_mw.runner`: the process that the middleware starts.

Composes two stages: without a collector the evaluator is the runner's span exporter.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shadow_mw.control import LOCK
from shadow_mw.exceptions import ConfigError, ShadowError
from shadow_mw.frames import SUFFIX
from shadow_mw.runner.figures import Figures, Tell
from shadow_mw.runner.runner import LINGER, Runner
from shadow_mw.settings import Settings, load

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

    from shadow_mw.evaluate.pipeline import Evaluator

NICENESS = 10


def open_runner(settings: Settings) -> Runner:
    """The runner with its exporter.

    Raises:
        StoreError: the store cannot be used as it is.
    """
    return Runner(settings, *open_exporter(settings))


def open_exporter(settings: Settings) -> tuple[SpanExporter, Tell]:
    """Where spans and figures go: the embedded store, or OTLP where an endpoint is set.

    Raises:
        StoreError: the store cannot be used as it is.
    """
    if settings.otlp_endpoint is not None:
        from shadow_mw.runner.otlp import Otlp, OtlpFigures, OtlpSpans

        otlp = Otlp(settings)
        return OtlpSpans(otlp), OtlpFigures(otlp, settings).tell
    from shadow_mw.evaluate.pipeline import Evaluator, Standards
    from shadow_mw.prices import PriceTable

    evaluator = Evaluator.open(
        settings.store, PriceTable(settings.prices), Standards.declared(settings)
    )

    def tell(figures: Sequence[Figures]) -> bool:
        return all(_record(evaluator, settings.experiment, item) for item in figures)

    return evaluator, tell


def _record(evaluator: Evaluator, experiment: str, item: Figures) -> bool:
    key = experiment, item.candidate, item.source
    counted = not item.counts or evaluator.record_funnel(*key, item.counts)
    return counted and (not item.gauges or evaluator.record_gauges(*key, item.gauges))


def serve(settings: Settings, lock: int, linger: float | None = LINGER) -> None:
    """Run in this process until SIGTERM, or until nobody needs a runner any more.

    Args:
        settings: the experiment's.
        lock: the descriptor that makes this process the directory's only runner.
        linger: seconds without work after which it leaves; None stays.

    Raises:
        ConfigError: there is nothing to mirror to.
        StoreError: the store cannot be used as it is.
    """
    if not settings.active:
        raise ConfigError("nothing to mirror to: set SHADOW_CANDIDATE_URL and _MODEL")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    os.nice(NICENESS)
    while asyncio.run(_serve(settings, linger)) and _needed_again(settings.directory, lock):
        pass


async def _serve(settings: Settings, linger: float | None) -> bool:
    runner = open_runner(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runner.stop)
    return await runner.run(linger)


def _needed_again(directory: Path, lock: int) -> bool:
    """Look once more after giving up the lock: an app that ends now looks at the lock, not at us.

    Either it sees the lock free and starts a runner, or we see its segment.
    """
    fcntl.flock(lock, fcntl.LOCK_UN)
    if not any(directory.glob(f"*{SUFFIX}")):
        return False
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def start_inline(settings: Settings) -> bool:
    """Run as a thread of this process, which ends with it; False where a runner is alive."""
    lock = take_lock(settings.directory)
    if lock is None:
        return False
    try:
        runner = open_runner(settings)
    except BaseException:
        os.close(lock)  # another attempt, once the store is mended, needs it
        raise
    threading.Thread(
        target=_serve_inline, args=(runner, lock), name="shadow_mw-runner", daemon=True
    ).start()
    return True


def _serve_inline(runner: Runner, lock: int) -> None:
    from shadow_mw.capture.context import RequestContext, current

    # The candidate calls of this thread are not the app's.
    context = RequestContext()
    context.suppressed = True
    current.set(context)
    with contextlib.closing(os.fdopen(lock)):
        asyncio.run(runner.run(linger=None))


def take_lock(directory: Path) -> int | None:
    """The descriptor that makes this process the directory's only runner; None if there is one."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def main() -> int:
    """Run with the settings of the environment, under the lock that the starter took."""
    parser = argparse.ArgumentParser(prog="python -m shadow_mw.runner")
    parser.add_argument("--lock-fd", type=int, required=True, help="descriptor that holds the lock")
    arguments = parser.parse_args()
    try:
        serve(load(), arguments.lock_fd)
    except ShadowError as error:
        print(f"shadow_mw: {error}", file=sys.stderr)  # noqa: T201 (the process's log file)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
