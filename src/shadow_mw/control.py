"""Small files by which app, runner and operator tell one another what holds now."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

CONTROL = "control.json"
"""What an operator says to a running system: `{"enabled": bool, "sample_rate": float}`."""
WINDOW = "window.json"
"""What the runner says: `{"end": unix seconds}`, from the first mirrored call on."""
STATUS = "status.json"
"""What the runner is doing, a few times a second."""
LEDGER = "ledger.db"
"""What the experiment has cost so far."""
LOCK = "runner.lock"
"""Locked by the runner for as long as it lives."""
LOG = "runner.log"


def shared(directory: Path, name: str) -> Path:
    """A file that all versions of this package share: an upgrade is no new experiment."""
    return directory.with_name(f"{directory.name.partition('-')[0]}.{name}")


def read_json(path: Path) -> dict[str, Any]:
    """A small file that another process may be replacing; empty where there is none."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: object) -> None:
    """Replace a small file whole: readers see the old one or the new one, and only its owner."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w") as file:
        json.dump(value, file)
    os.replace(draft, path)
