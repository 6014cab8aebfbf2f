"""The pairs of a series from which those to be labelled are drawn, and how much each may teach."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shadow_mw.evaluate.judging.items import draw
from shadow_mw.evaluate.judging.panel import differing
from shadow_mw.evaluate.judging.pools import Judgement, Pool, label_row, newest, pools
from shadow_mw.evaluate.judging.reach import drawn_of, weighed_of
from shadow_mw.evaluate.judging.store import opinions_of
from shadow_mw.evaluate.labelling.draw import inclusions, systematic
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import DataError
from shadow_mw.results import Series
from shadow_mw.types import Json

MOST_READ = 5_000
"""Pairs that are looked into; of a larger series, a random sample of that many."""

DIFFERENT, DIVERGENT, UNGROUNDED, DOUBTED, DISPUTED = 1.0, 1.0, 1.0, 2.0, 2.0
"""What each sign adds to a pair's weight, which is 1 without any.

At most 8: a sign that teaches nothing after all costs no more than that ratio of weights.
"""

SIGNS = """SELECT id, shape IS NULL OR EXISTS (SELECT 1 FROM divergences WHERE pair = id),
        EXISTS (SELECT 1 FROM divergences WHERE pair = id AND kind != 'different'),
        EXISTS (SELECT 1 FROM divergences WHERE pair = id AND NOT grounded)
    FROM pairs WHERE id IN (SELECT value FROM json_each(?))"""
"""Where the two outputs differ, as it was stored with the pair."""

ROWS = f"""SELECT p.pair_id, pairs.id, p.segment FROM pairs
    JOIN observations p ON p.id = primary_row WHERE series = {SERIES}"""


@dataclass(frozen=True, slots=True)
class Frame:
    """What can be drawn, and with which judge's verdicts."""

    series: Series

    rows: tuple[tuple[str, int], ...]
    """Pair id and row of those that are looked into, in a random order."""
    share: float
    """The probability with which a pair is among them."""
    judgements: Mapping[str, Judgement]
    """By pair id, of the chosen judge's newest epoch; empty where none was asked."""
    doubted: frozenset[str]
    """Pairs that a judge sees differently in the other order, or has no verdict on."""
    disputed: frozenset[str]
    """Pairs on which two judges differ."""
    stands_for: Mapping[str, float] = field(default_factory=dict)
    """How many pairs a judged one stands for, over several draws; empty where all for as many."""


def frame(store: Store, series: Series, judge: str | None, seed: int, *, whole: bool) -> Frame:
    """The pairs that were judged, since only they can be compared; all, where none was.

    Pairs whose outputs are the same to the byte are in neither: they are ties already.

    Args:
        store: whose pairs.
        series: which of them.
        judge: whose verdicts go with the labels; None for the only one that was asked.
        seed: of the draw.
        whole: draw from all pairs also where some were judged.

    Raises:
        DataError: the judge is not known, or has to be named.
    """
    opinions = opinions_of(store, series)
    found = newest(pools(opinions))
    chosen = _chosen(found, judge, store)
    judgements = {j.pair_id: j for j in chosen.judgements} if chosen else {}
    judged = [pool.judgements for pool in found.values()]
    signs = _doubted(judged), differing(judged)
    if judgements and not whole:
        rows, population = _judged(store, series, judgements, seed), len(judgements)
    else:
        sample = draw(store, series, MOST_READ, seed)
        numbers = [row for row, item, _ in sample.rows if item]
        rows = [(item.pair_id, row) for item, row in zip(sample.items, numbers, strict=True)]
        return Frame(series, tuple(rows), sample.inclusion, judgements, *signs)
    share = min(1, MOST_READ / population)
    weights = (
        weighed_of(drawn_of(store, series, {o.spec for o in opinions}), chosen, opinions).weights
        if chosen
        else {}
    )
    return Frame(series, tuple(rows[:MOST_READ]), share, judgements, *signs, weights)


def plan(
    store: Store,
    found: Frame,
    size: int,
    seed: int,
) -> list[dict[str, Json]]:
    """Draw: the lines with which a file of labels begins.

    `order` is the place of those that were drawn; the others were judged, and the mean of the
    judge's verdicts needs them.
    """
    known, signs = rows_of(store, found.series), _signs(store, found)
    weights = [
        found.stands_for.get(pair_id, 1.0)
        * (
            signs[row]
            + DOUBTED * (pair_id in found.doubted)
            + DISPUTED * (pair_id in found.disputed)
        )
        for pair_id, row in found.rows
    ]
    chances = inclusions(weights, size)
    order = {place: n for n, place in enumerate(systematic(chances, f"label:{seed}"), 1)}
    lines = []
    for place, (pair_id, _) in enumerate(found.rows):
        line = _line(pair_id, found.judgements, known[pair_id][1])
        line["inclusion"] = chances[place] * found.share
        if place in order:
            lines.append(line | {"order": order[place]})
        elif pair_id in found.judgements:
            lines.append(line)
    read = {pair_id for pair_id, _ in found.rows}
    unread = [pair_id for pair_id in found.judgements if pair_id not in read]
    return lines + [_line(pair_id, found.judgements, known[pair_id][1]) for pair_id in unread]


def _signs(store: Store, found: Frame) -> dict[int, float]:
    """Row to weight, by what the outputs differ in."""
    rows = json.dumps([row for _, row in found.rows])
    return {
        row: 1 + DIFFERENT * different + DIVERGENT * divergent + UNGROUNDED * ungrounded
        for row, different, divergent, ungrounded in store.query(SIGNS, (rows,))
    }


def rows_of(store: Store, series: Series) -> dict[str, tuple[int, str | None]]:
    """Row and segment of every pair of a series."""
    rows = store.query(ROWS, (series.experiment, series.candidate))
    return {pair_id: (row, segment) for pair_id, row, segment in rows}


def _chosen(judges: Mapping[str, Pool], name: str | None, store: Store) -> Pool | None:
    names = ", ".join(judges) or "none"
    if name is not None and name not in judges:
        raise DataError(f"store {store.path}: no verdict of judge {name!r}; it has {names}")
    if name is None and len(judges) > 1:
        raise DataError(f"store {store.path}: name one judge with --judge, it has {names}")
    return judges[name or next(iter(judges))] if judges else None


def _doubted(judged: Iterable[Sequence[Judgement]]) -> frozenset[str]:
    return frozenset(
        j.pair_id for judgements in judged for j in judgements if j.inconsistent or not j.valid
    )


def _judged(
    store: Store, series: Series, judgements: Mapping[str, Judgement], seed: int
) -> list[tuple[str, int]]:
    known = rows_of(store, series)
    rows = [(pair_id, known[pair_id][0]) for pair_id in judgements]
    return sorted(rows, key=lambda row: hashlib.sha256(f"{seed}:{row[0]}".encode()).digest())


def _line(
    pair_id: str, judgements: Mapping[str, Judgement], segment: str | None
) -> dict[str, Json]:
    judged = pair_id in judgements
    row = (
        label_row(judgements[pair_id]) if judged else {"id": pair_id, "human": None, "judge": None}
    )
    return row | {"segment": segment}
