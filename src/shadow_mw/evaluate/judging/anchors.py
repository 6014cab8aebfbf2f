"""A judge's anchors: pairs whose verdicts are frozen, and that it is asked about again and again.

They are kept by what the judge is asked for (`Opinion.spec`), and apart from its other answers: an
answer about a pair is asked for once, one about an anchor in every round.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence

from shadow_mw.evaluate.judging.drift import ALARM, Drift, drift
from shadow_mw.evaluate.judging.items import item_at
from shadow_mw.evaluate.judging.pools import Judgement, Pool, pools
from shadow_mw.evaluate.judging.store import COLUMNS, SELECT, opinion_of, row_of
from shadow_mw.evaluate.judging.values import Item, Opinion, Unanswered
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import DataError
from shadow_mw.results import Series
from shadow_mw.standings import JudgeDrift

FEWEST = 8
"""With fewer, changes to one side alone could not alarm."""
DAY_NS = 86_400 * 10**9
"""How old a round is before a run asks again by itself."""

OF_SPEC = f"series = {SERIES} AND spec = ?"
INSERT = (
    f"INSERT INTO anchors (series, round, {', '.join(COLUMNS)})"
    f" VALUES ({SERIES}, ?, {', '.join('?' * len(COLUMNS))}) ON CONFLICT DO NOTHING"
)


class AnchorRecord:
    """`record.Record` of one round."""

    def __init__(self, store: Store, series: Series, number: int) -> None:
        self._store, self._series, self._number = store, series, number

    def opinions(self, spec: str) -> list[Opinion]:
        """What was answered in this round."""
        return answers(self._store, self._series, spec, self._number)

    def add(self, opinion: Opinion) -> None:
        """Keep one more; it is on disk when this returns."""
        with self._store.transaction():
            self._store.write(INSERT, [_row(self._series, self._number, opinion)])

    def unanswered(self, spec: str) -> list[Unanswered]:  # noqa: ARG002
        """A round compares what was answered."""
        return []

    def leave(self, questions: Iterable[Unanswered]) -> None:
        """Nothing to keep: see `unanswered`."""


def freeze(store: Store, series: Series, pool: Pool, opinions: Sequence[Opinion], size: int) -> int:
    """Freeze a judge's verdicts on some pairs, in place of those frozen before; how many.

    Args:
        store: where.
        series: whose pairs.
        pool: the judge's newest epoch.
        opinions: its answers, of which the frozen ones are copied.
        size: how many pairs, drawn by lot from those with a verdict in both orders.

    Raises:
        DataError: there are too few.
    """
    able = [judgement for judgement in pool.judgements if judgement.valid]
    if len(able) < FEWEST:
        raise DataError(
            f"judge {pool.judge}: {len(able)} pairs have a verdict in both orders,"
            f" at least {FEWEST} are needed for anchors"
        )
    able.sort(key=_lot)
    chosen = {(judgement.pair_id, judgement.item) for judgement in able[:size]}
    kept = [o for o in opinions if (o.pair_id, o.item) in chosen and o.epoch == pool.epoch]
    with store.transaction():
        store.write(
            f"DELETE FROM anchors WHERE {OF_SPEC}", [(*_key(series), spec) for spec in _specs(kept)]
        )
        store.write(INSERT, [_row(series, 0, opinion) for opinion in kept])
    return len(chosen)


def due(store: Store, series: Series, spec: str, *, now: bool) -> int | None:
    """The number of the round to ask in; None where there are no anchors, or it is too early.

    A round is finished within a day or not at all; the next one is due a day after it began.

    Args:
        store: whose anchors.
        series: of which series.
        spec: of which judge.
        now: ask also where the newest round is young.
    """
    rounds = store.query(
        f"SELECT round, count(*), min(time_ns) FROM anchors WHERE {OF_SPEC}"
        " GROUP BY round ORDER BY round",
        (*_key(series), spec),
    )
    if not rounds:
        return None
    frozen, (number, answered, begun) = rounds[0][1], rounds[-1]
    young = time.time_ns() - begun < DAY_NS
    if young and number and answered < frozen:
        return int(number)
    return None if young and not now else int(number) + 1


def items_of(
    store: Store, series: Series, spec: str, rows: Mapping[str, tuple[int, str | None]]
) -> list[Item]:
    """The anchors as they are to be shown: those whose texts are still what they were.

    Args:
        store: whose anchors.
        series: of which series.
        spec: of which judge.
        rows: pair id to row of the pair.
    """
    frozen = {o.pair_id: o.item for o in answers(store, series, spec, 0)}
    items = [item_at(store, rows[pair_id][0], pair_id) for pair_id in frozen if pair_id in rows]
    return [item for item in items if item.digest == frozen[item.pair_id]]


def drift_of(store: Store, series: Series, spec: str) -> JudgeDrift | None:
    """The newest round that has a whole pair, against the frozen one; None without such a round."""
    before = answers(store, series, spec, 0)
    for number in range(_newest(store, series, spec), 0, -1):
        after = answers(store, series, spec, number)
        found = [pool for pool in pools(after) if pool.judgements]
        if found:
            # Where several answered in one round, the one that said most: that alone is an alarm.
            most = max(found, key=lambda pool: len(pool.judgements))
            return _drift(number, pools(before)[0].judgements, most, {o.epoch for o in after})
    return None


def drifts_of(store: Store, series: Series, opinions: Sequence[Opinion]) -> dict[str, JudgeDrift]:
    """What anchors say of every judge that was asked about a series, by `Opinion.spec`.

    Those of the series itself, unless those of another one have alarmed since the judge was first
    asked here: it is the same judge.
    """
    since = dict[str, int]()
    for opinion in opinions:
        since[opinion.spec] = min(opinion.time_ns, since.get(opinion.spec, opinion.time_ns))
    found = dict[str, JudgeDrift]()
    for spec, first in since.items():
        own = drift_of(store, series, spec)
        after = max(first, own.time_ns if own else 0)
        elsewhere = (drift_of(store, other, spec) for other in _with_anchors(store, series, spec))
        alarms = [drift for drift in elsewhere if drift and drift.alarm and drift.time_ns > after]
        drift = max(alarms, key=lambda one: one.time_ns, default=own)
        if drift:
            found[spec] = drift
    return found


def _with_anchors(store: Store, series: Series, spec: str) -> list[Series]:
    """The other series that have anchors of a judge."""
    rows = store.query(
        "SELECT experiment, candidate_id FROM series WHERE id IN"
        " (SELECT DISTINCT series FROM anchors WHERE spec = ?)",
        (spec,),
    )
    return [other for row in rows if (other := Series(*row)) != series]


def _drift(number: int, before: Sequence[Judgement], after: Pool, epochs: set[str]) -> JudgeDrift:
    found = drift(before, after.judgements)
    same = epochs == {before[0].epoch}
    return JudgeDrift(
        number,
        after.until_ns,
        len(before),
        found.changed.n,
        int(found.changed.k),
        found.to_candidate,
        found.to_primary,
        found.lost,
        found.p,
        same,
        tuple(_reasons(found, same=same)),
    )


def _reasons(found: Drift, *, same: bool) -> list[str]:
    reasons = []
    if not same:
        reasons.append("another model or system fingerprint answers than when they were frozen")
    if found.alarm:
        reasons.append(
            f"{found.to_candidate} verdicts moved to the candidate and {found.to_primary} to the"
            f" primary (McNemar p {found.p:.2g}, below {ALARM})"
        )
    if found.falling_silent:
        reasons.append(f"{found.lost} pairs have no verdict any more")
    return reasons


def newest_answers(store: Store, series: Series, spec: str) -> list[Opinion]:
    """What a judge said when it was last asked again; nothing where it was not."""
    number = _newest(store, series, spec)
    return answers(store, series, spec, number) if number else []


def _newest(store: Store, series: Series, spec: str) -> int:
    (number,) = store.one(f"SELECT max(round) FROM anchors WHERE {OF_SPEC}", (*_key(series), spec))
    return int(number or 0)


def answers(store: Store, series: Series, spec: str, number: int) -> list[Opinion]:
    """What a judge said in one round; 0 is what was frozen."""
    rows = store.query(
        f"{SELECT} FROM anchors AS opinions WHERE {OF_SPEC} AND round = ?",
        (*_key(series), spec, number),
    )
    return [opinion_of(row) for row in rows]


def _lot(judgement: Judgement) -> bytes:
    return hashlib.sha256(f"anchor:{judgement.pair_id}".encode()).digest()


def _specs(opinions: Sequence[Opinion]) -> set[str]:
    return {opinion.spec for opinion in opinions}


def _key(series: Series) -> tuple[str, str]:
    return series.experiment, series.candidate


def _row(series: Series, number: int, opinion: Opinion) -> list[object]:
    return [*_key(series), number, *row_of(opinion)]
