"""Ground truths by business key; a new one has the pairs of its key judged anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shadow_mw.evaluate import recent, strict_json
from shadow_mw.evaluate.store.database import LOOKED_UP
from shadow_mw.evaluate.store.store import Store
from shadow_mw.types import Json

SELECT_TRUTHS: Final = (
    f"WITH wanted (name) AS (VALUES {', '.join(['(?)'] * LOOKED_UP)})"
    " SELECT key, truth FROM wanted CROSS JOIN truth ON key = name"
)


def truth_of(store: Store, key: str | None) -> Json:
    """The ground truth under a business key; None where there is none."""
    rows = store.query("SELECT truth FROM truth WHERE key = ?", (key,)) if key else []
    return strict_json.loads(rows[0][0]) if rows else None


def truths_of(store: Store, keys: Iterable[str | None]) -> dict[str, Json]:
    """The ground truths of those keys that have one."""
    wanted = dict.fromkeys(key for key in keys if key)
    return {key: recent.loads(text) for key, text in truth_texts(store, wanted).items()}


def truth_texts(store: Store, keys: Iterable[str]) -> dict[str, str]:
    """The same as JSON text."""
    return dict(store.looked_up(SELECT_TRUTHS, [(key,) for key in keys], 1))


def set_truth(store: Store, key: str, truth: Json) -> int:
    """Store or replace a truth; the number of pairs that have to be judged anew."""
    add_truths(store, [(key, strict_json.dumps(truth))])
    return int(store.one("SELECT count(*) FROM pairs WHERE key = ?", (key,))[0])


def add_truths(store: Store, truths: Iterable[tuple[str, str]]) -> None:
    """Store or replace truths, each as JSON under its key; their pairs wait to be judged."""
    rows = list(truths)
    store.write(
        "INSERT INTO truth VALUES (?, ?) ON CONFLICT DO UPDATE SET truth = excluded.truth", rows
    )
    store.write("UPDATE pairs SET stale = 1 WHERE key = ?", [(key,) for key, _ in rows])
