"""Pairs of one class of harm, newest first, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shadow_mw.evaluate.harm import RANKS
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.worst.losses import TABLE
from shadow_mw.harms import Harm
from shadow_mw.results import Series

CODES: Final = RANKS
CLASSES: Final = {code: harm for harm, code in CODES.items()}
MILD: Final = (CODES[Harm.DIFFERS], CODES[Harm.SAME])
"""What a judge's verdict makes worse; all else is worse already."""

_LOST: Final = "SELECT 1 FROM temp.lost WHERE lost.series = pairs.series AND lost.pair = pairs.id"
_IN: Final = f"harm IN ({', '.join(map(str, MILD))})"

NEWEST: Final = 2**63 - 1

Values = dict[str, Any]


class Scope:
    """The pairs of one series, or of one segment of it.

    Args:
        store: its connection knows which pairs a judge gives to the primary, see `set_lost`.
        series: which candidate.
        segment: empty for pairs without one, None for all.
    """

    def __init__(self, store: Store, series: Series, segment: str | None = None) -> None:
        self.store, self.values = store, Values()
        store.query(TABLE)
        self.values["series"] = series_number(store, series)
        self.where, self._others = "pairs.series = :series", False
        if segment == "":
            # No index has these; it has all, and the others.
            self._others = True
            self.where += " AND pairs.segment IS NULL"
        elif segment is not None:
            self.where += " AND pairs.segment = (SELECT id FROM names WHERE name = :segment)"
            self.values["segment"] = segment
        self.has_lost = bool(
            self._rows("SELECT 1 FROM temp.lost WHERE series = :series LIMIT 1", {})
        )

    def counts(self) -> dict[Harm, int]:
        """How many pairs are of which class; every class is there, in order."""
        return self.with_lost(self.plain())

    def plain(self) -> dict[Harm, int]:
        """The same, whatever judges say."""
        found = dict.fromkeys(Harm, 0)
        every = "WHERE pairs.series = :series"
        for code, n in self._counted(every if self._others else f"WHERE {self.where}"):
            found[CLASSES[code]] = n
        others = f"INDEXED BY pairs_segment {every} AND segment IS NOT NULL"
        for code, n in self._counted(others) if self._others else ():
            found[CLASSES[code]] -= n
        return found

    def with_lost(self, plain: Mapping[Harm, int]) -> dict[Harm, int]:
        """Plain counts, those that a judge gives to the primary in a class of their own."""
        found = dict(plain)
        for code, n in self._rows(f"SELECT harm, count(*) {self._all_lost()} GROUP BY 1"):
            found[CLASSES[code]] -= n
            found[Harm.JUDGE_LOSS] += n
        return found

    def pairs(self, harm: Harm, limit: int, offset: int = 0, before: int = NEWEST) -> list[int]:
        """Rows of one class, newest first.

        Args:
            harm: the class.
            limit: how many at most.
            offset: how many are left out first.
            before: rows from this one on are left out too.
        """
        if harm is Harm.JUDGE_LOSS:
            source = self._all_lost()
        else:
            source = f"FROM pairs WHERE {self.where} AND harm = :harm"
            if CODES[harm] in MILD and self.has_lost:
                source += f" AND NOT EXISTS ({_LOST})"
        rows = self._rows(
            f"SELECT pairs.id {source} AND pairs.id < :before"
            " ORDER BY pairs.id DESC LIMIT :limit OFFSET :offset",
            {"harm": CODES[harm], "before": before, "limit": limit, "offset": offset},
        )
        return [pair for (pair,) in rows]

    def classes_of(self, pairs: str, **values: Any) -> list[tuple[int, Harm]]:
        """Row and class of pairs, the worst and newest first.

        Args:
            pairs: SQL that gives their rows.
            values: what it names.
        """
        rows = self._rows(
            f"""SELECT pairs.id, iif({_IN} AND EXISTS ({_LOST}), {CODES[Harm.JUDGE_LOSS]}, harm)
            FROM ({pairs}) AS hit CROSS JOIN pairs ON pairs.id = hit.pair
            WHERE {self.where} AND harm IS NOT NULL ORDER BY 2, 1 DESC""",
            values,
        )
        return [(pair, CLASSES[code]) for pair, code in rows]

    def _counted(self, which: str) -> list[tuple[int, int]]:
        return self._rows(
            f"SELECT harm, count(*) FROM pairs {which} AND harm IS NOT NULL GROUP BY 1"
        )

    def _all_lost(self) -> str:
        return (
            "FROM temp.lost CROSS JOIN pairs ON pairs.id = lost.pair"
            f" WHERE lost.series = :series AND {self.where} AND {_IN}"
        )

    def _rows(self, sql: str, more: Values | None = None) -> list[Any]:
        return self.store.query(sql, self.values | (more or {}))


def series_number(store: Store, series: Series) -> int:
    """The row of a series; 0, which none has, where there are only counters of it yet."""
    rows = store.query(
        "SELECT id FROM series WHERE experiment = ? AND candidate_id = ?",
        (series.experiment, series.candidate),
    )
    return int(rows[0][0]) if rows else 0
