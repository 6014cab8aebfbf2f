"""An LLM server that is not ours: CopilotKit's AIMock (MIT), run by node from a cache of its own.

Installed at the first use, outside of the checkout; a single npm package without dependencies.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from support.servers import Server, clean_environ, free_port, running

PACKAGE, VERSION = "@copilotkit/aimock", "1.43.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "shadow-mw-tests"


def installed() -> Path | str:
    """The server's program; why there is none, as text."""
    home = CACHE / f"aimock-{VERSION}"
    program = home / "node_modules" / ".bin" / "llmock"
    if program.exists():
        return program
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "needs node and npm"
    home.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(home)]
    done = subprocess.run(
        [*command, f"{PACKAGE}@{VERSION}"], capture_output=True, text=True, timeout=90
    )
    return program if program.exists() else f"npm could not install it: {done.stderr[-300:]}"


@contextmanager
def foreign(program: Path, answers: dict[str, str]) -> Iterator[Server]:
    """Run it; a user message that contains a key gets its answer."""
    fixtures = [
        {"match": {"userMessage": k}, "response": {"content": v}} for k, v in answers.items()
    ]
    port = free_port()
    with TemporaryDirectory() as directory:
        path = Path(directory, "answers.json")
        path.write_text(json.dumps({"fixtures": fixtures}))
        command = [str(program), "--port", str(port), "--fixtures", str(path), "--strict"]
        with running([*command, "--log-level", "warn"], port, env=clean_environ()) as server:
            yield server
