"""Pairs that a judge gives to the primary: known only once judges were asked, so looked up apart.

Every answer of every judge is read for it. Who lists pairs keeps what came out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shadow_mw.evaluate.judging.store import any_opinion
from shadow_mw.evaluate.series import SERIES
from shadow_mw.evaluate.store import Store
from shadow_mw.results import Series
from shadow_mw.standings import IMPORTED

TABLE: Final = (
    "CREATE TEMP TABLE IF NOT EXISTS lost"
    " (series INTEGER, pair INTEGER, PRIMARY KEY (series, pair)) WITHOUT ROWID"
)

_OWN: Final = f"substr(spec, 1, length('{IMPORTED}:' || pairs.id || ':'))"
"""Imported verdicts are one pair's, see `imported_as`."""

LOST: Final = f"""WITH said AS (
    SELECT judged.pair, opinions.judge, opinions.epoch, count(DISTINCT first) = 2
        AND min(winner = 'primary') AS lost, max(opinions.time_ns) AS until
    FROM judged CROSS JOIN pairs ON pairs.id = judged.pair
    CROSS JOIN observations ON observations.id = candidate_row
    CROSS JOIN opinions ON opinions.item = judged.item
        AND opinions.pair_id = observations.pair_id
    WHERE series = {SERIES}
        AND (opinions.epoch != '{IMPORTED}' OR {_OWN} = '{IMPORTED}:' || pairs.id || ':')
    GROUP BY 1, 2, 3
), newest AS (
    SELECT judge, epoch, max(until) FROM (
        SELECT judge, epoch, max(until) AS until FROM said GROUP BY 1, 2
    ) GROUP BY judge
)
SELECT DISTINCT pair FROM said JOIN newest USING (judge, epoch) WHERE lost ORDER BY 1"""


def lost_pairs(store: Store, series: Series) -> list[int]:
    """Rows of the pairs that some judge, in its newest epoch, gives to the primary both times."""
    if not any_opinion(store):
        return []
    return [pair for (pair,) in store.query(LOST, (series.experiment, series.candidate))]


def set_lost(store: Store, series: int, pairs: Iterable[int]) -> None:
    """Keep them for this connection, where lists look for them."""
    store.query(TABLE)
    # Nobody else has this table: there is no lock to take, and one reading may be under way.
    with store.transaction(write=False):
        store.write("DELETE FROM temp.lost WHERE series = ?", [(series,)])
        store.write("INSERT INTO temp.lost VALUES (?, ?)", [(series, pair) for pair in pairs])
