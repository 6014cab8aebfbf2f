"""A model server that costs next to nothing: `python -m benchmarks.model_server --port N`.

Raw asyncio, so that on a small machine the server does not compete with the app it serves.
"""

from __future__ import annotations

import argparse
import asyncio
import selectors

from benchmarks.payloads import ANSWER_BYTES, answer, answer_chunks

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\n\r\n"


class Replies:
    """What this server answers, prepared once."""

    def __init__(self, size: int, delay: float, *, hang: bool) -> None:
        body = answer(size)
        self.delay = delay
        self.hang = hang
        self.json = HEAD % (b"application/json", b"content-length: %d" % len(body)) + body
        self.stream = [HEAD % (b"text/event-stream", b"transfer-encoding: chunked")]
        self.stream += [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in answer_chunks()]
        self.stream.append(b"0\r\n\r\n")


class Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self._buffer = bytearray()
        self._missing = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._missing < 0:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            self._missing = end + 4 + _content_length(bytes(self._buffer[:end]))
        if len(self._buffer) < self._missing:
            return
        streamed = b'"stream":true' in self._buffer or b'"stream": true' in self._buffer
        self._buffer.clear()
        self._missing = -1
        if self._replies.hang:
            return
        if self._replies.delay:
            asyncio.get_running_loop().call_later(self._replies.delay, self._answer, streamed)
        else:
            self._answer(streamed)

    def _answer(self, streamed: bool) -> None:
        if self._transport.is_closing():
            return
        if not streamed:
            self._transport.write(self._replies.json)
            return
        for piece in self._replies.stream:
            self._transport.write(piece)


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def serve(port: int, replies: Replies) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(replies), "127.0.0.1", port, backlog=512)
    await server.serve_forever()


def precise_loop() -> asyncio.AbstractEventLoop:
    """`epoll` rounds every timer up to a millisecond, more than what is measured; `select` not."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_server")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--size", type=int, default=ANSWER_BYTES)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--hang", action="store_true")
    args = parser.parse_args()
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        runner.run(serve(args.port, Replies(args.size, args.delay, hang=args.hang)))


if __name__ == "__main__":
    main()
