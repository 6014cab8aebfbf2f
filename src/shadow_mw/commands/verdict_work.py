"""From a store to a verdict: which plan decides, on what evidence, and who signed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shadow_mw.commands.signatures import NOTHING, Signatures, check, kept
from shadow_mw.decide.looks import look_at
from shadow_mw.decide.plan import Plan
from shadow_mw.decide.plan_file import read
from shadow_mw.decide.presets import ARTICLES
from shadow_mw.decide.registered import Registered, plan_name
from shadow_mw.decide.verdict import decide
from shadow_mw.evaluate.evidence import gather
from shadow_mw.evaluate.registration import registration
from shadow_mw.evaluate.series import all_series, choose
from shadow_mw.evaluate.store import Store
from shadow_mw.evidence import Bounds, Evidence
from shadow_mw.exceptions import ConfigError, DataError
from shadow_mw.results import Series
from shadow_mw.verdicts import Verdict

if TYPE_CHECKING:
    from shadow_mw.evidence import Floats


@dataclass(frozen=True, slots=True)
class Decided:
    """A verdict, and what it is of."""

    series: Series
    plan: Plan
    evidence: Evidence
    verdict: Verdict


def series_and_plan(
    store: Store, experiment: str | None, candidate: str | None, file: Path | None
) -> tuple[Series, Plan, Registered | None]:
    """What is decided about, by which plan: that of a file, the registered one, or the preset.

    Raises:
        DataError: the store has no such series.
        ConfigError: a plan that cannot be read, or one for another series.
    """
    given = None if file is None else read(file)
    if given is not None:
        experiment = _same("experiment", experiment, given.experiment)
        candidate = _same("candidate", candidate, given.candidate)
    series, _ = choose(store, experiment, candidate)
    if series is None:
        raise DataError(f"store {store.path}: nothing in it yet to decide about")
    kept_plan, known = _registered(store, series.experiment)
    plan = given or kept_plan or ARTICLES
    if given is None and candidate is None and plan.candidate not in (None, series.candidate):
        series = choose(store, series.experiment, plan.candidate)[0] or series
    return series, plan, known


def decided(
    store: Store,
    series: Series,
    plan: Plan,
    known: Registered | None,
    given: Signatures = NOTHING,
) -> Decided:
    """The verdict of a plan on a series, with what was recorded and what is given now.

    Raises:
        UsageError: a signature for a gate that the plan does not have.
    """
    evidence = _evidence(store, series, plan)
    name = plan_name(
        plan, known, evidence.first_received_ns, _first_call_ns(evidence), series.candidate
    )
    recorded = kept(store, series, plan.hash)
    signed = recorded.signatures.with_(given)
    verdict = decide(plan, evidence, name, signed.waivers, given.signoffs)
    if signed.signoffs != given.signoffs and recorded.holds(verdict.gates):
        verdict = decide(plan, evidence, name, signed.waivers, signed.signoffs)
    check(given, (gate.name for gate in verdict.gates))
    return Decided(series, plan, evidence, verdict)


def verdict_of(store: Store, series: Series) -> Verdict:
    """The verdict of the registered plan (else of the preset) on a series."""
    plan, known = _registered(store, series.experiment)
    return decided(store, series, plan or ARTICLES, known).verdict


def _evidence(store: Store, series: Series, plan: Plan) -> Evidence:
    """What the look is about."""

    def bounds(time_s: Floats) -> Bounds | None:
        look = look_at(plan, time_s)
        return None if look is None else Bounds(look.start, look.until, look.end)

    return gather(store, series, bounds, plan.cluster)


def _registered(store: Store, experiment: str) -> tuple[Plan | None, Registered | None]:
    found = registration(store, experiment)
    if found is None:
        return None, None
    candidates = sum(series.experiment == experiment for series in all_series(store))
    replaced = len(found.replaced)
    known = Registered(found.hash, found.registered_ns, found.legs, replaced, candidates)
    return Plan.model_validate_json(found.plan), known


def _first_call_ns(evidence: Evidence) -> int | None:
    times = evidence.pairs.time_s
    return int(times[0] * 1e9) if len(times) else None


def _same(kind: str, asked: str | None, planned: str | None) -> str | None:
    if asked is not None and planned is not None and asked != planned:
        raise ConfigError(f"the plan is for {kind} {planned}, and --{kind} is {asked}")
    return asked or planned
