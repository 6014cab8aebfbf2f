"""What the page of a report shows: the same figures in the file and in the live page."""

from __future__ import annotations

from typing import Final

from shadow_mw.commands.judges import judges_json, missing
from shadow_mw.evaluate.latency_curves import latency_curves
from shadow_mw.evaluate.pipeline import summarise
from shadow_mw.evaluate.store import Store
from shadow_mw.evaluate.worst.classes import Scope
from shadow_mw.evaluate.worst.detail import harm_detail
from shadow_mw.evaluate.worst.listing import harm_page, refresh_lost
from shadow_mw.harms import Filter
from shadow_mw.report.as_json import as_json
from shadow_mw.report.harm_json import detail_json, row_json
from shadow_mw.results import Series
from shadow_mw.types import Json

WORST: Final = 200
"""Pairs of which a file has everything."""


def page_data(
    store: Store,
    series: Series | None,
    rows: int = WORST,
    *,
    content: bool = True,
    verdict: dict[str, Json] | None = None,
) -> dict[str, Json]:
    """One JSON object: `verdict`, `report`, `latency`, and `pairs` with the worst ones.

    Where what a verdict needs is not installed it is left out, and `lacking` says what that is.

    Args:
        store: whose data.
        series: which candidate; None before there is data.
        rows: how many pairs are listed.
        content: whether what was asked and said in them comes along.
        verdict: one that was made already, as its JSON; else that of the plan in force.
    """
    found = figures(store, series, verdict)
    if series is not None:
        found["pairs"] = _pairs(store, series, rows, content=content)
    return found | {"live": False}


def figures(
    store: Store, series: Series | None, verdict: dict[str, Json] | None = None
) -> dict[str, Json]:
    """The same without rows of pairs, as the live page asks for it."""
    if series is None:
        return {"live": True, "report": as_json(summarise(store))}
    summary = summarise(store, series.experiment, series.candidate)
    found: dict[str, Json] = {
        "live": True,
        "report": as_json(summary) | judges_json(store, series),
        "latency": latency_curves(store, series),
        "pairs": _pairs(store, series, 0),
    }
    if verdict is not None:
        return found | {"verdict": verdict}
    if lacking := missing():
        return found | {"lacking": lacking}
    from shadow_mw.commands.verdict_work import verdict_of
    from shadow_mw.report.verdict_json import verdict_json

    return found | {"verdict": verdict_json(verdict_of(store, series))}


def _pairs(store: Store, series: Series, rows: int, *, content: bool = False) -> dict[str, Json]:
    refresh_lost(store, series)
    counts = Scope(store, series).counts()
    found = harm_page(store, series, Filter(limit=rows), counts).rows if rows else ()
    details = (harm_detail(store, row.id) if content else None for row in found)
    return {
        "total": sum(counts.values()),
        "counts": {harm.value: n for harm, n in counts.items()},
        "rows": [
            row_json(row) | {"detail": None if detail is None else detail_json(detail)}
            for row, detail in zip(found, details, strict=True)
        ],
    }
