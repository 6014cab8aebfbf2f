"""A judge's verdicts that came with rows of a file: kept as an epoch of their own."""

from __future__ import annotations

from dataclasses import dataclass

from shadow_mw.evaluate.judging.items import item_at
from shadow_mw.evaluate.judging.store import INSERT, imported_as, row_of
from shadow_mw.evaluate.judging.values import Opinion, Winner
from shadow_mw.evaluate.store import Store
from shadow_mw.standings import IMPORTED
from shadow_mw.types import Role

ORDERS = (Role.PRIMARY, Role.CANDIDATE)
"""What was shown first, in the order of `Verdicts.winners`."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a row says of its judge."""

    name: str
    winners: tuple[str, str]
    """`primary`, `candidate` or `tie`: with the primary shown first, then with the candidate."""


def keep(store: Store, pair: int, pair_id: str, verdicts: Verdicts) -> None:
    """Store a pair's verdicts in place of what that judge's were; inside a transaction.

    Their time is 0, so that no answer of a judge that was asked here is ever the older one. Outputs
    that are the same are ties here as everywhere, whatever the verdicts are.
    """
    item, spec = item_at(store, pair, pair_id), imported_as(pair, verdicts.name)
    store.write("DELETE FROM opinions WHERE spec = ?", [(spec,)])
    opinions = [
        Opinion(
            judge=verdicts.name,
            spec=spec,
            epoch=IMPORTED,
            pair_id=pair_id,
            item=item.digest,
            first=first,
            winner=Winner(winner),
            lengths=(len(item.primary), len(item.candidate)),
            calls=0,
        )
        for first, winner in zip(ORDERS, verdicts.winners, strict=True)
    ]
    store.write(INSERT, map(row_of, opinions))
    shown = None if item.primary == item.candidate else item.digest
    # Nobody drew it.
    store.write("INSERT INTO judged VALUES (?, ?, 0) ON CONFLICT DO NOTHING", [(pair, shown)])


def has_any(store: Store) -> bool:
    """Whether any pair came with verdicts."""
    start, end = IMPORTED + ":", IMPORTED + ";"
    return bool(
        store.query("SELECT 1 FROM opinions WHERE spec >= ? AND spec < ? LIMIT 1", (start, end))
    )


def verdicts_of(store: Store, pair: int) -> Verdicts | None:
    """A pair's own verdicts; of several judges the first by name, since a row has room for one."""
    start = imported_as(pair)
    rows = store.query(
        "SELECT judge, first, winner FROM opinions WHERE spec >= ? AND spec < ? ORDER BY spec",
        (start, start[:-1] + ";"),
    )
    if not rows:
        return None
    name = rows[0][0]
    found = {first: winner for judge, first, winner in rows if judge == name}
    return Verdicts(name, (found[ORDERS[0]], found[ORDERS[1]]))
