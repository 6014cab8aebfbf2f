"""The test's end of `support.agent`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from support.cli import can_fork, exit_code, fork
from support.waiting import WAIT

T = TypeVar("T")


class Agent:
    """A process that lives for many calls: what an app without a web server is.

    It has imported its SDKs before ours is installed, as most apps have; a `fresh` one has not.
    """

    def __init__(self, env: dict[str, str], log: Path, fresh: bool) -> None:
        self.log = log
        (read_orders, orders), (answers, write_answers) = os.pipe(), os.pipe()
        self._orders = os.fdopen(orders, "wb")
        self._answers = os.fdopen(answers, "rb")
        begin = _started if fresh or not can_fork(env) else _forked
        with log.open("ab") as errors:
            self._ended = begin(env, read_orders, write_answers, errors.fileno())
        os.close(read_orders)
        os.close(write_answers)

    def run(self, call: Callable[..., T], /, **arguments: Any) -> T:
        """Call a function of an importable module over there; values travel as JSON."""
        order = {"module": call.__module__, "name": call.__name__, "arguments": arguments}
        self._orders.write(json.dumps(order).encode() + b"\n")
        self._orders.flush()
        line = self._answers.readline()
        assert line, f"the agent ended: {self.log.read_text()}"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        value: T = answer["value"]
        return value

    def close(self) -> None:
        """End it as a script ends: by reaching its end."""
        if not self._orders.closed:
            self._orders.close()
            self._ended()
            self._answers.close()


def _started(env: dict[str, str], *streams: int) -> Callable[[], object]:
    stdin, stdout, stderr = streams
    command = [sys.executable, "-m", "support.agent"]
    process = subprocess.Popen(command, env=env, stdin=stdin, stdout=stdout, stderr=stderr)
    return lambda: process.wait(WAIT)


def _forked(env: dict[str, str], *streams: int) -> Callable[[], object]:
    forked = fork("agent", cwd=Path.cwd(), env=env, streams=streams)

    def ended() -> None:
        with forked:
            exit_code(forked)

    return ended
