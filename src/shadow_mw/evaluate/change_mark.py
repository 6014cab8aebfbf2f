"""Whether anything that a verdict rests on has changed, for a fraction of what a verdict costs."""

from __future__ import annotations

import hashlib
import json

from shadow_mw.evaluate.meta_names import meta_name
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.tables import DOCUMENT
from shadow_mw.results import Series
from shadow_mw.version import __version__


def change_mark(store: Store, series: Series) -> str:
    """The same as long as a series has the same pairs, results, judges, labels, plan and counters.

    By counts and sums, not by content: one table is read once.
    """
    key = series.experiment, series.candidate
    sums = ", ".join(f"total({name})" for name in ("stale", "exact_match", "candidate_json"))
    pairs = store.one(
        f"SELECT count(*), max(id), {sums}, {', '.join(f'total({name})' for name in DOCUMENT)}"
        f" FROM pairs WHERE series = {SERIES}",
        key,
    )
    others = [
        store.one(f"SELECT count(*), total(time_ns) FROM {table}")
        for table in ("opinions", "anchors", "preferences")
    ]
    counted = store.one("SELECT total(n) FROM funnel WHERE experiment = ?", key[:1])
    declared = store.query(
        "SELECT name, value FROM meta WHERE name IN ('field_rules', 'checks', 'context_tokens')"
        " OR name IN (?, ?, ?) ORDER BY name",
        (f"plan:{key[0]}", meta_name("load", *key), meta_name("signatures", *key)),
    )
    found = json.dumps([__version__, pairs, others, counted, declared])
    return hashlib.sha256(found.encode()).hexdigest()
