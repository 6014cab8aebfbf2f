"""What `shadow-mw load` found last of a candidate: kept in the store, apart from all pairs."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import inf, isinf
from typing import Any

from shadow_mw.evaluate.meta_names import meta_name
from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import LoadRun
from shadow_mw.results import Series

PERCENTILES = ("p50_ms", "p95_ms")


def load_run(store: Store, series: Series) -> LoadRun | None:
    """The newest whole run; None where there was none."""
    rows = store.query("SELECT value FROM meta WHERE name = ?", (_name(series),))
    if not rows:
        return None
    # JSON has no infinity.
    found: dict[str, Any] = {
        name: inf if value is None else value for name, value in json.loads(rows[0][0]).items()
    }
    return LoadRun(**found)


def set_load_run(store: Store, series: Series, run: LoadRun) -> None:
    """Keep a run instead of the one before it."""
    table = {
        name: None if name in PERCENTILES and isinf(value) else value
        for name, value in asdict(run).items()
    }
    with store.transaction():
        store.write(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
            [(_name(series), json.dumps(table, allow_nan=False))],
        )


def _name(series: Series) -> str:
    return meta_name("load", series.experiment, series.candidate)
