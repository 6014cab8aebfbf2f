"""The state directory: apps write what they capture into it, the runner reads it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from shadow_mw.capture.spool import RESERVE
from shadow_mw.doctor.finding import Finding, broken, holds
from shadow_mw.settings import Settings

LINK = "state directory"
MEND = "set SHADOW_STATE_DIR to a directory that app and runner may write to"


def check(settings: Settings) -> Finding:
    """Whether there is a place, room, and the right to write; nothing is made or changed."""
    directory = settings.directory
    there = next(path for path in (directory, *directory.parents) if path.exists())
    if not there.is_dir():
        return broken(LINK, f"{there} is no directory", MEND)
    if directory.exists() and (owner := other_owner(directory)) is not None:
        return broken(
            LINK,
            f"{directory} belongs to {owner}",
            f"run this as {owner}, as app and runner do; or set SHADOW_STATE_DIR to another place",
        )
    if not os.access(there, os.W_OK | os.X_OK):
        return broken(LINK, f"{there} is not writable for {_user(os.geteuid())}", MEND)
    volume = os.statvfs(there)
    free = volume.f_bavail * volume.f_frsize
    if free < RESERVE:
        return broken(
            LINK,
            f"{there} has {free >> 20} MiB left, capture stops below {RESERVE >> 20} MiB",
            "make room, or set SHADOW_STATE_DIR to another volume",
        )
    missing = "" if there == directory else ", made when the app starts"
    return holds(LINK, f"{directory}{missing}")


def other_owner(path: Path) -> str | None:
    """Whose a file is, or would have to be: what root makes in a user's place is in its way."""
    if not path.exists() and os.geteuid() != 0:
        return None
    there = next(one for one in (path, *path.parents) if one.exists())
    uid = there.stat().st_uid
    return None if uid == os.geteuid() else _user(uid)


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
