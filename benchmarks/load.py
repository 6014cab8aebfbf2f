"""The load generator, a process of its own: `python -m benchmarks.load --port N ...`.

Open loop (`--rate`): latency counts from the moment a request was due, so that a stalled app
cannot slow its own measurement down. Closed loop (`--connections`): each answer starts the next.
Prints JSON: the latencies in ms, those of the warm-up left out, and the errors.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.model_server import precise_loop
from benchmarks.payloads import prompt_for

GRACE = 10.0
"""Seconds for what is still under way at the end."""


class Connection(asyncio.Protocol):
    """One keep-alive connection to the app."""

    def __init__(self, done: Callable[[Connection, bool], None]) -> None:
        self._done = done
        self._buffer = bytearray()
        self._length = -1
        self.busy = False
        self.due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self, data: bytes, due: float) -> None:
        self.due, self.busy = due, True
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._length < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            start = self._buffer.find(b"content-length: ") + 16
            self._length = end + 4 + int(self._buffer[start : self._buffer.find(b"\r", start)])
        if len(self._buffer) >= self._length:
            good = self._buffer.startswith(b"HTTP/1.1 200")
            self._buffer.clear()
            self._length = -1
            self.busy = False
            self._done(self, good)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self.busy:
            self.busy = False
            self._done(self, False)


class Load:
    """One run against one app."""

    def __init__(self, port: int, request: bytes, seconds: float, warmup: float) -> None:
        self._port = port
        self._request = request
        self._seconds, self._warmup = seconds, warmup
        self._idle: list[Connection] = []
        self._from = self._until = 0.0
        self._answered = self._expected = 0
        self._over = asyncio.Event()
        self.latencies: list[float] = []
        self.errors = 0
        self.sent = 0

    async def _open(self, done: Callable[[Connection, bool], None]) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: Connection(done), "127.0.0.1", self._port
        )
        return connection

    def _note(self, connection: Connection, good: bool) -> None:
        if not good:
            self.errors += 1
        elif self._from <= connection.due < self._until:
            self.latencies.append((time.perf_counter() - connection.due) * 1e3)
        self._answered += 1
        if self._answered == self._expected:
            self._over.set()

    def _start(self) -> float:
        begin = time.perf_counter()
        self._from = begin + self._warmup
        self._until = self._from + self._seconds
        return begin

    async def at_rate(self, rate: float) -> None:
        """One request each 1/rate seconds, whatever becomes of those before."""

        def done(connection: Connection, good: bool) -> None:
            self._note(connection, good)
            if not connection.transport.is_closing():
                self._idle.append(connection)

        self._idle = [await self._open(done) for _ in range(int(rate * 0.4))]
        begin = self._start()
        count = int((self._warmup + self._seconds) * rate)
        for number in range(count):
            due = begin + number / rate
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            connection = self._idle.pop() if self._idle else await self._open(done)
            connection.send(self._request, due)
            self.sent += 1
        await self._rest(count)

    async def closed(self, connections: int) -> None:
        """As fast as the app answers."""

        def done(connection: Connection, good: bool) -> None:
            self._note(connection, good)
            now = time.perf_counter()
            if now < self._until and not connection.transport.is_closing():
                self.sent += 1
                connection.send(self._request, now)

        opened = [await self._open(done) for _ in range(connections)]
        self._start()
        for connection in opened:
            self.sent += 1
            connection.send(self._request, time.perf_counter())
        await asyncio.sleep(self._until - time.perf_counter())
        await self._rest(self.sent)

    async def _rest(self, expected: int) -> None:
        """What is still under way."""
        self._expected = expected
        if self._answered < expected:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), GRACE)


def request_bytes(size: int) -> bytes:
    """The HTTP request with which the app makes a model call of about `size` bytes."""
    body = json.dumps({"text": prompt_for(size)}).encode()
    head = "POST /ask HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


async def _run(args: argparse.Namespace) -> dict[str, Any]:
    load = Load(args.port, request_bytes(args.size), args.seconds, args.warmup)
    await (load.at_rate(args.rate) if args.rate else load.closed(args.connections))
    return {"latencies": load.latencies, "errors": load.errors, "sent": load.sent}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--size", type=int, required=True)
    args = parser.parse_args()
    gc.disable()
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        json.dump(runner.run(_run(args)), sys.stdout)


if __name__ == "__main__":
    main()
