"""`shadow-mw status | on | off | sample`: look at, and change, a system that runs."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from shadow_mw.control import CONTROL, WINDOW, read_json, shared, write_json
from shadow_mw.exceptions import ConfigError
from shadow_mw.runner.status import alive, pending_bytes, read_status, wait_drained
from shadow_mw.settings import load
from shadow_mw.types import REPEAT


def _rate(ctx: click.Context, _: click.Parameter, given: str) -> float:
    try:
        rate = float(given)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        raise click.UsageError(
            f"RATE {given}: accepted is a number from 0 to 1, such as 0.5 for one half", ctx
        )
    return rate


_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@_as_json
@click.option(
    "--wait", type=float, metavar="SECONDS", help="Wait until everything captured is through."
)
def status(as_json: bool, wait: float | None) -> int:
    """Show what the runner is doing, and what is in force."""
    directories = _directories()
    drained = wait is None or all(wait_drained(directory, 0, wait) for directory in directories)
    states = [_state(directory) for directory in directories]
    if as_json:
        click.echo(json.dumps(states, indent=2))
    else:
        _show(states)
    return 0 if drained else 1


@click.command()
@_as_json
def on(as_json: bool) -> None:
    """Mirror again, within a second; SHADOW_ENABLED=false stays final."""
    _change({"enabled": True}, as_json)


@click.command()
@_as_json
def off(as_json: bool) -> None:
    """Stop mirroring within a second, without a restart; holds until `on`."""
    _change({"enabled": False}, as_json)


@click.command(context_settings={"ignore_unknown_options": True})  # -1 is a wrong rate
@click.argument("rate", callback=_rate)
@_as_json
def sample(rate: float, as_json: bool) -> None:
    """Mirror a share of the calls from now on, from 0 to 1."""
    _change({"sample_rate": rate}, as_json)


def _directories() -> list[Path]:
    """The configured experiment's, or every one under the state directory.

    Raises:
        ConfigError: nothing has ever been mirrored from here.
    """
    settings = load()
    root = settings.state_root
    found = sorted(p for p in root.iterdir() if p.is_dir()) if root.is_dir() else []
    if settings.all_candidates and (settings.directory in found or not found):
        # Before the first start too: `off` then holds from the first call on.
        settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [settings.directory]
    if not found:
        raise ConfigError(
            f"no experiment under {root}: set SHADOW_STATE_DIR, or the app's SHADOW_* variables"
        )
    if settings.all_candidates:
        off = "" if settings.enabled else ": SHADOW_ENABLED=false is set here"
        raise ConfigError(
            f"no app runs with these settings (store {settings.store}){off}; set the app's own "
            f"SHADOW_* variables, or none for all under {root}: "
            + "; ".join(_described(directory) for directory in found)
        )
    return found


def _described(directory: Path) -> str:
    status = read_status(directory)
    return f"{status.experiment} into {status.target}" if status else directory.name


def _change(values: dict[str, Any], as_json: bool) -> None:
    directories = _directories()
    for directory in directories:
        path = shared(directory, CONTROL)
        write_json(path, read_json(path) | values)
    states = [_state(directory) for directory in directories]
    if as_json:
        click.echo(json.dumps(states, indent=2))
    else:
        _show(states)


def _state(directory: Path) -> dict[str, Any]:
    now = read_status(directory)
    control = read_json(shared(directory, CONTROL))
    return {
        "directory": str(directory),
        "experiment": now.experiment if now else None,
        "candidates": now.candidates if now else [],
        "target": now.target if now else None,
        "runner": {"alive": alive(directory), "pid": now.pid if now else None},
        "enabled": control.get("enabled", True),
        "sample_rate": control.get("sample_rate"),
        "window_end": read_json(shared(directory, WINDOW)).get("end"),
        "captured": now.captured if now else 0,
        "in_flight": now.in_flight if now else 0,
        "waiting": now.waiting if now else 0,
        "held": now.held if now else 0,
        "failing": now.failing if now else [],
        "pending_bytes": pending_bytes(directory, now.consumed if now else {}),
        "outcomes": now.outcomes if now else {},
        "spent_usd": now.spent_usd if now else {},
    }


def _show(states: list[dict[str, Any]]) -> None:
    for state in states:
        _print(state)
    if not load().enabled:
        click.echo("SHADOW_ENABLED=false is set here: an app that has it mirrors nothing")


def _print(state: dict[str, Any]) -> None:
    click.echo(f"{state['experiment'] or 'nothing read yet'}  {state['directory']}")
    if state["target"]:
        click.echo(f"  to        {state['target']}")
    click.echo(f"  runner    {_runner(state['runner'])}")
    if state["runner"]["alive"] and state["failing"]:
        click.echo(f"  failing   {state['target']} does not take {', '.join(state['failing'])}")
    click.echo(f"  mirroring {_mirroring(state)}")
    click.echo(
        f"  captured  {state['captured']}, in flight {state['in_flight']}, "
        f"waiting {state['waiting']}, held for a retry {state['held']}, "
        f"unread {state['pending_bytes']} bytes"
    )
    for candidate, outcomes in state["outcomes"].items():
        counts = ", ".join(f"{name} {n}" for name, n in sorted(outcomes.items()))
        spent = float(state["spent_usd"].get(candidate, 0))
        name = f"{candidate}, asked again" if candidate == REPEAT else candidate
        click.echo(f"  {name}  {counts}, {_money(spent)}")


def _money(spent: float) -> str:
    """No zero for what has no price, which the runner counts as nothing, nor for what has one."""
    if not spent:
        return "nothing spent that has a known price"
    return "spent less than $0.0001" if spent < 0.0001 else f"spent about ${spent:.4f}"


def _runner(runner: dict[str, Any]) -> str:
    if not runner["alive"]:
        return "idle"
    return f"alive, pid {runner['pid']}" if runner["pid"] else "starting"


def _mirroring(state: dict[str, Any]) -> str:
    text = "on" if state["enabled"] else "off"
    if state["sample_rate"] is not None:
        text += f", sample {state['sample_rate']:g} by `shadow-mw sample`"
    if state["window_end"] is not None:
        end = datetime.fromtimestamp(state["window_end"], UTC)
        word = "until" if end > datetime.now(UTC) else "window over since"
        text += f", {word} {end:%Y-%m-%d %H:%M:%SZ}"
    return text
