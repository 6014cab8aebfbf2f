"""The example web app: a document in, its fields out, by an LLM; mirrored by one line."""

from __future__ import annotations

import json
import os
from typing import Any

from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shadow_mw import annotate
from shadow_mw.asgi import ShadowMiddleware
from shadow_mw.demo.documents import INVOICE_SCHEMA

MODEL = os.environ.get("DEMO_MODEL", "careful-large")
STREAM = os.environ.get("DEMO_STREAM") == "1"
INSTRUCTION = (
    "Extract the fields of the schema from the document, exactly as they are printed. "
    "A field that the document does not state is null."
)

client = AsyncOpenAI(
    base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ.get("OPENAI_API_KEY", "none")
)


async def extract(request: Request) -> Response:
    """`POST /extract` with `{"id", "text"}`; `schema` and `segment` are optional."""
    try:
        document = json.loads(await request.body())
        key, text = str(document["id"]), str(document["text"])
    except (ValueError, KeyError, TypeError):
        return JSONResponse({"error": "send a JSON object with id and text"}, 400)
    annotate(key=key, segment=document.get("segment"))
    answer = await _ask(text, document.get("schema") or INVOICE_SCHEMA)
    return JSONResponse({"id": key, "fields": json.loads(answer)})


async def _ask(text: str, schema: dict[str, Any]) -> str:
    call: dict[str, Any] = {
        "model": MODEL,
        "messages": [
            {"role": "system", "content": INSTRUCTION},
            {"role": "user", "content": text},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "fields", "strict": True, "schema": schema},
        },
    }
    if STREAM:
        return await _ask_streamed(call)
    answer = await client.chat.completions.create(**call)
    return str(answer.choices[0].message.content)


async def _ask_streamed(call: dict[str, Any]) -> str:
    stream = await client.chat.completions.create(
        **call, stream=True, stream_options={"include_usage": True}
    )
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    return "".join(pieces)


app = Starlette(routes=[Route("/extract", extract, methods=["POST"])])
app.add_middleware(ShadowMiddleware)
