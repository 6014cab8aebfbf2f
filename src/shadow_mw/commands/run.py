"""`shadow-mw run`: the runner in the foreground, for a sidecar or a service manager."""

from __future__ import annotations

import click

from shadow_mw.exceptions import ConfigError
from shadow_mw.runner.__main__ import serve, take_lock
from shadow_mw.runner.status import read_status
from shadow_mw.settings import load


@click.command()
def run() -> None:
    """Run the runner here, until SIGTERM (for SHADOW_RUNNER=external)."""
    settings = load()
    if not settings.active:
        raise ConfigError("nothing to mirror to: set SHADOW_CANDIDATE_URL and _MODEL")
    lock = take_lock(settings.directory)
    if lock is None:
        status = read_status(settings.directory)
        pid = f" (pid {status.pid})" if status else ""
        raise ConfigError(f"a runner{pid} already serves {settings.directory}")
    serve(settings, lock, linger=None)
