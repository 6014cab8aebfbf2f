"""`python -m support.model --port N`: an LLM server that misbehaves on command.

How it answers a request: by the part of the model's name after a colon (`m:flaky`), else by what
`POST /_mode {"mode": ...}` said last. `GET /_seen` gives every request with headers and body,
`POST /_go` lets a `gated` stream say one event more, `POST /_reset` forgets everything.

Written on bare asyncio, since breaking a connection in mid-body is part of the job.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import hashlib
import json
import math
import signal
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Any

from support import formats

GIGABYTE = 2**30


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: list[tuple[str, str]]
    content: bytes

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError:
            return None

    @property
    def stream(self) -> bool:
        return isinstance(self.body, dict) and self.body.get("stream") is True

    def header(self, name: str) -> str:
        return next((v for n, v in self.headers if n.lower() == name), "")


class Reset(Exception):
    """The connection is to be broken now."""


class Model:
    def __init__(self) -> None:
        self.mode, self.delay, self.key = "ok", 0.3, ""
        self.otherwise: list[str | None] = []
        self.seen: list[Request] = []
        self.tries: dict[str, int] = {}
        self.busy_until = 0
        self.gate = asyncio.Semaphore(0)
        self.worker = asyncio.Lock()

    # Connections

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await read_request(reader)) is not None:
                await self.serve(request, Reply(writer))
        except Reset:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def serve(self, request: Request, reply: Reply) -> None:
        control = {
            ("GET", "/_seen"): self._seen,
            ("POST", "/_mode"): self._mode,
            ("POST", "/_go"): self._go,
            ("POST", "/_reset"): self._forget,
        }.get((request.method, request.path))
        if control is not None:
            await reply.json(200, control(request))
        elif request.path in formats.PATHS and request.method == "POST":
            self.seen.append(request)
            await self._behave(request, reply)
        else:
            self.seen.append(request)
            await reply.json(404, formats.error(request.path, 404, "no such path"))

    # Control

    def _seen(self, _: Request) -> Any:
        return [
            {"method": r.method, "path": r.path, "headers": r.headers, "body": r.body}
            for r in self.seen
        ]

    def _mode(self, request: Request) -> Any:
        self.mode = request.body["mode"]
        self.key = request.body.get("key", "")
        self.delay = request.body.get("delay", self.delay)
        self.otherwise = request.body.get("otherwise", [])
        return {}

    def _go(self, _: Request) -> Any:
        self.gate.release()
        return {}

    def _forget(self, _: Request) -> Any:
        self.mode, self.delay, self.key = "ok", 0.3, ""
        self.seen.clear()
        self.tries.clear()
        self.busy_until = 0
        self.gate = asyncio.Semaphore(0)
        return {}

    # Behaviour

    async def _behave(self, request: Request, reply: Reply) -> None:
        if not isinstance(request.body, dict):
            await reply.json(400, formats.error(request.path, 400, "not a JSON object"))
            return
        if self.key and request.header("authorization") != f"Bearer {self.key}":
            await reply.json(401, formats.error(request.path, 401, "Incorrect API key provided"))
            return
        named = str(request.body.get("model")).partition(":")[2]
        behaviours: dict[str, Callable[[Request, Reply], Awaitable[None]]] = {
            "ok": self._answer,
            "slow": self._slow,
            "one_worker": self._one_worker,
            "hang": self._hang,
            "error500": self._error,
            "unknown": self._unknown,
            "flaky": self._flaky,
            "fickle": self._fickle,
            "garbage": self._garbage,
            "gigabyte": self._gigabyte,
            "reset": self._reset,
            "redirect": self._redirect,
            "ratelimit": self._rate_limit,
            "limited": self._limited,
            "busy": self._busy,
            "gated": self._gated,
            "gzip": self._gzip,
        }
        await behaviours[named or self.mode](request, reply)

    def _tried(self, request: Request) -> int:
        """How often the same body came before."""
        key = hashlib.sha256(request.path.encode() + request.content).hexdigest()
        self.tries[key] = self.tries.get(key, 0) + 1
        return self.tries[key] - 1

    async def _answer(self, request: Request, reply: Reply) -> None:
        if not request.stream:
            await reply.json(200, formats.reply(request.path, request.body))
            return
        await reply.begin(200)
        for event in formats.events(request.path, request.body):
            await reply.chunk(event)
        await reply.end()

    async def _slow(self, request: Request, reply: Reply) -> None:
        await asyncio.sleep(self.delay)
        await self._answer(request, reply)

    async def _one_worker(self, request: Request, reply: Reply) -> None:
        async with self.worker:
            await self._slow(request, reply)

    async def _hang(self, request: Request, reply: Reply) -> None:
        await asyncio.sleep(3600)

    async def _error(self, request: Request, reply: Reply) -> None:
        await reply.json(500, formats.error(request.path, 500, "out of order"))

    async def _unknown(self, request: Request, reply: Reply) -> None:
        await reply.json(404, formats.error(request.path, 404, "no such model"))

    async def _flaky(self, request: Request, reply: Reply) -> None:
        if self._tried(request):
            await self._answer(request, reply)
        else:
            await self._error(request, reply)

    async def _fickle(self, request: Request, reply: Reply) -> None:
        """The n-th time that a text comes, it is answered otherwise if it has the n-th word."""
        text = formats.said(request.body)
        turn = self.tries.get(text, 0)
        self.tries[text] = turn + 1
        word = self.otherwise[turn] if turn < len(self.otherwise) else None
        if word is not None and word in text:
            changed = {"role": "user", "content": f"{text}, or so I think"}
            request = replace(
                request, content=json.dumps({**request.body, "messages": [changed]}).encode()
            )
        await self._answer(request, reply)

    async def _garbage(self, request: Request, reply: Reply) -> None:
        await reply.whole(200, b"\x00\xff<html>not JSON</html>", "application/json")

    async def _gigabyte(self, request: Request, reply: Reply) -> None:
        kind = "text/event-stream" if request.stream else "application/json"
        await reply.begin(200, kind)
        block = b": padding\n\n" * 1000 if request.stream else b" " * 65536
        for _ in range(GIGABYTE // len(block)):
            await reply.chunk(block)
        await reply.end()

    async def _reset(self, request: Request, reply: Reply) -> None:
        if request.stream:
            await reply.begin(200)
            for event in formats.events(request.path, request.body)[:3]:
                await reply.chunk(event)
        else:
            body = json.dumps(formats.reply(request.path, request.body)).encode()
            await reply.head(200, [("content-length", str(len(body)))], "application/json")
            await reply.write(body[: len(body) // 2])
        # Otherwise the peer may lose what it has not read yet.
        await asyncio.sleep(0.05)
        raise Reset

    async def _redirect(self, request: Request, reply: Reply) -> None:
        await reply.whole(307, b"", "text/plain", [("location", "/elsewhere")])

    async def _rate_limit(self, request: Request, reply: Reply) -> None:
        if self._tried(request):
            await self._answer(request, reply)
        else:
            await self._limited(request, reply, after="1")

    async def _limited(self, request: Request, reply: Reply, after: str = "0") -> None:
        body = json.dumps(formats.error(request.path, 429, "too many requests")).encode()
        await reply.whole(429, body, "application/json", [("retry-after", after)])

    async def _busy(self, request: Request, reply: Reply) -> None:
        """Too much for four seconds, which it says as a date."""
        self.busy_until = self.busy_until or math.ceil(time.time()) + 4
        if time.time() < self.busy_until:
            await self._limited(request, reply, after=formatdate(self.busy_until, usegmt=True))
        else:
            await self._answer(request, reply)

    async def _gated(self, request: Request, reply: Reply) -> None:
        await reply.begin(200)
        for event in formats.events(request.path, request.body):
            await self.gate.acquire()
            await reply.chunk(event)
        await reply.end()

    async def _gzip(self, request: Request, reply: Reply) -> None:
        """As hosted APIs do for a client that accepts it."""
        body = json.dumps(formats.reply(request.path, request.body)).encode()
        if request.stream:
            body = b"".join(formats.events(request.path, request.body))
        if "gzip" not in request.header("accept-encoding"):
            await self._answer(request, reply)
            return
        kind = "text/event-stream" if request.stream else "application/json"
        encoding = [("content-encoding", "gzip")]
        await reply.whole(200, gzip.compress(body, mtime=0), kind, encoding)


class Reply:
    """One answer on its way out; headers are the same at every run."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: int, headers: list[tuple[str, str]], kind: str) -> None:
        fixed = [("content-type", kind), ("x-request-id", "req_1"), ("set-cookie", "session=p")]
        lines = "".join(f"{n}: {v}\r\n" for n, v in [*fixed, *headers])
        await self.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())

    async def whole(
        self, status: int, body: bytes, kind: str, headers: list[tuple[str, str]] | None = None
    ) -> None:
        length = ("content-length", str(len(body)))
        await self.head(status, [length, *(headers or [])], kind)
        await self.write(body)

    async def json(self, status: int, value: Any) -> None:
        await self.whole(status, json.dumps(value).encode(), "application/json")

    async def begin(self, status: int, kind: str = "text/event-stream") -> None:
        await self.head(status, [("transfer-encoding", "chunked")], kind)

    async def chunk(self, data: bytes) -> None:
        await self.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def end(self) -> None:
        await self.write(b"0\r\n\r\n")


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection; None where the client is through."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines)]
    known = {name.lower(): value for name, value in headers}
    if known.get("transfer-encoding") == "chunked":
        content = await read_chunks(reader)
    else:
        content = await reader.readexactly(int(known.get("content-length", 0)))
    return Request(method, target.partition("?")[0], headers, content)


async def read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    await reader.readexactly(2)
    return b"".join(parts)


async def main(port: int) -> None:
    server = await asyncio.start_server(Model().connected, "127.0.0.1", port, limit=2**20)
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with server:
        await stopped.wait()
        # Connections that hang on purpose would keep Server.close waiting.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(main(parser.parse_args().port))
