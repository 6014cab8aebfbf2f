"""A candidate on this machine that costs nothing: what `--no-candidate` puts in its place."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from shadow_mw.doctor.exchange import REPLIES
from shadow_mw.settings import Settings
from shadow_mw.types import WireFormat


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Answer any call."""
        self.rfile.read(int(self.headers["content-length"]))
        body = json.dumps(REPLIES[WireFormat.OPENAI_CHAT]).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def stand_in(settings: Settings) -> Iterator[Settings]:
    """The settings with every candidate replaced, as long as the block runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        others = tuple(c.model_copy(update={"url": url}) for c in settings.candidates)
        single = url if settings.candidate_url else None
        yield settings.model_copy(update={"candidate_url": single, "candidates": others})
        server.shutdown()
        thread.join()
