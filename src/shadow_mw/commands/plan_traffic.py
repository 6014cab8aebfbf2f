"""The traffic that a plan is sized for: stored, given by options, or assumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from shadow_mw.decide.forecast import Call, Spending, judge_call
from shadow_mw.decide.plan import Plan
from shadow_mw.decide.sizing import Window
from shadow_mw.decide.traffic import ASSUMED, GIVEN, STORED, VARIANCES, Traffic, measured
from shadow_mw.evaluate.pipeline import Store
from shadow_mw.evaluate.series import choose
from shadow_mw.evaluate.usage import MeanUse, mean_judging, mean_use
from shadow_mw.results import Series
from shadow_mw.settings import Settings
from shadow_mw.types import Json, Role

if TYPE_CHECKING:
    from collections.abc import Mapping

INPUT_TOKENS, OUTPUT_TOKENS = 1_600, 300
"""With which a call of gpt-4o-mini costs the $0.42 per thousand of the assumed traffic."""
FIGURES = (
    *("requests_per_day", "labelled_share", "leaves", "null_leaves", "latency_spread", "win_rate"),
    *("judged", "labels", "judge_correlation", "repeat_rate", "cost_ratio"),
)
"""Options that are figures of `Traffic` by the same name."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a store's traffic."""

    traffic: Traffic
    primary: MeanUse | None = None
    candidate: MeanUse | None = None
    judges: Mapping[str, MeanUse] | None = None
    series: Series | None = None


def stored(used: Settings, plan: Plan, experiment: str | None, *, look: bool) -> Known:
    """Figures of the newest stored traffic; all assumed where there is none.

    Args:
        used: the settings.
        plan: whose clusters count.
        experiment: whose traffic; by default the newest.
        look: whether the store is looked at.

    Raises:
        DataError: a name was given that the store does not have.
    """
    if not look or not used.store.exists():
        return Known(Traffic())
    with Store.open(used.store) as opened:
        series, _ = choose(opened, experiment, None)
        if series is None:
            return Known(Traffic())
        from shadow_mw.evaluate.evidence import gather

        judges = {name: mean_judging(opened, name) for name, _ in _judges(used)}
        return Known(
            measured(gather(opened, series, cluster=plan.cluster), plan.cluster),
            mean_use(opened, series, Role.PRIMARY),
            mean_use(opened, series, Role.CANDIDATE),
            {name: use for name, use in judges.items() if use},
            series,
        )


def given(used: Settings, traffic: Traffic, plan: Plan, options: dict[str, Json]) -> Traffic:
    """The same with what settings and options say."""
    if used.repeat_rate:
        traffic = traffic.with_figures(GIVEN, repeat_rate=used.repeat_rate)
    figures = {name: options[name] for name in FIGURES if options[name] is not None}
    if options["pairs_per_day"] is not None:
        if options["requests_per_day"] is not None:
            raise click.UsageError("--pairs-per-day or --requests-per-day, not both")
        figures["requests_per_day"] = options["pairs_per_day"] / plan.sample.rate
    return traffic.with_figures(GIVEN, **figures, variances=_variances(options["discordance"]))


def spending(
    used: Settings,
    plan: Plan,
    known: Known,
    traffic: Traffic,
    window: Window,
    options: dict[str, Json],
) -> Spending:
    """Who is asked what in the window."""
    primary = _call(known.primary, options["primary_model"], _assumed(options), options, "primary")
    model = options["candidate_model"] or _candidate_model(used, plan)
    # Where the candidate was never called, the primary's tokens are the nearest that there are.
    candidate = _call(known.candidate, model, primary, options, "candidate")
    wants = {name for name, gate in plan.gates if gate is not None}
    return Spending(
        window.pairs,
        _repeat_rate(used, plan, traffic),
        primary,
        candidate,
        traffic.judged,
        _judging(used, known, primary, candidate, options["judge_usd_per_1k"]),
        None
        if used.embeddings is None
        else Call(used.embeddings.model, candidate.output_tokens, 0, basis=candidate.basis),
        frozenset(wants),
    )


def _variances(texts: tuple[str, ...]) -> dict[str, float]:
    found = dict[str, float]()
    for text in texts:
        name, _, value = text.partition("=")
        try:
            share = float(value)
        except ValueError:
            share = -1
        if name not in VARIANCES or not 0 <= share <= 1:
            names = ", ".join(VARIANCES)
            raise click.UsageError(
                f"--discordance {text}: accepted is GATE=SHARE such as hallucination=0.012, with a"
                f" gate of {names}"
            )
        found[name] = share
    return found


def _repeat_rate(used: Settings, plan: Plan, traffic: Traffic) -> float:
    """None where nothing is set and no gate needs it."""
    if plan.gates.likeness is None and not used.repeat_rate:
        return 0.0
    return traffic.repeat_rate


def _assumed(options: dict[str, Json]) -> Call:
    read, made = options["input_tokens"], options["output_tokens"]
    basis = ASSUMED if read is made is None else GIVEN
    return Call(None, read or INPUT_TOKENS, made or OUTPUT_TOKENS, basis=basis)


def _call(
    known: MeanUse | None, model: str | None, otherwise: Call, options: dict[str, Json], leg: str
) -> Call:
    """A leg's mean call; a model that is named instead of the stored one has a price of its own."""
    found = replace(otherwise, model=model, usd=None)
    if known is not None and known.input_tokens is not None and otherwise.basis != GIVEN:
        usd = known.usd if model in (None, known.model) else None
        tokens = known.input_tokens, known.output_tokens or 0.0
        found = Call(model or known.model, *tokens, usd, STORED)
    usd_per_1k = options[f"{leg}_usd_per_1k"]
    return found if usd_per_1k is None else replace(found, usd=usd_per_1k / 1000, basis=GIVEN)


def _judging(
    used: Settings, known: Known, primary: Call, candidate: Call, usd_per_1k: float | None
) -> tuple[Call, ...]:
    """Of each judge that is set; before one is, a price that is given is that of one."""
    named = _judges(used)
    if not named and usd_per_1k is not None:
        return (Call(None, 0, 0, usd_per_1k / 1000, GIVEN),)
    return tuple(
        _judge(name, model, known, primary, candidate, usd_per_1k) for name, model in named
    )


def _judge(
    name: str, model: str, known: Known, primary: Call, candidate: Call, usd_per_1k: float | None
) -> Call:
    use = (known.judges or {}).get(name)
    if usd_per_1k is not None:
        return Call(model, 0, 0, usd_per_1k / 1000, GIVEN)
    if use is not None and use.input_tokens is not None:
        return Call(model, use.input_tokens, use.output_tokens or 0.0, use.usd, STORED)
    return judge_call(model, primary, candidate)


def _judges(used: Settings) -> list[tuple[str, str]]:
    return [(judge.name or judge.model, judge.model) for judge in used.judges]


def _candidate_model(used: Settings, plan: Plan) -> str | None:
    """Of the plan's candidate, or of the only one."""
    found = [c for c in used.all_candidates if plan.candidate in (None, c.id)]
    return found[0].model if found else plan.candidate
