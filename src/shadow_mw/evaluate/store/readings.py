"""What processes count and report of themselves, one row a source and name."""

from __future__ import annotations

from shadow_mw.evaluate.store.store import Store
from shadow_mw.records import Reading


def set_reading(store: Store, reading: Reading) -> None:
    """Bring one source's numbers up to date; counters only grow, so an old state is no news."""
    key = reading.experiment, reading.candidate_id, reading.source
    store.write(
        "INSERT INTO funnel VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET n = excluded.n WHERE excluded.n > n",
        [(*key, name, n) for name, n in reading.counts.items()],
    )
    store.write(
        "INSERT INTO gauges VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value",
        [(*key, name, value) for name, value in reading.values.items()],
    )
