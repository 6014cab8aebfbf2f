"""A webhook that keeps what comes, and answers as it is told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.json_server import serving


class Receiver(ThreadingHTTPServer):
    """Answers 200 once `answers` are used up."""

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = []
        """(status, headers) for the next requests; `hang` keeps one waiting."""
        self.bodies = []
        self.headers = []
        self.times = []
        self.statuses = []
        self.released = threading.Event()
        self.hanging = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/services/T0/B0/secret-part"

    @property
    def accepted(self):
        """Machine parts of the messages that were answered with 200."""
        taken = [body for body, status in zip(self.bodies, self.statuses, strict=True) if status]
        return [body["metadata"]["event_payload"] for body in taken]

    @property
    def said(self):
        """(alarm, state) of these."""
        return [(payload["alarm"], payload["state"]) for payload in self.accepted]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        answer = server.answers.pop(0) if server.answers else (200, {})
        server.times.append(time.monotonic())
        server.headers.append(dict(self.headers))
        server.bodies.append(body)
        server.statuses.append(answer != "hang" and answer[0] == 200)
        if answer == "hang":
            server.hanging.set()
            server.released.wait(60)
            return
        status, headers = answer
        text = b"ok" if status == 200 else b"no\x1b[2Jservice"
        self.send_response(status)
        for name, value in (headers | {"content-length": str(len(text))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format, *args):
        pass


@contextmanager
def receiver() -> Iterator[Receiver]:
    with serving(Receiver()) as server:
        yield server
        server.released.set()
