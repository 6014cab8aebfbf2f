"""HTTP at its lowest: every byte that a server sends, and when."""

from __future__ import annotations

import json
import socket
from types import TracebackType
from typing import Any, Self

from support.waiting import WAIT


def request_bytes(path: str, body: dict[str, Any], **headers: str) -> bytes:
    content = json.dumps(body).encode()
    lines = {"Host": "127.0.0.1", "Connection": "close", "Content-Type": "application/json"}
    lines |= {"Content-Length": str(len(content))} | headers
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content


class Raw:
    """One request on a connection of its own."""

    def __init__(self, port: int, path: str, body: dict[str, Any], **headers: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
        self._socket.sendall(request_bytes(path, body, **headers))
        self.received = b""

    def until(self, part: bytes) -> bytes:
        """Read until these bytes have come; a TimeoutError where they do not."""
        while part not in self.received:
            data = self._socket.recv(65536)
            assert data, f"the connection ended before {part!r}: {self.received!r}"
            self.received += data
        return self.received

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        while data := self._socket.recv(65536):
            self.received += data
        return self.received

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._socket.close()


def whole(port: int, path: str, body: dict[str, Any], **headers: str) -> bytes:
    """The answer's bytes, status line and headers included."""
    with Raw(port, path, body, **headers) as raw:
        return raw.rest()


def without(answer: bytes, *names: bytes) -> bytes:
    """An answer without some headers."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    kept = [h for h in head.split(b"\r\n") if h.partition(b":")[0].lower() not in names]
    return b"\r\n".join(kept) + blank + body
