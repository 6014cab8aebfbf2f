"""A run of embeddings for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from shadow_mw.comparisons import Similarity
from shadow_mw.evaluate.similarity.embed import Plan, Run
from shadow_mw.evaluate.similarity.work import Share
from shadow_mw.report import similarity_table
from shadow_mw.report.numbers import dollars, shown_plain
from shadow_mw.report.plain_table import plain_table
from shadow_mw.types import REPEAT, Json

NO_FIGURES: Mapping[str, Similarity] = {}


def share_json(share: Share) -> dict[str, Json]:
    """What was drawn of one series, and what was not, and why."""
    return {
        "candidate": share.series.candidate,
        "population": share.population,
        "drawn": share.drawn,
        "inclusion": share.inclusion,
        "recorded": share.recorded,
        "identical": len(share.identical),
        "to_compare": len(share.pairs),
        "left_out": dict(sorted(share.left_out.items())),
    }


def plan_json(plan: Plan) -> dict[str, Json]:
    """What a run would do."""
    return {
        "dry_run": True,
        "plan": {
            "calls": plan.calls,
            "texts": plan.texts,
            "cached": plan.cached,
            "tokens": plan.tokens,
            "usd": None if plan.usd is None else float(plan.usd),
        },
    }


def run_json(run: Run, figures: Mapping[str, Similarity]) -> dict[str, Json]:
    """What a run did, and the figures over everything that this model compared so far."""
    return {
        "dry_run": False,
        "run": {
            "calls": run.calls,
            "embedded": run.embedded,
            "failed": run.failed,
            "left": run.left,
            "stopped": run.stopped,
            "tokens": run.tokens,
            "usd": None if run.usd is None else float(run.usd),
        },
        "similarity": similarity_table.as_json(figures),
    }


def show(
    found: Mapping[str, Any],
    machine: bool,
    console: Console,
    figures: Mapping[str, Similarity] = NO_FIGURES,
) -> None:
    """Print one JSON object, or what it says for people."""
    if machine:
        click.echo(json.dumps(found, indent=2, allow_nan=False))
        return
    for share in found["series"]:
        console.print(Text(_drawn(found["experiment"], share)))
    console.print(Text(_planned(found["plan"]) if found["dry_run"] else _done(found["run"])))
    if figures:
        table = plain_table()
        title = f"cosine by {shown_plain(found['model'])}"
        named = {_name(candidate): values for candidate, values in figures.items()}
        console.print()
        console.print(similarity_table.fill(table, title, named))
        for note in similarity_table.notes(named):
            console.print(Text(note))


def _name(candidate: str) -> str:
    return "primary, asked twice (A/A)" if candidate == REPEAT else candidate


def _drawn(experiment: str, share: Mapping[str, Any]) -> str:
    text = (
        f"{shown_plain(experiment)}/{shown_plain(share['candidate'])}:"
        f" {share['drawn']:,} of {share['population']:,} pairs drawn,"
        f" {share['to_compare']:,} to compare"
    )
    if share["identical"]:
        text += f", {share['identical']:,} with identical texts: cosine 1, not sent"
    if share["recorded"]:
        text += f", {share['recorded']:,} were compared before"
    if share["left_out"]:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in share["left_out"].items())
        text += f"\n  left out: {reasons}"
    return text


def _planned(plan: Mapping[str, Any]) -> str:
    price = "no price is known" if plan["usd"] is None else f"{dollars(plan['usd'])} at most"
    return (
        f"{_calls(plan['calls'])} with {plan['texts']:,} texts, about {plan['tokens']:,} tokens"
        f" ({price}); {plan['cached']:,} texts are embedded already; no call was made"
    )


def _done(run: Mapping[str, Any]) -> str:
    price = "no price is known" if run["usd"] is None else dollars(run["usd"])
    text = f"{run['embedded']:,} texts embedded in {_calls(run['calls'])} ({price})"
    if run["failed"]:
        text += "; failed: " + ", ".join(f"{kind} {n:,}" for kind, n in run["failed"].items())
    if run["left"]:
        text += f"; {run['left']:,} not asked for: {shown_plain(run['stopped'])}"
    return text


def _calls(n: int) -> str:
    return "1 call" if n == 1 else f"{n:,} calls"
