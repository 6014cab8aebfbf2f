"""`shadow-mw` as users run it: each command a process of its own, and what that process took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAUNCHER = Path(__file__).with_name("launcher.py")


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that has ended."""

    code: int
    printed: bytes
    errors: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    """Of resident memory, the command's alone (see `launcher`)."""

    @property
    def table(self) -> dict[str, Any]:
        """What `--json` prints."""
        found: dict[str, Any] = json.loads(self.printed)
        return found


def command(
    directory: Path,
    *arguments: str | Path,
    accepted: Collection[int] = (0,),
    **variables: str,
) -> Ran:
    """Run `shadow-mw ARGUMENTS` there, without the user's own settings of it.

    Raises:
        SystemExit: it ended with a code that is not accepted; with what it wrote of that.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SHADOW_")}
    whole = [sys.executable, "-m", "shadow_mw", *map(str, arguments)]
    done = launched(whole, directory, clean | variables)
    if done.code not in accepted:
        raise SystemExit(f"{arguments[0]} ended with {done.code}: {done.errors[-2000:]}")
    return done


def launched(arguments: Sequence[str], directory: Path, env: Mapping[str, str]) -> Ran:
    """Run any command, an executable's path first; it may end as it likes."""
    with tempfile.NamedTemporaryFile("r") as used:
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(LAUNCHER), used.name, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=directory,
            env=dict(env),
            check=False,
        )
        wall, cpu, peak = map(float, used.read().split())
    return Ran(done.returncode, done.stdout, done.stderr.decode(), wall, cpu, peak)
