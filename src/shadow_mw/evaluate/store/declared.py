"""How pairs are judged, as it was declared: kept in the store, so that every process does alike.

A change has the pairs that it may concern judged anew. Rules and checks that change once data have
come could be made to fit them: the store keeps when that was last.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Final

from shadow_mw.evaluate.store.store import Store

CHANGED: Final = "standards_changed_ns"


def rules(store: Store) -> str | None:
    """The rules of fields that count in this store, as JSON; None where none were ever."""
    return _declared(store, "field_rules")


def set_rules(store: Store, table: str) -> int:
    """Have other rules count; the number of pairs that have to be judged anew."""
    if rules(store) == table:
        return 0
    _declare(store, "field_rules", table)
    _note_change(store)
    # The same answer differs nowhere, by whatever rules.
    differing = "shape IS NOT NULL AND NOT exact_match"
    return store.change(f"UPDATE pairs SET stale = 1 WHERE scored OR {differing}")


def checklist(store: Store) -> str | None:
    """Which checks count in this store, as JSON; None where nobody ever chose."""
    return _declared(store, "checks")


def set_checklist(store: Store, table: str, *, unsaid: str) -> int:
    """Have other checks count; the number of pairs that have to be judged anew.

    Args:
        store: where.
        table: the choice.
        unsaid: the choice that counts where there is none.
    """
    if (checklist(store) or unsaid) == table:
        return 0
    _declare(store, "checks", table)
    _note_change(store)
    return store.change("UPDATE pairs SET stale = 1 WHERE excluded IS NULL")


def changed_ns(store: Store) -> int | None:
    """When rules or checks last changed in a store with data, a unix time; None for never."""
    known = _declared(store, CHANGED)
    return None if known is None else int(known)


def contexts(store: Store) -> dict[str, int]:
    """What candidates can read and write in one call, by id, as far as anybody said it."""
    found: dict[str, int] = json.loads(_declared(store, "context_tokens") or "{}")
    return found


def set_contexts(store: Store, table: Mapping[str, int]) -> int:
    """Have other contexts count; the number of pairs that have to be judged anew."""
    known = contexts(store)
    changed = sorted({name for name, _ in table.items() ^ known.items()})
    _declare(store, "context_tokens", json.dumps(dict(table), sort_keys=True))
    return sum(
        store.change(
            "UPDATE pairs SET stale = 1 WHERE excluded IS NULL"
            " AND series IN (SELECT id FROM series WHERE candidate_id = ?)",
            (name,),
        )
        for name in changed
    )


def _note_change(store: Store) -> None:
    if store.query("SELECT 1 FROM observations LIMIT 1"):
        _declare(store, CHANGED, str(time.time_ns()))


def _declared(store: Store, name: str) -> str | None:
    rows = store.query("SELECT value FROM meta WHERE name = ?", (name,))
    return str(rows[0][0]) if rows else None


def _declare(store: Store, name: str, value: str) -> None:
    store.change(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        (name, value),
    )
