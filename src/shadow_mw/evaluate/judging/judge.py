"""LLM judges over pairs of outputs: read this first of judging.

Each pair is shown twice, once in either order, as "A" and "B" behind a fence of a random code. The
verdict comes from one field of an enforced schema; anything else is invalid, which is neither a tie
nor a loss. Every answer is on record before the next one is asked for, so that an interrupted run
goes on where it stopped. What the verdicts are worth, `shadow-mw calibrate` says.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shadow_mw.evaluate.judging.budget import Budget
from shadow_mw.evaluate.judging.client import JudgeClient
from shadow_mw.evaluate.judging.family import check_families
from shadow_mw.evaluate.judging.lane import BOTH, Lane
from shadow_mw.evaluate.judging.prompt import prompt
from shadow_mw.evaluate.judging.record import Record
from shadow_mw.evaluate.judging.values import (
    Item,
    Judge,
    JudgeSettings,
    Opinion,
    Progress,
    Watch,
)
from shadow_mw.exceptions import ConfigError
from shadow_mw.prices import PriceTable


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would ask for, and at most cost."""

    calls: int
    recorded: int
    """Answers that are on record already."""
    usd: Decimal
    unpriced: tuple[str, ...]
    """Judges whose price is not known, and that `usd` leaves out."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a run."""

    opinions: tuple[Opinion, ...]
    """Of these pairs and judges: recorded before and now."""
    asked: int
    """Answers that this run got."""
    failed: dict[str, int]
    """Answers that it did not get, by kind of failure; the next run asks again."""
    left: int
    """Answers that were not asked for: the budget is spent, or a judge is down."""
    too_large: tuple[str, ...]
    """Pairs with more text than is judged."""
    stopped: dict[str, str]
    """Judge to why it was not asked any further."""
    overrides: tuple[str, ...]
    """What was allowed that is refused by default."""
    calls: int
    usd: Decimal
    """Both with those of an interrupted run before."""


async def judge_pairs(
    items: Sequence[Item],
    judges: Sequence[Judge],
    settings: JudgeSettings,
    record: Record,
    progress: Watch | None = None,
    prices: PriceTable | None = None,
) -> Run:
    """Ask every judge about every pair in both orders, but for what is on record.

    Cancelling it loses the calls under way, and nothing that was answered.

    Raises:
        ConfigError: a judge of an arm's family, two judges of one name, a pair twice, or a budget
            that cannot be kept.
    """
    overrides = _checked(items, judges, settings)
    lanes = [Lane(judge, items, settings, record) for judge in judges]
    before = [opinion for lane in lanes for opinion in lane.before]
    budget = Budget(settings, prices or PriceTable(), before)
    budget.check(judges)
    for lane in lanes:
        lane.leave_too_large()
    clients = [JudgeClient(judge, settings) for judge in judges]
    try:
        async with asyncio.TaskGroup() as group:
            for lane, client in zip(lanes, clients, strict=True):
                report = _reporter(lane, budget, progress)
                for _ in range(settings.concurrency):
                    group.create_task(lane.run(client, budget, report))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    finally:
        for client in clients:
            await client.close()
    return _run(lanes, budget, overrides)


def plan(
    items: Sequence[Item],
    judges: Sequence[Judge],
    settings: JudgeSettings,
    record: Record,
    prices: PriceTable | None = None,
) -> Plan:
    """What `judge_pairs` would do, without a call."""
    _checked(items, judges, settings)
    table = prices or PriceTable()
    budget = Budget(settings, table)
    lanes = [Lane(judge, items, settings, record) for judge in judges]
    sizes = {item.pair_id: prompt(item, BOTH[0], settings.rubric).bytes for item in items}
    return Plan(
        sum(lane.left for lane in lanes),
        sum(len(lane.before) for lane in lanes),
        sum(
            (
                budget.estimate(lane.judge, sizes[item.pair_id]) * len(firsts)
                for lane in lanes
                for item, firsts in lane.todo
            ),
            Decimal(0),
        ),
        tuple(judge.title for judge in judges if not table.knows(judge.model)),
    )


def _checked(
    items: Sequence[Item], judges: Sequence[Judge], settings: JudgeSettings
) -> tuple[str, ...]:
    for kind, names in {
        "judge": [judge.title for judge in judges],
        "pair": [item.pair_id for item in items],
    }.items():
        twice = [name for name, n in Counter(names).items() if n > 1]
        if twice:
            raise ConfigError(f"{kind} {twice[0]!r} is there twice")
    return check_families(judges, items, allowed=settings.allow_same_family)


def _reporter(lane: Lane, budget: Budget, progress: Watch | None) -> Callable[[], None]:
    def report() -> None:
        if progress is not None:
            progress(
                Progress(
                    lane.judge.title,
                    lane.done,
                    lane.total,
                    lane.invalid,
                    lane.failed.total(),
                    float(budget.usd),
                )
            )

    return report


def _run(lanes: Sequence[Lane], budget: Budget, overrides: tuple[str, ...]) -> Run:
    return Run(
        opinions=tuple(o for lane in lanes for o in (*lane.before, *lane.opinions)),
        asked=sum(len(lane.opinions) for lane in lanes),
        failed=dict(sum((lane.failed for lane in lanes), Counter[str]())),
        left=sum(lane.left for lane in lanes),
        too_large=tuple(dict.fromkeys(pair for lane in lanes for pair in lane.too_large)),
        stopped={lane.judge.title: lane.stopped for lane in lanes if lane.stopped},
        overrides=overrides,
        calls=budget.calls,
        usd=budget.usd,
    )
