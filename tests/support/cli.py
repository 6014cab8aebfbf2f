"""Processes of their own that need not import first: a few milliseconds for a second.

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
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from support.waiting import WAIT

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
    if not can_fork(env):
        return subprocess.run(
            command, input=stdin, capture_output=True, cwd=cwd, env=env, timeout=timeout
        )
    read, write = os.pipe()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = (read, out.fileno(), err.fileno())
        with fork("command", *arguments, cwd=cwd, env=env, streams=streams) as forked:
            os.close(read)
            _feed(write, stdin)
            code = exit_code(forked, timeout)
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


def can_fork(env: Mapping[str, str]) -> bool:
    """Whether nothing in this environment counts only where Python starts with it."""
    return _at_start(env) == _at_start(os.environ)


def fork(
    kind: str, *arguments: str, cwd: Path, env: Mapping[str, str], streams: Sequence[int]
) -> socket.socket:
    """Start a process; what comes back says when it has ended.

    Args:
        kind: `command` or `agent`.
        arguments: its own.
        cwd: its directory.
        env: its whole environment; one that `can_fork`.
        streams: descriptors of standard input, output and error; they stay open here.
    """
    asked = json.dumps({"arguments": arguments, "cwd": os.fspath(cwd), "environ": dict(env)})
    data = asked.encode()
    forked = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    forked.connect(_zygote(kind))
    socket.send_fds(forked, [data[:1]], streams)
    forked.sendall(data[1:])
    forked.shutdown(socket.SHUT_WR)
    return forked


def exit_code(forked: socket.socket, timeout: float = WAIT) -> int:
    """Wait for the end of a process; 70 where its parent died."""
    forked.settimeout(timeout)
    return int(forked.recv(100) or b"70")


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
def _zygote(kind: str) -> str:
    directory = tempfile.TemporaryDirectory(prefix="zygote-")
    path = os.path.join(directory.name, "socket")
    process = subprocess.Popen(
        [sys.executable, "-m", "support.zygote", kind, path],
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
