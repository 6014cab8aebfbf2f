"""Alarms of a whole store: worked out where something has changed, kept, and made into messages."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import click

from shadow_mw.alarms import Alarm, Change
from shadow_mw.decide import alarms
from shadow_mw.decide.proven_worse import proven_worse
from shadow_mw.evaluate.alarm_store import AlarmStore
from shadow_mw.evaluate.change_mark import change_mark
from shadow_mw.evaluate.series import SERIES, all_series
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import DataError
from shadow_mw.report.alarm_message import as_message
from shadow_mw.results import Series
from shadow_mw.settings import Settings
from shadow_mw.types import DOCTOR

logger = logging.getLogger("shadow_mw")

Compose = Callable[[Change], dict[str, Any]] | None

NUMBERS: Final = ("numpy", "scipy")


def has_numbers() -> bool:
    """Whether confidence sequences and verdicts can be worked out here."""
    return all(importlib.util.find_spec(name) is not None for name in NUMBERS)


def composer(settings: Settings) -> Compose:
    """How a change becomes a message; None where there is nobody to tell."""
    if settings.webhook_url is None:
        return None
    return partial(as_message, page_url=settings.page_url)


def look(store: Store, compose: Compose) -> list[Change]:
    """Work out every alarm of a store, and keep what is new.

    Args:
        store: whose; it is written to.
        compose: makes the message that tells of a change.

    Returns:
        What changed.
    """
    known = [series for series in all_series(store) if series.experiment != DOCTOR]
    changes: list[Change] = []
    for experiment in dict.fromkeys(series.experiment for series in known):
        read = time.time_ns()
        found = alarms.window(_window_end(store, experiment), time.time())
        changes += AlarmStore(store).keep(experiment, "", found, read, compose)
    for series in known:
        if series.candidate:
            changes += _look_at(store, series, compose)
    return changes


def _look_at(store: Store, series: Series, compose: Compose) -> list[Change]:
    kept = AlarmStore(store)
    names = series.experiment, series.candidate
    changes = kept.keep(*names, alarms.budget(_money(store, series)), time.time_ns(), compose)
    if not has_numbers() or not _has_pairs(store, series):
        return changes
    read, mark = time.time_ns(), change_mark(store, series)
    if kept.mark(*names) == mark:
        # Also what stands since before there was anybody to tell.
        standing = [change.alarm for change in kept.kept(*names)]
        return changes + kept.keep(*names, standing, read, compose)
    try:
        found = _decided(store, series)
    except (DataError, click.UsageError) as error:
        # Of this series alone: a signature for a gate that its plan has no more.
        logger.warning("alarms of %s: %s", "/".join(names), error)
        return changes
    changes += kept.keep(*names, found, read, compose)
    kept.set_mark(*names, mark)
    return changes


def _decided(store: Store, series: Series) -> list[Alarm]:
    """What rests on all pairs of a series."""
    from shadow_mw.commands.verdict_work import decided, series_and_plan

    names = series.experiment, series.candidate
    _, plan, known = series_and_plan(store, *names, None)
    found = decided(store, series, plan, known)
    drift = alarms.judges(found.evidence.standings)
    return [
        *proven_worse(found.plan, found.evidence),
        *([] if drift is None else [drift]),
        alarms.verdict(found.verdict),
    ]


def _has_pairs(store: Store, series: Series) -> bool:
    found = store.query(
        f"SELECT 1 FROM pairs WHERE series = {SERIES} LIMIT 1",
        (series.experiment, series.candidate),
    )
    return bool(found)


def _money(store: Store, series: Series) -> dict[str, float]:
    return dict(
        store.query(
            "SELECT name, sum(value) FROM gauges WHERE experiment = ? AND candidate_id = ?"
            " AND name IN ('spend_usd', 'budget_usd') GROUP BY name",
            (series.experiment, series.candidate),
        )
    )


def _window_end(store: Store, experiment: str) -> float | None:
    (end,) = store.one(
        "SELECT max(value) FROM gauges WHERE experiment = ? AND name = 'window_end'", (experiment,)
    )
    return None if end is None else float(end)
