"""An OpenAI-compatible model server whose model is one of the extractors.

python -m shadow_mw.demo.model_server --extractor careful --port 9101 --latency-ms 200
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import time
import uuid
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shadow_mw.demo.chat import ChatError, ChatRequest, chunks, completion, read_request
from shadow_mw.demo.documents import INVOICE_SCHEMA
from shadow_mw.demo.extractors import EXTRACTORS, extract

MODELS = {"careful": "careful-large", "overconfident": "overconfident-small"}
"""What each extractor is called where nobody says otherwise."""

SPREAD = 0.45
"""Sigma of the log-normal latency: p99 is about 2.8 times the median."""
FIRST_TOKEN = 0.4
"""Share of the latency that passes before a stream's first token."""


@dataclass(frozen=True, slots=True)
class ModelServer:
    """One model under one name."""

    extractor: str
    model: str
    latency_ms: float = 0
    seed: int = 0
    api_key: str | None = None

    def app(self) -> Starlette:
        """The server as an ASGI app."""
        return Starlette(
            routes=[
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
                Route("/v1/models", self.models),
            ],
            exception_handlers={ChatError: _chat_error, HTTPException: _http_error},
        )

    async def models(self, request: Request) -> Response:
        """`GET /v1/models`."""
        self._authorize(request)
        model = {"id": self.model, "object": "model", "created": 0, "owned_by": "shadow-mw"}
        return JSONResponse({"object": "list", "data": [model]})

    async def chat(self, request: Request) -> Response:
        """`POST /v1/chat/completions`."""
        started = time.monotonic()
        self._authorize(request)
        call = read_request(await request.body(), INVOICE_SCHEMA["properties"])
        if call.model != self.model:
            raise ChatError(
                f"The model `{call.model}` does not exist or you do not have access to it.",
                status=404,
                code="model_not_found",
            )
        fields = extract(self.extractor, call.document, call.properties)
        content = json.dumps(fields, ensure_ascii=False)
        name, latency = f"chatcmpl-{uuid.uuid4().hex}", self._latency(call)
        if call.stream:
            events = list(chunks(name, call, content))
            return StreamingResponse(
                _paced(events, started, latency), media_type="text/event-stream"
            )
        await _sleep_until(started + latency)
        return JSONResponse(completion(name, call, content))

    def _authorize(self, request: Request) -> None:
        expected = f"Bearer {self.api_key}"
        if self.api_key is not None and request.headers.get("authorization") != expected:
            raise ChatError("Incorrect API key provided.", status=401, code="invalid_api_key")

    def _latency(self, call: ChatRequest) -> float:
        """Seconds; the same document always takes the same time."""
        if self.latency_ms <= 0:
            return 0.0
        rng = random.Random(zlib.crc32(call.document.encode()) ^ self.seed)
        mean = math.log(self.latency_ms / 1000) - SPREAD**2 / 2
        return rng.lognormvariate(mean, SPREAD)


async def _paced(events: list[bytes], started: float, latency: float) -> AsyncIterator[bytes]:
    first = latency * FIRST_TOKEN
    for number, event in enumerate(events):
        share = number / max(len(events) - 1, 1)
        await _sleep_until(started + first + (latency - first) * share)
        yield event


async def _sleep_until(moment: float) -> None:
    rest = moment - time.monotonic()
    if rest > 0:
        await asyncio.sleep(rest)


async def _chat_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ChatError)
    return JSONResponse(error.body, error.status)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = f"Invalid URL ({request.method} {request.url.path})"
    return JSONResponse(ChatError(message).body, error.status_code)


def main() -> None:
    """Serve one model until SIGTERM; `DEMO_API_KEY` is the key asked for, if it is set."""
    parser = argparse.ArgumentParser(prog="python -m shadow_mw.demo.model_server")
    parser.add_argument("--extractor", choices=sorted(EXTRACTORS), required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", help="name of the model; by default the extractor's own")
    parser.add_argument("--latency-ms", type=float, default=0, help="mean of the latency")
    parser.add_argument("--seed", type=int, default=0, help="of the latency")
    options = parser.parse_args()
    server = ModelServer(
        extractor=options.extractor,
        model=options.model or MODELS[options.extractor],
        latency_ms=options.latency_ms,
        seed=options.seed,
        api_key=os.environ.get("DEMO_API_KEY"),
    )
    uvicorn.run(server.app(), host="127.0.0.1", port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
