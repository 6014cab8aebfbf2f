"""`shadow-mw doctor`: every link of an installation, and what to mend."""

from __future__ import annotations

import json
import sys
import textwrap
from dataclasses import asdict

import click

from shadow_mw.commands.options import Number
from shadow_mw.doctor.checkup import Options, checkup
from shadow_mw.doctor.finding import Finding, State
from shadow_mw.exceptions import ConfigError
from shadow_mw.settings import load

SIGNS = {State.HOLDS: "✓", State.BROKEN: "✗", State.SKIPPED: "-"}
PLAIN = {State.HOLDS: "ok", State.BROKEN: "NO", State.SKIPPED: "--"}
WIDTH = 16


@click.command()
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.option(
    "--no-candidate", is_flag=True, help="Do not call the candidate; a stand-in answers the probe."
)
@click.option(
    "--primary-backend",
    metavar="URL",
    help="Jaeger's query URL, such as http://localhost:16686: both legs must not be there.",
)
@click.option(
    "--wait",
    type=Number(0, 600),
    default=20.0,
    show_default=True,
    help="Seconds that the probe pair may take behind the collector.",
)
def doctor(machine: bool, no_candidate: bool, primary_backend: str | None, wait: float) -> int:
    """Prove that calls are mirrored, link by link; name what to mend where they are not.

    Run it with the app's own SHADOW_* variables. It sends one pair of its own over the whole way,
    under the experiment `shadow-doctor`, which costs one call of each candidate, outside of the
    budget. Exit code 0 if every link that applies holds.
    """
    settings = load()
    if not settings.all_candidates:
        raise ConfigError(
            "nothing to mirror to: set SHADOW_CANDIDATE_URL and SHADOW_CANDIDATE_MODEL, "
            "as the app has them"
        )
    findings = []
    signs = _signs()
    for finding in checkup(settings, Options(not no_candidate, primary_backend, wait)):
        findings.append(finding)
        if not machine:
            _print(finding, signs)
    good = all(finding.state is not State.BROKEN for finding in findings)
    if machine:
        table = {"ok": good, "links": [asdict(finding) for finding in findings]}
        click.echo(json.dumps(table, indent=2))
    return 0 if good else 1


def _print(finding: Finding, signs: dict[State, str]) -> None:
    click.echo(f"{signs[finding.state]} {finding.link:<{WIDTH}} {finding.seen}")
    if finding.mend:
        indent = " " * (len(signs[finding.state]) + WIDTH + 2)
        click.echo(textwrap.indent(f"mend: {finding.mend}", indent))


def _signs() -> dict[State, str]:
    """Signs that the terminal's encoding has."""
    try:
        "".join(SIGNS.values()).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return PLAIN
    return SIGNS
