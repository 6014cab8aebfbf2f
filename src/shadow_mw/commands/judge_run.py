"""A run of judges over stored pairs, then over their anchors, under one budget."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

from shadow_mw.commands.progress import progress
from shadow_mw.evaluate.judging.fingerprint import spec_of
from shadow_mw.evaluate.judging.items import Sample
from shadow_mw.evaluate.judging.judge import Plan, Run, judge_pairs, plan
from shadow_mw.evaluate.judging.pools import newest, pools
from shadow_mw.evaluate.judging.record import Record
from shadow_mw.evaluate.judging.store import StoreRecord, recording, set_judged
from shadow_mw.evaluate.judging.values import Item, Judge, JudgeSettings, Progress, Watch
from shadow_mw.evaluate.labelling.frame import rows_of
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.prices import PriceTable
from shadow_mw.results import Series


@dataclass(frozen=True, slots=True)
class Work:
    """What is judged, by whom, and how."""

    store: Store
    series: Series
    sample: Sample
    judges: list[Judge]
    how: JudgeSettings
    prices: PriceTable
    anchors: int | None = None
    """How many to freeze when all is answered; None for none."""
    anchors_now: bool = False
    """Ask about frozen anchors also where they were asked about today."""


@dataclass(frozen=True, slots=True)
class Round:
    """What came of asking one judge about its anchors."""

    judge: str
    number: int
    run: Run


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did."""

    run: Run
    rounds: tuple[Round, ...]
    frozen: dict[str, int]
    """Judge to the pairs that are its anchors from now on."""

    @property
    def stopped(self) -> dict[str, str]:
        """Judge to why it was not asked any further."""
        rounds = {judge: why for found in self.rounds for judge, why in found.run.stopped.items()}
        return self.run.stopped | rounds


@dataclass(frozen=True, slots=True)
class Due:
    """Anchors that a judge is to be asked about now."""

    judge: Judge
    number: int
    items: list[Item]
    record: Record


def run(work: Work) -> Done:
    """Ask, keep every answer, and freeze anchors where that was said.

    Raises:
        DataError: another run is at it, or there are too few verdicts to freeze.
    """
    with recording(work.store) as record:
        set_judged(work.store, work.series, work.sample.rows, work.sample.last_pair)
        found = _ask(work, work.sample.items, work.judges, work.how, record, "judging")
        rounds = list[Round]()
        for one in due_anchors(work):
            if one.judge.title not in found.stopped:
                rounds.append(_ask_anchors(work, one, [found, *(r.run for r in rounds)]))
        return Done(found, tuple(rounds), _freeze(work, found))


def due_anchors(work: Work) -> list[Due]:
    """Whose anchors have to be asked about; those that are about to be replaced have not."""
    from shadow_mw.evaluate.judging.anchors import AnchorRecord, due, items_of

    if work.anchors is not None and not work.anchors_now:
        return []
    found = list[Due]()
    for judge in work.judges:
        spec = spec_of(judge, work.how)
        number = due(work.store, work.series, spec, now=work.anchors_now)
        if number is not None:
            items = items_of(work.store, work.series, spec, rows_of(work.store, work.series))
            record = AnchorRecord(work.store, work.series, number)
            found.append(Due(judge, number, items, record))
    return found


def plans(work: Work) -> tuple[Plan, list[Plan]]:
    """What `run` would ask for: of the pairs, and of each judge's anchors."""
    table = StoreRecord(work.store)
    anchors = [
        plan(one.items, [one.judge], _for_anchors(work.how, []), one.record, work.prices)
        for one in due_anchors(work)
    ]
    return plan(work.sample.items, work.judges, work.how, table, work.prices), anchors


def _ask_anchors(work: Work, one: Due, before: list[Run]) -> Round:
    how = _for_anchors(work.how, before)
    found = _ask(work, one.items, [one.judge], how, one.record, "asking about anchors")
    return Round(one.judge.title, one.number, found)


def _for_anchors(how: JudgeSettings, before: list[Run]) -> JudgeSettings:
    """With what is left of the budget; whoever was let judge its family once is let again."""
    calls = sum(run.calls for run in before)
    usd = sum((run.usd for run in before), Decimal(0))
    return replace(
        how,
        allow_same_family=True,
        max_calls=None if how.max_calls is None else max(how.max_calls - calls, 0),
        budget_usd=None if how.budget_usd is None else max(how.budget_usd - usd, Decimal(0)),
    )


def _ask(
    work: Work,
    items: list[Item],
    judges: list[Judge],
    how: JudgeSettings,
    record: Record,
    title: str,
) -> Run:
    with _watch(title, plan(items, judges, how, record).calls) as watch:
        return asyncio.run(judge_pairs(items, judges, how, record, watch, work.prices))


@contextmanager
def _watch(title: str, calls: int) -> Iterator[Watch]:
    """A bar over the calls of all judges."""
    with progress(title, calls) as advance:
        done = dict[str, int]()

        def watch(state: Progress) -> None:
            advance(1 if state.judge not in done else state.done - done[state.judge])
            done[state.judge] = state.done

        yield watch


def _freeze(work: Work, found: Run) -> dict[str, int]:
    """The newest verdicts: those of a round where somebody else has answered since."""
    from shadow_mw.evaluate.judging.anchors import freeze, newest_answers

    if work.anchors is None:
        return {}
    specs, epochs = {o.spec for o in found.opinions}, {o.epoch for o in found.opinions}
    again = [o for spec in specs for o in newest_answers(work.store, work.series, spec)]
    known = [*found.opinions, *(opinion for opinion in again if opinion.epoch not in epochs)]
    return {
        name: freeze(work.store, work.series, pool, known, work.anchors)
        for name, pool in newest(pools(known)).items()
    }
