"""Endpoints on loopback: of JSON, for the servers of models that tests script, and of any kind."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

S = TypeVar("S", bound=ThreadingHTTPServer)


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
    """By lower-case name."""
    body: dict[str, Any]


class Scripted:
    """Requests in the order they came, and the script that answers them."""

    def __init__(self, script: Callable[[Any], Any]) -> None:
        self.script = script
        self.asked: list[Any] = []
        self.url = ""
        self._lock = threading.Lock()

    def keep(self, asked: Asked) -> None:
        with self._lock:
            self.asked.append(asked)


Reply = Callable[[str, dict[str, str], dict[str, Any]], Raw]
"""Path, headers by lower-case name and body of a request; called by many threads."""


@contextmanager
def json_server(reply: Reply) -> Iterator[str]:
    """Serve until the block ends; gives the base URL up to /v1."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            raw = reply(self.path, headers, json.loads(content))
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

    with serving(Server(("127.0.0.1", 0), Handler)) as server:
        yield f"http://127.0.0.1:{server.server_port}/v1"


@contextmanager
def serving(server: S) -> Iterator[S]:
    """Serve in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    with server:
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
