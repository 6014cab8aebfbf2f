"""An embedding model on loopback: the same text, the same vector, and every way to fail.

Words are directions: two texts are as alike as the words that they share. The script gets each
request before it is answered, and may answer in the model's place.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DIMENSION = 64


@dataclass
class Raw:
    """A response as it is sent."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        return list(self.body["input"])


Script = Callable[[Asked], "Raw | None"]


def vector(text: str, dimension: int = DIMENSION) -> list[float]:
    """Each word adds to one direction; never all zeros."""
    numbers = [0.0] * dimension
    numbers[0] = 0.1
    for word in text.split():
        numbers[hashlib.sha256(word.encode()).digest()[0] % dimension] += 1.0
    return numbers


def answer(asked: Asked, **more: Any) -> dict[str, Any]:
    """What an OpenAI-compatible server says, the embeddings in any order but theirs."""
    dimension = asked.body.get("dimensions") or DIMENSION
    data = [
        {"object": "embedding", "index": index, "embedding": vector(text, dimension)}
        for index, text in enumerate(asked.texts)
    ]
    tokens = sum(len(text.split()) for text in asked.texts)
    return {
        "object": "list",
        "data": data[::-1],
        "model": asked.body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    } | more


class EmbeddingsServer:
    """Requests in the order they came."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.lock = threading.Lock()
        self.url = ""

    @property
    def texts(self) -> list[str]:
        return [text for asked in self.asked for text in asked.texts]


@contextmanager
def embeddings_server(script: Script = lambda _: None) -> Iterator[EmbeddingsServer]:
    """Serve until the block ends; `url` is the base URL up to /v1."""
    served = EmbeddingsServer(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.path, headers, json.loads(content))
            with served.lock:
                served.asked.append(asked)
            raw = served.script(asked) or Raw(body=answer(asked))
            body = raw.body if isinstance(raw.body, bytes) else json.dumps(raw.body).encode()
            self.send_response(raw.status)
            for name, value in ({"content-type": "application/json"} | raw.headers).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that went away is part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
