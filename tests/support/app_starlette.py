"""A Starlette app with an LLM behind `/ask`, which is also a gateway at `/v1/chat/completions`.

BARE=1 leaves the one line out.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import AsyncIterator

import openai
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shadow_mw import annotate

logging.basicConfig()
client = openai.AsyncOpenAI(max_retries=0)


async def ask(request: Request) -> Response:
    body = await request.json()
    annotate(key=body.get("key"), session=body.get("session"))
    answer = await client.chat.completions.create(
        model=body.get("model", "m"), messages=[{"role": "user", "content": body["text"]}]
    )
    return JSONResponse({"text": answer.choices[0].message.content, "pid": os.getpid()})


async def gateway(request: Request) -> Response:
    """Passes the upstream's bytes on, as they come."""
    body = json.loads(await request.body())
    upstream = client.chat.completions.with_streaming_response.create(**body)
    response = await upstream.__aenter__()
    if not body.get("stream"):
        data = await response.read()
        await upstream.__aexit__(None, None, None)
        return Response(data, response.status_code, {"content-type": "application/json"})

    async def passed() -> AsyncIterator[bytes]:
        try:
            async for data in response.iter_bytes():
                yield data
        finally:
            await upstream.__aexit__(None, None, None)

    return StreamingResponse(passed(), response.status_code, media_type="text/event-stream")


routes = [
    Route("/ask", ask, methods=["POST"]),
    Route("/v1/chat/completions", gateway, methods=["POST"]),
]
app = Starlette(routes=routes)
if "BARE" not in os.environ:
    from shadow_mw.asgi import ShadowMiddleware

    app.add_middleware(ShadowMiddleware)
