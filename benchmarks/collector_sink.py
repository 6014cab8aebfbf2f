"""Both backends of a collector, a process of its own: takes all, over gRPC and HTTP, looks at none.

`python -m benchmarks.collector_sink --port N --grpc-port M`
"""

from __future__ import annotations

import argparse
import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc


class Discards(asyncio.Protocol):
    """The least of an HTTP server: 200 for each body that has come whole."""

    def __init__(self) -> None:
        self._got = bytearray()
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while self._got:
            taken = min(self._left, len(self._got))
            del self._got[:taken]
            self._left -= taken
            if self._left or not self._got:
                return
            end = self._got.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._got[:end]).lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            del self._got[: end + 4]
            self._left = int(length or 0)
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


class Anything(grpc.GenericRpcHandler):  # type: ignore[misc] # gRPC has no types
    """Answers every method with an empty message, which any OTLP response may be."""

    def service(self, _: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(lambda *_: b"")


async def _serve(port: int, grpc_port: int) -> None:
    options = [("grpc.max_receive_message_length", 64 << 20)]
    server = grpc.server(ThreadPoolExecutor(4), handlers=[Anything()], options=options)
    server.add_insecure_port(f"127.0.0.1:{grpc_port}")
    server.start()
    http = await asyncio.get_running_loop().create_server(Discards, "127.0.0.1", port)
    await http.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--grpc-port", type=int, required=True)
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.port, arguments.grpc_port))
