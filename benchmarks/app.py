"""The app under test: `python -m benchmarks.app --port N --variant bare|ours|articles`.

Each route makes one model call; `/stats` tells what the process has used so far.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.payloads import MODEL, call

MODEL_URL = os.environ["BENCH_MODEL_URL"]
CANDIDATE_URL = os.environ.get("BENCH_CANDIDATE_URL", "")
TIMEOUT = 60.0
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=200)


class Clients:
    """Made once the event loop runs."""

    http: httpx2.AsyncClient
    sdk: openai.AsyncOpenAI

    def open(self) -> None:
        self.http = httpx2.AsyncClient(timeout=TIMEOUT, limits=LIMITS, trust_env=False)
        self.sdk = openai.AsyncOpenAI(base_url=MODEL_URL, api_key="none")


clients = Clients()
mirrored: set[asyncio.Task[None]] = set()


async def ask(request: Request) -> Response:
    body = call((await request.json())["text"])
    response = await clients.http.post(f"{MODEL_URL}/chat/completions", json=body)
    return _answer(response.json()["choices"][0]["message"]["content"])


async def ask_streamed(request: Request) -> Response:
    body = call((await request.json())["text"], stream=True)
    url = f"{MODEL_URL}/chat/completions"
    async with clients.http.stream("POST", url, json=body) as response:
        lines = [line async for line in response.aiter_lines() if line.startswith("data: {")]
    return _answer(str(len(lines)))


async def ask_sdk(request: Request) -> Response:
    messages: Any = call((await request.json())["text"])["messages"]
    reply = await clients.sdk.chat.completions.create(model=MODEL, messages=messages)
    return _answer(reply.choices[0].message.content or "")


async def ask_sdk_streamed(request: Request) -> Response:
    messages: Any = call((await request.json())["text"])["messages"]
    stream = await clients.sdk.chat.completions.create(
        model=MODEL, messages=messages, stream=True, stream_options={"include_usage": True}
    )
    return _answer(str(len([chunk async for chunk in stream])))


async def ask_and_mirror(request: Request) -> Response:
    """The articles' pattern: the candidate's call is a task of the same loop."""
    body = call((await request.json())["text"])
    task = asyncio.create_task(_mirror(body))
    mirrored.add(task)
    task.add_done_callback(mirrored.discard)
    response = await clients.http.post(f"{MODEL_URL}/chat/completions", json=body)
    return _answer(response.json()["choices"][0]["message"]["content"])


async def _mirror(body: dict[str, Any]) -> None:
    try:
        response = await clients.http.post(f"{CANDIDATE_URL}/chat/completions", json=body)
        response.json()
    except httpx2.HTTPError:
        pass


async def stats(_: Request) -> Response:
    return JSONResponse({"cpu_ns": time.process_time_ns(), **capture_counters()})


def capture_counters() -> dict[str, Any]:
    """What became of every call, as the app's half counts it; empty without the middleware."""
    module = sys.modules.get("shadow_mw.capture.shadow")
    shadow = getattr(module, "_shadow", None) or getattr(module, "_shared", None)
    if shadow is None:
        return {"counts": {}, "swallowed": {}, "directory": None}
    swallowed = dict(sys.modules["shadow_mw.capture.failsafe"].swallowed)
    return {
        "counts": shadow.counters.snapshot(),
        "swallowed": swallowed,
        "directory": str(shadow.directory),
    }


def _answer(content: str) -> Response:
    return Response(json.dumps({"answer": content[:200]}), media_type="application/json")


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    clients.open()
    yield


def build(variant: str) -> Starlette:
    """The app; `ours` adds the one line."""
    handler = ask_and_mirror if variant == "articles" else ask
    routes = [Route("/ask", handler, methods=["POST"]), Route("/stats", stats)]
    routes += [
        Route("/stream", ask_streamed, methods=["POST"]),
        Route("/sdk", ask_sdk, methods=["POST"]),
        Route("/sdk-stream", ask_sdk_streamed, methods=["POST"]),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    if variant == "ours":
        from shadow_mw.asgi import ShadowMiddleware

        app.add_middleware(ShadowMiddleware)
    return app


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser(prog="python -m benchmarks.app")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--variant", choices=["bare", "ours", "articles"], required=True)
    args = parser.parse_args()
    uvicorn.run(
        build(args.variant), port=args.port, log_level="warning", access_log=False, loop="asyncio"
    )


if __name__ == "__main__":
    main()
