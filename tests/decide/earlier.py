"""Plans that were registered before the calls of a window whose dates lie in the past."""

import sqlite3
from contextlib import closing
from pathlib import Path

REGISTERED_NS = 1_793_491_200 * 10**9
"""2026-11-01T00:00:00Z: windows of `benchmarks.window` begin a day later."""


def registered_earlier(store: Path, experiment: str, at_ns: int = REGISTERED_NS) -> None:
    """Set the time of a registration back, as no command does."""
    with closing(sqlite3.connect(store)) as connection, connection:
        done = connection.execute(
            "UPDATE meta SET value = json_set(value, '$.registered_ns', ?) WHERE name = ?",
            (at_ns, f"plan:{experiment}"),
        )
    assert done.rowcount == 1
