"""The collector's part, a process of its own: `python -m benchmarks.ingest_load --port N`.

Sends gzipped protobuf batches over a few connections, each the next once the last is answered.
Prints JSON: how many spans were taken, in how long, and the process that stored them as it went.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import threading
import time

import psutil

from benchmarks.ingest_spans import PAIRS, Batches

HEADERS = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}


class Load:
    """What the connections share."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._batches = Batches()
        self._lock = threading.Lock()
        self._end = time.monotonic() + seconds
        self.batches = 0
        self.refused = 0
        self.milliseconds: list[float] = []

    def run(self) -> None:
        """One connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while time.monotonic() < self._end:
            with self._lock:
                body = self._batches.next()
            started = time.monotonic()
            connection.request("POST", "/v1/traces", body, HEADERS)
            response = connection.getresponse()
            answer = response.read()
            good = response.status == 200 and not answer
            with self._lock:
                self.milliseconds.append(1000 * (time.monotonic() - started))
                self.batches += good
                self.refused += not good
        connection.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--pid", type=int, required=True, help="the server's, to be looked at")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=3)
    parser.add_argument("--core", type=int, required=True)
    args = parser.parse_args()
    os.sched_setaffinity(0, {args.core})
    server = psutil.Process(args.pid)
    Batches(1).next()
    load = Load(args.port, args.seconds)
    threads = [threading.Thread(target=load.run) for _ in range(args.connections)]
    used, started = server.cpu_times(), time.monotonic()
    for thread in threads:
        thread.start()
    memory = []
    while any(thread.is_alive() for thread in threads):
        memory.append(server.memory_info().rss)
        time.sleep(0.2)
    seconds, now = time.monotonic() - started, server.cpu_times()
    spans = load.batches * 2 * PAIRS
    cpu = now.user + now.system - used.user - used.system
    print(
        json.dumps(
            {
                "spans": spans,
                "refused": load.refused,
                "seconds": seconds,
                "cpu_us_per_span": 1e6 * cpu / max(spans, 1),
                "rss": memory,
                "p50_ms": sorted(load.milliseconds)[len(load.milliseconds) // 2],
                "p99_ms": sorted(load.milliseconds)[len(load.milliseconds) * 99 // 100],
            }
        )
    )


if __name__ == "__main__":
    main()
