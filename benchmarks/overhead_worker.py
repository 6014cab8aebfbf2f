"""One app process that switches capture on and off: `python -m benchmarks.overhead_worker ...`.

Calls the app through its ASGI interface, `--at-once` requests at a time, and prints JSON: for
every state the app thread's CPU per request, in microseconds, block by block.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import mmap
import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx2
import psutil

from benchmarks.payloads import REQUEST_BYTES, prompt_for
from benchmarks.processes import runner_of, stop_runner

BARE_SEND = httpx2.AsyncClient.send  # before anything of ours is imported

from shadow_mw.asgi import App, Message, ShadowMiddleware  # noqa: E402

UNMEASURED = 5
"""Requests after each switch that only settle the interpreter's caches."""
TOUCHED = 4 * 2**20
BODY = json.dumps({"text": prompt_for(REQUEST_BYTES)}).encode()

State = tuple[App, Callable[..., Any]]


async def nothing(_scope: Any, _receive: Any, send: Callable[[Message], Any]) -> None:
    """The cheapest app there is: what is left is the middleware."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def scope_of(path: str) -> dict[str, Any]:
    headers = [(b"host", b"bench"), (b"content-type", b"application/json")]
    headers += [(b"content-length", b"%d" % len(BODY)), (b"accept", b"*/*")]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


async def request(app: App, path: str) -> None:
    statuses = []

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope_of(path), receive, send)
    if statuses != [200]:
        raise RuntimeError(f"{path} answered {statuses}")


def touch_memory() -> None:
    """Leave the kernel pages that this machine has used just now.

    A host that takes idle memory back from its guests makes the first touch of a page cost 11 us;
    a block that writes would pay for the host's thrift, not for what it does itself.
    """
    with mmap.mmap(-1, TOUCHED) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        for offset in range(0, TOUCHED, mmap.PAGESIZE):
            memory[offset] = 1


async def block(state: State, path: str, requests: int, at_once: int) -> float:
    """Microseconds of this thread's CPU per request."""
    app, httpx2.AsyncClient.send = state  # type: ignore[method-assign]

    async def several(count: int) -> None:
        for _ in range(count):
            await request(app, path)

    touch_memory()
    await asyncio.gather(*(several(UNMEASURED) for _ in range(at_once)))
    each = requests // at_once
    started = time.thread_time_ns()
    if at_once == 1:
        await several(each)
    else:
        await asyncio.gather(*(several(each) for _ in range(at_once)))
    return (time.thread_time_ns() - started) / (each * at_once) / 1e3


async def measure(args: argparse.Namespace) -> dict[str, Any]:
    inner: App = nothing
    if args.path != "/nothing":
        from benchmarks import app as bench

        bench.clients.open()
        inner = bench.build("bare")
    bare: State = (inner, BARE_SEND)
    ours: State = (ShadowMiddleware(inner), httpx2.AsyncClient.send)
    if os.environ.get("SHADOW_ENABLED") == "false" and ours[1] is not BARE_SEND:
        raise RuntimeError("the disabled middleware has patched httpx2")
    await block(ours, args.path, 50, args.at_once)
    await asyncio.sleep(1.5)  # until the runner is up
    states = {"bare": bare, "ours": ours, "bare again": bare}
    blocks: dict[str, list[float]] = {name: [] for name in states}
    order = list(states)
    shuffle = random.Random(7).shuffle
    wall, cpu, own = time.perf_counter(), time.process_time(), time.thread_time()
    for _ in range(args.blocks):
        shuffle(order)
        for name in order:
            blocks[name].append(await block(states[name], args.path, args.requests, args.at_once))
    seconds = time.perf_counter() - wall
    threads = (time.process_time() - cpu) - (time.thread_time() - own)
    calls = args.blocks * len(states) * (args.requests + UNMEASURED * args.at_once)
    return {
        "blocks": blocks,
        "threads_us_per_second": threads / seconds * 1e6,
        "seconds_per_request": seconds / calls,
        "runner": runner_of(psutil.Process()) is not None,
        **_counters(),
    }


def _counters() -> dict[str, Any]:
    from benchmarks.app import capture_counters

    return capture_counters()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overhead_worker")
    parser.add_argument("--path", required=True)
    parser.add_argument("--blocks", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--at-once", type=int, default=1)
    args = parser.parse_args()
    gc.collect()
    gc.freeze()
    try:
        json.dump(asyncio.run(measure(args)), sys.stdout)
    finally:
        if (runner := runner_of(psutil.Process())) is not None:
            stop_runner(runner)


if __name__ == "__main__":
    main()
