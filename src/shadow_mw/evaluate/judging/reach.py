"""From the store to what was drawn of a series, and to what its draws could have reached."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from shadow_mw.evaluate.judging.drawn import Drawn, DrawnPair, Key, Scale, Weighed, scale
from shadow_mw.evaluate.judging.pools import Pool
from shadow_mw.evaluate.judging.store import unanswered_of
from shadow_mw.evaluate.judging.values import Opinion
from shadow_mw.evaluate.series import CLUSTERS, SERIES, WEIGHT
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.standings import IMPORTED

COHORT = "(SELECT count(*) FROM draws WHERE draws.series = pairs.series AND last_pair < pairs.id)"
DRAWN = f"""SELECT (SELECT pair_id FROM observations WHERE observations.id = candidate_row), item,
        inclusion > 0, {COHORT}, {WEIGHT}, {{cluster}}
    FROM judged CROSS JOIN pairs ON pairs.id = pair WHERE series = {SERIES} {{pairs}}"""
"""From the few that are judged on, not from all pairs."""
ABLE = f"""SELECT {COHORT}, count(*), total({WEIGHT}) FROM pairs
    WHERE series = {SERIES} {{pairs}} AND excluded IS NULL
    AND (SELECT has_answer AND answered FROM observations WHERE observations.id = primary_row)
    AND (SELECT has_answer AND answered FROM observations WHERE observations.id = candidate_row)
    GROUP BY 1"""
"""As `items.draw` has it."""


def drawn_of(
    store: Store,
    series: Series,
    specs: Collection[str] = (),
    pairs: str = "",
    cluster: str = "session",
) -> Drawn:
    """What was drawn of a series for judges.

    Args:
        store: whose draws.
        series: which of them.
        specs: of the judges whose questions without an answer are wanted.
        pairs: a condition on `pairs`; '' takes all.
        cluster: `session`, `key` or `pair`: what pairs share their luck by.
    """
    key, some = (series.experiment, series.candidate), pairs and f"AND {pairs}"
    rows = store.query(DRAWN.format(cluster=CLUSTERS[cluster], pairs=some), key)
    taken = defaultdict[int, list[float]](list)
    for _, _, by_lot, cohort, calls, _ in rows:
        if by_lot:
            taken[cohort].append(calls)
    measure = _scale(store, key, some, taken)
    return Drawn(
        tuple(
            DrawnPair(
                pair_id,
                item,
                measure.joined.get(cohort, 0),
                calls * measure.of(cohort),
                unit,
                bool(lot),
            )
            for pair_id, item, lot, cohort, calls, unit in rows
            if item != ""
        ),
        measure.after,
        measure.pairs_after,
        in_vain(store, specs),
    )


def _scale(
    store: Store, key: tuple[str, str], pairs: str, taken: Mapping[int, Sequence[float]]
) -> Scale:
    draws, beyond = store.one(
        "SELECT count(*), max(last_pair) <"
        f" (SELECT max(id) FROM pairs WHERE series = {SERIES}) FROM draws WHERE series = {SERIES}",
        (*key, *key),
    )
    if not taken or not draws or (draws == 1 and not beyond):
        return Scale()
    able = {cohort: (n, calls) for cohort, n, calls in store.query(ABLE.format(pairs=pairs), key)}
    n, after = able.pop(draws, (0, 0.0))
    return scale({cohort: calls for cohort, (_, calls) in able.items()}, taken, after, n)


def weighed_of(drawn: Drawn, pool: Pool, opinions: Iterable[Opinion]) -> Weighed:
    """What the pairs of one judge in one epoch stand for."""
    keys = [(judgement.pair_id, judgement.item) for judgement in pool.judgements]
    spec = next(o.spec for o in opinions if (o.judge, o.epoch) == (pool.judge, pool.epoch))
    return drawn.weighed(keys, spec, imported=pool.epoch == IMPORTED)


def in_vain(store: Store, specs: Collection[str]) -> Mapping[str, Mapping[Key, str]]:
    """Of a pair's two orders one reason is told: the more frequent one."""
    found: dict[str, dict[Key, Counter[str]]] = {}
    for one in unanswered_of(store, specs):
        pairs = found.setdefault(one.spec, {})
        pairs.setdefault((one.pair_id, one.item), Counter())[one.kind] += 1
    return {
        spec: {key: kinds.most_common(1)[0][0] for key, kinds in pairs.items()}
        for spec, pairs in found.items()
    }
