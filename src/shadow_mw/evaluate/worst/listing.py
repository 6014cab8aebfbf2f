"""The list of pairs, the worst first: filtered and paged here, whatever the size of the store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.worst.classes import Scope, series_number
from shadow_mw.evaluate.worst.losses import lost_pairs, set_lost
from shadow_mw.evaluate.worst.rows import harm_rows
from shadow_mw.evaluate.worst.search import Reader, hits
from shadow_mw.harms import Filter, Harm, HarmPage
from shadow_mw.results import Series

PATIENCE: Final = 0.7
"""Seconds for which pairs are looked through one by one; what is found by then is shown."""
AT_ONCE: Final = 100

Found = list[tuple[int, Harm]]


def harm_page(
    store: Store,
    series: Series,
    wanted: Filter,
    counts: Mapping[Harm, int] | None = None,
    patience: float = PATIENCE,
) -> HarmPage:
    """Some rows of the list, and how many there are.

    Args:
        store: its connection knows which pairs a judge gives to the primary, see `set_lost`.
        series: which candidate.
        wanted: the filter. Where pairs are looked through one by one (for a text, or a field that
            differs nearly everywhere) offsets count those that were looked at.
        counts: pairs of the filter's segment by class, where they are known already.
        patience: seconds of looking.
    """
    scope = Scope(store, series, wanted.segment)
    counts = dict(counts or scope.counts())
    known = hits(store, series_number(store, series), wanted)
    if known is not None:
        every = scope.classes_of(known.sql, **known.values)
        found = [one for one in every if wanted.harm in (None, one[1])]
        rows = found[wanted.offset : wanted.offset + wanted.limit]
        return _page(store, rows, counts, wanted, len(found))
    if wanted.text or wanted.field is not None:
        return _looked_through(store, scope, wanted, counts, patience)
    total = sum(n for harm, n in counts.items() if wanted.harm in (None, harm))
    rows = list(islice(_from(scope, wanted, counts), wanted.limit))
    return _page(store, rows, counts, wanted, total)


def refresh_lost(store: Store, series: Series) -> None:
    """Look up anew which pairs a judge gives to the primary, for lists of this connection."""
    set_lost(store, series_number(store, series), lost_pairs(store, series))


def _page(
    store: Store, rows: Found, counts: dict[Harm, int], wanted: Filter, total: int
) -> HarmPage:
    end = wanted.offset + len(rows)
    return HarmPage(
        tuple(harm_rows(store, rows)), total, counts, end if rows and end < total else None
    )


def _looked_through(
    store: Store, scope: Scope, wanted: Filter, counts: dict[Harm, int], patience: float
) -> HarmPage:
    end = time.monotonic() + patience
    reader = Reader(store, wanted)
    place, rows = wanted.offset, Found()
    for pair, harm in _from(scope, wanted, counts):
        if len(rows) == wanted.limit or time.monotonic() > end:
            return HarmPage(tuple(harm_rows(store, rows)), None, counts, place, place)
        place += 1
        if reader.has(pair):
            rows.append((pair, harm))
    total = len(rows) if wanted.offset == 0 else None
    return HarmPage(tuple(harm_rows(store, rows)), total, counts, None, place)


def _from(scope: Scope, wanted: Filter, counts: Mapping[Harm, int]) -> Iterator[tuple[int, Harm]]:
    """The pairs of the wanted class and segment; the offset is passed over by numbers."""
    offset = wanted.offset
    for harm, n in counts.items():
        if wanted.harm not in (None, harm):
            continue
        if offset >= n:
            offset -= n
            continue
        found = scope.pairs(harm, AT_ONCE, offset)
        while found:
            for pair in found:
                yield pair, harm
            found = scope.pairs(harm, AT_ONCE, before=found[-1])
        offset = 0
