"""A Flask app with an LLM behind `/ask`, which is also a gateway at `/v1/chat/completions`.

BARE=1 leaves the one line out.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import openai
from flask import Flask, Response, request

from shadow_mw import annotate

logging.basicConfig()
app = Flask(__name__)
client = openai.OpenAI(max_retries=0)


@app.post("/ask")
def ask() -> dict[str, object]:
    body = request.get_json()
    annotate(key=body.get("key"))
    answer = client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": body["text"]}]
    )
    return {"text": answer.choices[0].message.content, "pid": os.getpid()}


@app.post("/v1/chat/completions")
def gateway() -> Response:
    """Passes the upstream's bytes on, as they come."""
    body = request.get_json()
    create = client.chat.completions.with_streaming_response.create
    if not body.get("stream"):
        with create(**body) as upstream:
            return Response(upstream.read(), mimetype="application/json")

    def passed() -> Iterator[bytes]:
        with create(**body) as upstream:
            yield from upstream.iter_bytes()

    return Response(passed(), mimetype="text/event-stream")


if "BARE" not in os.environ:
    from shadow_mw.wsgi import ShadowMiddleware

    app.wsgi_app = ShadowMiddleware(app.wsgi_app)  # type: ignore[method-assign]
