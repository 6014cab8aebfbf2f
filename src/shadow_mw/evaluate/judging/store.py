"""Opinions in the store: what a judge said, of which texts, and with whom it may be pooled."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal
from typing import Any

from shadow_mw.evaluate.endpoint.alone import alone
from shadow_mw.evaluate.judging.values import Opinion, Unanswered, Winner
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.standings import IMPORTED
from shadow_mw.types import Role

COLUMNS = tuple(
    name
    for field in fields(Opinion)
    for name in (
        ("primary_length", "candidate_length") if field.name == "lengths" else (field.name,)
    )
)
ROLES = {role.value: role for role in Role}
WINNERS = {winner.value: winner for winner in Winner}
SELECT = f"SELECT {', '.join(f'opinions.{name}' for name in COLUMNS)}"
INSERT = (
    f"INSERT INTO opinions ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    " ON CONFLICT DO NOTHING"
)
OF_SERIES = f"""{SELECT}, pairs.id FROM opinions
    CROSS JOIN judged USING (item) CROSS JOIN pairs ON pairs.id = judged.pair
    CROSS JOIN observations ON observations.id = candidate_row
    WHERE series = {SERIES} AND observations.pair_id = opinions.pair_id"""
"""Of all pairs only few are judged: from the opinions on, not from the series."""
UNANSWERED = """SELECT spec, pair_id, item, first, kind FROM unanswered WHERE spec = ?
    AND NOT EXISTS (SELECT 1 FROM opinions o WHERE o.spec = unanswered.spec
        AND o.pair_id = unanswered.pair_id AND o.item = unanswered.item
        AND o.first = unanswered.first)"""


class StoreRecord:
    """`record.Record` over a store; one run at a time, see `recording`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def opinions(self, spec: str) -> list[Opinion]:
        """What is on record of one judge."""
        return [
            opinion_of(row)
            for row in self._store.query(f"{SELECT} FROM opinions WHERE spec = ?", (spec,))
        ]

    def add(self, opinion: Opinion) -> None:
        """Keep one more; it is on disk when this returns."""
        with self._store.transaction():
            self._store.write(INSERT, [row_of(opinion)])

    def unanswered(self, spec: str) -> list[Unanswered]:
        """Questions of one judge that no answer has come to."""
        return unanswered_of(self._store, [spec])

    def leave(self, questions: Iterable[Unanswered]) -> None:
        """Keep that these have no answer, and why."""
        now = time.time_ns()
        rows = [(*one.key, one.kind, now) for one in questions]
        if rows:
            with self._store.transaction():
                self._store.write(
                    "INSERT OR REPLACE INTO unanswered VALUES (?, ?, ?, ?, ?, ?)", rows
                )


def unanswered_of(store: Store, specs: Iterable[str]) -> list[Unanswered]:
    """Questions of these judges that no answer has come to, in the order of their texts."""
    return [
        Unanswered(spec, pair_id, item, Role(first), kind)
        for name in specs
        for spec, pair_id, item, first, kind in store.query(UNANSWERED, (name,))
    ]


@contextmanager
def recording(store: Store) -> Iterator[StoreRecord]:
    """Let one run at a time ask: two would ask, and pay for, the same answers.

    Raises:
        DataError: another run is at it.
    """
    with alone(store, "judge", "another run of judges"):
        yield StoreRecord(store)


def set_judged(
    store: Store,
    series: Series,
    rows: Iterable[tuple[int, str | None, float]],
    last_pair: int,
) -> None:
    """Note a draw, and what a judge is shown now of the pairs in it.

    Args:
        store: where.
        series: of which the draw is.
        rows: the pair's row; `Item.digest`, None where both outputs are the same, '' where they
            cannot be shown; the share that was drawn.
        last_pair: the newest row that it could reach.
    """
    with store.transaction():
        store.write("INSERT OR REPLACE INTO judged VALUES (?, ?, ?)", rows)
        key = series.experiment, series.candidate
        store.write(f"INSERT OR IGNORE INTO draws VALUES ({SERIES}, ?)", [(*key, last_pair)])


def any_opinion(store: Store) -> bool:
    """Whether a judge was ever asked, of whatever series."""
    return bool(store.query("SELECT 1 FROM opinions LIMIT 1"))


def opinions_of(store: Store, series: Series) -> list[Opinion]:
    """Every judge's answers on the pairs of a series, as far as their texts are still the same."""
    rows = store.query(OF_SERIES, (series.experiment, series.candidate))
    return [
        opinion_of((judge, IMPORTED if epoch == IMPORTED else spec, epoch, *values))
        for judge, spec, epoch, *values, pair in rows
        if epoch != IMPORTED or spec.startswith(imported_as(pair))
    ]


def imported_as(pair: int, judge: str = "") -> str:
    """The `spec` under which a pair's own verdicts are kept, and its beginning for any judge."""
    return f"{IMPORTED}:{pair}:{judge}"


def row_of(opinion: Opinion) -> list[Any]:
    """Values for `COLUMNS`."""
    values = {field.name: getattr(opinion, field.name) for field in fields(Opinion)}
    values["primary_length"], values["candidate_length"] = opinion.lengths
    cost = opinion.cost_usd
    values["cost_usd"] = None if cost is None else str(cost)
    return [values[name] for name in COLUMNS]


def opinion_of(row: Sequence[Any]) -> Opinion:
    """The other way round."""
    judge, spec, epoch, pair_id, item, first, winner, invalid, analysis, model, *more = row
    fingerprint, primary_length, candidate_length, inputs, outputs, cost, *last = more
    # By place, as `COLUMNS` has them: a report reads tens of thousands.
    return Opinion(
        *(judge, spec, epoch, pair_id, item, ROLES[first], WINNERS[winner]),
        *(invalid, analysis, model, fingerprint, (primary_length, candidate_length)),
        *(inputs, outputs, None if cost is None else Decimal(cost), *last),
    )
