"""`shadow-mw verdict`: GO, NO-GO or INSUFFICIENT, with every gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from shadow_mw import settings
from shadow_mw.commands.judges import missing
from shadow_mw.commands.signatures import keep, signatures
from shadow_mw.evaluate.rows import collecting
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import ConfigError
from shadow_mw.verdicts import Decision

if TYPE_CHECKING:
    from shadow_mw.commands.verdict_work import Decided
    from shadow_mw.decide.phases import PhaseResult

A_FILE = click.Path(path_type=Path)
EXITS: Final = {Decision.GO: 0, Decision.NO_GO: 1, Decision.INSUFFICIENT: 2}
PHASES: Final = ("5", "25", "100", "canary")


@click.command()
@click.option("--store", type=A_FILE, help="Default: SHADOW_STORE.")
@click.option("--experiment", help="Default: the one with the newest data.")
@click.option("--candidate", help="Default: the plan's, or the one with the newest data.")
@click.option("--plan", "file", type=A_FILE, help="Default: the registered one.")
@click.option(
    "--waive", multiple=True, metavar="GATE=NAME:WHY", help="Let a gate be unproven. Repeatable."
)
@click.option("--sign-off", multiple=True, metavar="cost=NAME:WHY", help="Let it cost more.")
@click.option("--record", is_flag=True, help="Keep these signatures for later verdicts.")
@click.option("--phase", type=click.Choice(PHASES), help="Whether this phase of a ramp is over.")
@click.option("--evidence", type=A_FILE, metavar="DIR", help="Write a bundle of everything.")
@click.option("--no-content", is_flag=True, help="Leave out of it what was asked and said.")
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.option("--md", "markdown", is_flag=True, help="Print Markdown.")
def verdict(
    store: Path | None,
    experiment: str | None,
    candidate: str | None,
    file: Path | None,
    waive: tuple[str, ...],
    sign_off: tuple[str, ...],
    record: bool,
    phase: str | None,
    evidence: Path | None,
    no_content: bool,
    machine: bool,
    markdown: bool,
) -> None:
    """Say whether the candidate may replace the primary.

    Exit codes: 0 GO, 1 NO-GO (a gate is proven failed), 2 INSUFFICIENT (a gate is not proven, or no
    plan was registered before the data). With --phase: 0 go on, 1 go back, 2 stay.

    The plan that `shadow-mw plan --register` put into the store decides; without one the preset
    `articles` does, and GO becomes INSUFFICIENT. A waiver lifts what is not proven, never what has
    failed; only a failed cost gate can be signed off. The same data give the same bytes.
    """
    _needs_eval()
    if machine and markdown:
        raise click.UsageError("--md prints Markdown: --json does not go with it")
    given = signatures(waive, sign_off)
    if record and not (given.waivers or given.signoffs):
        raise click.UsageError("--record goes with --waive or --sign-off")
    if no_content and evidence is None:
        raise click.UsageError("--no-content goes with --evidence")
    from shadow_mw.commands.declared_rules import say_which_wait

    used = settings.load()
    with collecting.rarely(), Store.open(store or used.store) as opened:
        from shadow_mw.commands.verdict_work import decided, series_and_plan

        say_which_wait(opened)
        # One state of the store throughout: the bundle is of what the verdict is of.
        with opened.transaction(write=False):
            found = decided(opened, *series_and_plan(opened, experiment, candidate, file), given)
            if evidence is not None:
                from shadow_mw.commands.bundle import write_bundle

                write_bundle(evidence, opened, found, used, content=not no_content)
        if record:
            keep(opened, found.series, given, found.verdict)
    reached = _phase(found, phase) if phase else None
    _show(found, reached, machine, markdown)
    raise click.exceptions.Exit(EXITS[reached.decision if reached else found.verdict.decision])


def _phase(found: Decided, name: str) -> PhaseResult:
    from shadow_mw.decide.phases import PHASES as KNOWN
    from shadow_mw.decide.phases import phase_result

    return phase_result(KNOWN[name], found.plan, found.evidence, found.verdict)


def _show(found: Decided, reached: PhaseResult | None, machine: bool, markdown: bool) -> None:
    if machine:
        from shadow_mw.decide.phases import phase_json
        from shadow_mw.report.verdict_json import verdict_json

        table = verdict_json(found.verdict) | ({"phase": phase_json(reached)} if reached else {})
        click.echo(json.dumps(table, indent=2, allow_nan=False))
    elif markdown:
        from shadow_mw.report.verdict_markdown import verdict_markdown

        click.echo(verdict_markdown(found.verdict), nl=False)
    else:
        _print(found, reached)


def _print(found: Decided, reached: PhaseResult | None) -> None:
    from rich.console import Console

    from shadow_mw.commands.report import lenient_stdout
    from shadow_mw.report.verdict_table import show, show_phase

    console = Console(file=lenient_stdout(), highlight=False)
    if reached:
        show_phase(reached.phase, reached.decision, reached.reason, reached.gates, console)
        return
    show(found.verdict, console)


def _needs_eval() -> None:
    if lacking := missing():
        raise ConfigError(f"verdict needs {' and '.join(lacking)}: pip install 'shadow-mw[eval]'")
