"""`shadow-mw` in a process of its own that need not import first: a few milliseconds for a second.

For what no test is about: how the process comes to be. Processes that are killed, interrupted or
compared with one another (hashes of strings are the same in all of these) are real ones.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

TESTS = Path(__file__).parents[1]
READ_AT_START = ("PYTHON", "LC_", "LANG")
"""Variables, by how they begin, that Python reads once."""


def run(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    stdin: bytes = b"",
    timeout: float = 60,
) -> subprocess.CompletedProcess[bytes]:
    """What `subprocess.run` gives of `shadow-mw ARGUMENTS`."""
    command = [sys.executable, "-m", "shadow_mw", *arguments]
    table = {"arguments": arguments, "cwd": os.fspath(cwd), "environ": dict(env)}
    asked = json.dumps(table).encode()
    if _at_start(env) != _at_start(os.environ):
        return subprocess.run(
            command, input=stdin, capture_output=True, cwd=cwd, env=env, timeout=timeout
        )
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as zygote,
    ):
        zygote.settimeout(timeout)
        zygote.connect(_zygote())
        read, write = os.pipe()
        socket.send_fds(zygote, [asked[:1]], [read, out.fileno(), err.fileno()])
        zygote.sendall(asked[1:])
        zygote.shutdown(socket.SHUT_WR)
        os.close(read)
        _feed(write, stdin)
        code = int(zygote.recv(100) or b"70")
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, code, out.read(), err.read())


def run_text(
    *arguments: str, cwd: Path, env: Mapping[str, str], stdin: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """The same with text for bytes."""
    done = run(*arguments, cwd=cwd, env=env, stdin=stdin.encode(), timeout=timeout)
    out, err = (stream.decode().replace("\r\n", "\n") for stream in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)


def _at_start(env: Mapping[str, str]) -> dict[str, str]:
    harmless = {"PYTHONUNBUFFERED": env.get("PYTHONUNBUFFERED"), "PYTHONPATH": str(TESTS)}
    return {
        name: value
        for name, value in env.items()
        if name.startswith(READ_AT_START) and value != harmless.get(name)
    }


def _feed(pipe: int, stdin: bytes) -> None:
    # It may end without reading.
    with suppress(BrokenPipeError), open(pipe, "wb", buffering=0) as data:
        left = memoryview(stdin)
        while left:
            left = left[data.write(left) :]


@functools.cache
def _zygote() -> str:
    directory = tempfile.TemporaryDirectory(prefix="zygote-")
    path = os.path.join(directory.name, "socket")
    process = subprocess.Popen(
        [sys.executable, "-m", "support.zygote", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(TESTS), "OPENBLAS_NUM_THREADS": "1"},
    )
    assert process.stdin
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"

    def end() -> None:
        process.communicate()
        directory.cleanup()

    atexit.register(end)
    return path
