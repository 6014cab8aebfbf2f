"""Reading what capture has written, as the runner would."""

from __future__ import annotations

from pathlib import Path

from shadow_mw.frames import Kind, ProcessCounts, read_counters, read_exchange
from shadow_mw.runner.tail import Tail
from shadow_mw.types import Exchange


def frames(directory: Path) -> tuple[list[Exchange], list[ProcessCounts]]:
    """All exchanges and all counters in a directory's segments."""
    if not directory.exists():
        return [], []
    tail = Tail(directory, lambda _: set())
    exchanges, counters = [], []
    for found in tail.read():
        assert found.frame is not None, f"torn at {found.position}"
        if found.frame.kind is Kind.EXCHANGE:
            exchange, counts = read_exchange(found.frame.payload)
            exchanges.append(exchange)
            counters.append(counts)
        else:
            counters.append(read_counters(found.frame.payload))
    tail.close()
    return exchanges, counters


def exchanges(directory: Path) -> list[Exchange]:
    """All exchanges, in the order of their segments."""
    return frames(directory)[0]
