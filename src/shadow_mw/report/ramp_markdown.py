"""The way to production as Markdown: what each step needs, and what stops it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shadow_mw.report.verdict_markdown import escaped
from shadow_mw.verdicts import Verdict


def ramp_markdown(ramp: Mapping[str, Any], verdict: Verdict) -> str:
    """The ramp for people.

    Args:
        ramp: as `decide.ramp.ramp_json` makes it.
        verdict: that it begins with.
    """
    hours = max(phase.get("hold_hours", 0) for phase in ramp["phases"])
    lines = [
        f"# Ramp of {escaped(verdict.candidate)} in {escaped(verdict.experiment)}",
        "",
        f"The verdict is {verdict.decision.value}: {escaped(verdict.reason)}.",
        "",
        "A step begins when the check of the one before it exits with 0. Exit code 1: a gate is",
        "proven failed, go back. Exit code 2: not proven yet, stay.",
        "",
        "| step | share | needs | check |",
        "|---|---|---|---|",
        *(
            f"| {p['phase']} | {100 * p['share']:g} % | {p['needs']} | {_code(p['check'])} |"
            for p in ramp["phases"]
        ),
        "",
        f"Each canary step is watched for {hours} hours at least, while the rest of the",
        "traffic goes on being mirrored. Queries are for an alert: each is true where a limit is",
        "exceeded by three standard deviations more. They are no test, and `--phase` is. Canary",
        "queries tell models apart by the name in requests: put in the candidate's where it is",
        "another one. At 100 % there is nothing left that they could compare with.",
        "",
        "## What stops it",
        "",
    ]
    for kill in ramp["kill"]:
        text = f"{escaped(kill['title'])}: {escaped(kill['text'])}."
        lines += [f"### {escaped(kill['gate'])}", "", text, ""]
        for title, query in (("Shadow", kill["promql"]), ("Canary", kill["canary_promql"])):
            if query:
                lines += [f"{title}:", "", "```promql", query, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def _code(text: str) -> str:
    """A command in a cell of a table, whatever names are in it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    mark, room = "`" * (longest + 1), " " if longest else ""
    # In a table the sign between cells ends a cell also within code.
    plain = text.replace("\n", "\\n").replace("|", "\\|")
    return f"{mark}{room}{plain}{room}{mark}"
