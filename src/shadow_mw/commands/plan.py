"""`shadow-mw plan`: what has to hold, how much data that takes, and what the data costs."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource
from pydantic import ValidationError
from rich.console import Console

from shadow_mw import settings
from shadow_mw.commands.judges import missing
from shadow_mw.commands.options import Number
from shadow_mw.exceptions import ConfigError
from shadow_mw.prices import PriceTable
from shadow_mw.settings import Settings
from shadow_mw.types import Json

if TYPE_CHECKING:
    from shadow_mw.decide.plan import Plan

A_FILE = click.Path(path_type=Path, dir_okay=False)
SHARE = Number(0, 1)
AMOUNT = Number(0)
COUNT = Number(0, min_open=True)
OF_PLAN = ("preset", "out", "force", "experiment", "candidate", "days", "sample_rate", "budget_usd")
"""Options that write a plan: a file that is there says all of it itself."""


@click.command()
@click.argument("file", type=A_FILE, required=False)
@click.option("--preset", type=click.Choice(["articles", "strict"]), default="articles")
@click.option("--out", type=A_FILE, default=Path("shadow-plan.toml"), show_default=True)
@click.option("--force", is_flag=True, help="Overwrite that file.")
@click.option("--experiment", help="Of the plan.")
@click.option("--candidate", metavar="ID", help="Of the plan.")
@click.option("--days", type=click.IntRange(1, 366), help="Of the window.")
@click.option("--sample-rate", type=Number(0, 1, min_open=True), help="Of the window.")
@click.option("--budget-usd", type=Decimal, help="Of the plan.")
@click.option("--register", is_flag=True, help="Register the plan in the store.")
@click.option("--replace", is_flag=True, help="In place of another one, which is noted.")
@click.option("--store", type=click.Path(path_type=Path), help="Default: SHADOW_STORE.")
@click.option("--from-experiment", metavar="NAME", help="Whose stored traffic; default: newest.")
@click.option("--assumed", is_flag=True, help="Do not look at stored traffic.")
@click.option("--requests-per-day", type=COUNT, help="Of production.")
@click.option("--pairs-per-day", type=COUNT, help="The same times the sample rate.")
@click.option("--labelled-share", type=SHARE, help="Of the pairs, that have a ground truth.")
@click.option("--leaves", type=COUNT, help="Labelled fields of a labelled pair.")
@click.option("--null-leaves", type=AMOUNT, help="Those of them whose truth is null.")
@click.option("--discordance", multiple=True, metavar="GATE=SHARE", help="Where only one leg errs.")
@click.option("--latency-spread", type=COUNT, help="Standard deviation of its logarithm.")
@click.option("--win-rate", type=SHARE, help="That is believed in.")
@click.option("--judged", type=AMOUNT, help="Pairs that judges will judge.")
@click.option("--labels", type=AMOUNT, help="Of them, those that people will label.")
@click.option("--judge-correlation", type=SHARE, help="Of the judge's scores with people's.")
@click.option("--repeat-rate", type=SHARE, help="Of the pairs, asked of the primary again.")
@click.option("--cost-ratio", type=COUNT, help="Candidate over primary.")
@click.option("--input-tokens", type=COUNT, help="Of a call.")
@click.option("--output-tokens", type=COUNT, help="Of a call.")
@click.option("--primary-model", metavar="MODEL", help="Whose price is taken.")
@click.option("--candidate-model", metavar="MODEL", help="Whose price is taken.")
@click.option("--primary-usd-per-1k", type=AMOUNT, help="Of 1,000 calls.")
@click.option("--candidate-usd-per-1k", type=AMOUNT, help="Of 1,000 calls.")
@click.option("--judge-usd-per-1k", type=AMOUNT, help="Of 1,000 calls; two are made a pair.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.pass_context
def plan(
    context: click.Context,
    /,
    file: Path | None,
    register: bool,
    replace: bool,
    store: Path | None,
    from_experiment: str | None,
    assumed: bool,
    machine: bool,
    **options: Json,
) -> None:
    """Write a plan, or read FILE, and say what it takes to prove it.

    A plan holds every gate with its margin, the window, the looks and alpha; its hash is in every
    verdict. Register it before the experiment has data: otherwise it counts as not registered, and
    no verdict is GO.

    How much data a gate needs depends on traffic: that of the store where there is some, what
    options say, and else that of an invoice extractor with 15,600 calls a day. Every figure that
    is assumed is marked so.
    """
    _needs_eval()
    used = settings.load()
    used = used.model_copy(update={"store": store.absolute()} if store else {})
    if replace and not register:
        raise click.UsageError("--replace goes with --register")
    chosen = _chosen(context, file, options)
    found = _found(used, chosen, file or options["out"], options, from_experiment, not assumed)
    if file is None:
        _write(chosen, options["out"], force=options["force"], register=register)
    found["registration"] = None
    if register:
        from shadow_mw.commands.plan_register import registered

        found["registration"] = registered(used, chosen, replace=replace)
    if machine:
        click.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    from shadow_mw.report.plan_table import show

    show(found, Console(highlight=False))


def _chosen(context: click.Context, file: Path | None, options: dict[str, Json]) -> Plan:
    from shadow_mw.decide.plan_file import read

    if file is None:
        return _made(options)
    for name in OF_PLAN:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise click.UsageError(
                f"--{name.replace('_', '-')}: {file} says it itself, change it there"
            )
    return read(file)


def _made(options: dict[str, Json]) -> Plan:
    """A preset with what options change."""
    from shadow_mw.decide.plan import Plan
    from shadow_mw.decide.plan_file import fault
    from shadow_mw.decide.presets import PRESETS

    table = PRESETS[options["preset"]].model_dump()
    for name in ("experiment", "candidate", "budget_usd"):
        if options[name] is not None:
            table[name] = options[name]
    if (days := options["days"]) is not None:
        window = table["window"]
        window |= {"days": days, "weekday_times": min(window["weekday_times"], days // 7)}
    if options["sample_rate"] is not None:
        table["sample"]["rate"] = options["sample_rate"]
    try:
        return Plan.model_validate(table)
    except ValidationError as error:
        raise click.UsageError(fault(error)) from None


def _found(
    used: Settings,
    plan: Plan,
    file: Path,
    options: dict[str, Json],
    experiment: str | None,
    look: bool,
) -> dict[str, Json]:
    from shadow_mw.commands.plan_json import cost_json, need_json, plan_json, window_json
    from shadow_mw.commands.plan_traffic import given, spending, stored
    from shadow_mw.decide.forecast import forecast
    from shadow_mw.decide.planner import needs
    from shadow_mw.decide.sizing import window_of

    known = stored(used, plan, experiment, look=look)
    traffic = given(used, known.traffic, plan, options)
    window = window_of(plan, traffic)
    costs = forecast(spending(used, plan, known, traffic, window, options), PriceTable(used.prices))
    series = known.series
    return {
        "plan": plan_json(plan, str(file)),
        "traffic_of": f"{series.experiment}/{series.candidate}" if series else None,
        "window": window_json(plan, window),
        "gates": [need_json(need) for need in needs(plan, traffic)],
        "cost": cost_json(costs, plan, used),
    }


def _write(plan: Plan, out: Path, *, force: bool, register: bool) -> None:
    from shadow_mw.decide.plan_file import written

    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(written(plan, str(out)))
    except FileExistsError:
        command = f"shadow-mw plan {out}{' --register' if register else ''}"
        raise click.UsageError(
            f"{out} is there: `{command}` takes it as it is, --force overwrites it"
        ) from None


def _needs_eval() -> None:
    if lacking := missing():
        raise ConfigError(f"plan needs {' and '.join(lacking)}: pip install 'shadow-mw[eval]'")
