"""`python -m support.zygote KIND SOCKET`: has imported much, and becomes others by forking.

A `command` is `shadow-mw`, with all that it may import; an `agent` is an app, with the clients and
SDKs that apps import, and nothing of ours. One connection is one process: the descriptors of its
streams, and JSON with its arguments, directory and environment; the answer is its exit code. It
ends with its standard input.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import socket
import sys
import threading
import time
from contextlib import suppress

HEAVY = ("scipy.special", "jsonschema_rs", "rapidfuzz", "uvicorn", "httpx2", "genai_prices")
SDKS = ("asyncio", "httpx", "httpx2", "openai", "anthropic")
RUN = {"command": "shadow_mw", "agent": "support.agent"}


def main(kind: str, path: str) -> None:
    for name in _commands() if kind == "command" else SDKS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(64)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if sys.stdin in ready:
                return
            connection, _ = listener.accept()
            if os.fork() == 0:
                break
            connection.close()
    _serve(RUN[kind], connection)


def _commands() -> tuple[str, ...]:
    from shadow_mw.cli import COMMANDS

    return (*(f"shadow_mw.commands.{module}" for module in set(COMMANDS.values())), *HEAVY)


def _serve(module: str, connection: socket.socket) -> None:
    data, streams, _, _ = socket.recv_fds(connection, 1, 3)
    while more := connection.recv(1 << 16):
        data += more
    if (child := os.fork()) == 0:
        connection.close()
        _become(module, json.loads(data), streams)
        return
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # The client may have given up.
    with suppress(OSError):
        connection.send(str(code).encode())
    os._exit(0)


def _become(module: str, asked: dict[str, object], streams: list[int]) -> None:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["environ"])  # type: ignore[arg-type]
    time.tzset()
    os.chdir(str(asked["cwd"]))
    sys.path[0] = os.getcwd()
    sys.argv[1:] = asked["arguments"]  # type: ignore[assignment]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        # All of an exit but taking every module apart, for which each page would be copied.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ended.code)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
