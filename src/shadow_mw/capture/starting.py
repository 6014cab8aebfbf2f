"""What an app's log says when capture starts: what will happen, or why nothing can."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shadow_mw.capture.supervise import runner_obstacle

if TYPE_CHECKING:
    from shadow_mw.settings import Settings


def in_force(settings: Settings) -> str:
    """One line for the log: what will happen."""
    ids = ", ".join(f"{c.id} at {c.url}" for c in settings.all_candidates)
    budget = f"${settings.budget_usd}" if settings.budget_usd is not None else "none"
    end = settings.window_end
    window = f"until {end}" if end else f"{settings.window_days:g} days from the first call"
    again = f"{settings.repeat_rate:g} asked of {settings.primary_url} again, "
    return (
        f"experiment {settings.experiment}, candidate {ids}, sample {settings.sample_rate:g}, "
        f"{again if settings.repeat_rate else ''}"
        f"window {window}, budget {budget}, runner {settings.runner}, "
        f"to {settings.otlp_endpoint or settings.store}, spool {settings.directory}"
    )


def obstacle(settings: Settings) -> str | None:
    """Why nothing can be mirrored, and what to set."""
    if not settings.enabled:
        return "SHADOW_ENABLED=false"
    if not settings.all_candidates:
        return "set SHADOW_CANDIDATE_URL and SHADOW_CANDIDATE_MODEL"
    try:
        settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        writable = os.access(settings.directory, os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        return f"{settings.state_root} is not writable; set SHADOW_STATE_DIR to a directory that is"
    return runner_obstacle(settings)
