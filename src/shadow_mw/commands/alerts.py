"""`shadow-mw alerts`: work out alarms and tell of those that changed."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import time
from datetime import UTC, datetime
from types import FrameType
from typing import Any, Final, NoReturn

import click

from shadow_mw.alarms import Change
from shadow_mw.commands.alert_threads import sending
from shadow_mw.commands.alert_work import composer, has_numbers, look
from shadow_mw.commands.options import Number
from shadow_mw.evaluate.alarm_store import AlarmStore
from shadow_mw.evaluate.messages import Messages
from shadow_mw.evaluate.store import Store
from shadow_mw.exceptions import ConfigError
from shadow_mw.report.alarm_message import as_test
from shadow_mw.serve.webhook import Webhook, deliver
from shadow_mw.settings import Settings, load

REST: Final = 30
"""Times as long as a look took: that much of a core, at most, goes into looking."""
NO_NUMBERS: Final = (
    "alarms on rates, judges and verdicts need numpy and scipy: pip install 'shadow-mw[eval]'"
)


@click.command()
@click.option(
    "--every",
    type=Number(min=1),
    metavar="SECONDS",
    help="Look again and again, until SIGTERM.",
)
@click.option("--json", "machine", is_flag=True, help="Print one JSON object.")
@click.option("--no-send", is_flag=True, help="Leave messages to `shadow-mw serve`.")
@click.option("--test", is_flag=True, help="Send one test message, and print the answer.")
@click.option(
    "--forget",
    metavar="EXPERIMENT/CANDIDATE",
    help="First drop what was raised, and work it out anew: after truths were mended.",
)
def alerts(
    every: float | None, machine: bool, no_send: bool, test: bool, forget: str | None
) -> int:
    """Work out the alarms of the store, and tell SHADOW_WEBHOOK_URL of those that changed.

    Exit code 1 where an alarm is raised, 0 where none is. `shadow-mw serve` does it by itself.
    """
    if every is not None and (machine or test):
        raise click.UsageError("--every goes with neither --json nor --test")
    settings = load()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    # It would write the URL of each request, which is a secret here.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    if test:
        return _test(settings)
    if not has_numbers():
        click.echo(f"shadow-mw: {NO_NUMBERS}", err=True)
    with Store.open(settings.store) as store:
        if forget is not None:
            _forget(store, forget)
        if every is not None:
            _watch(store, settings, every, send=not no_send)
            return 0
        changes = look(store, composer(settings))
        if not no_send:
            _send(store, settings)
        raised = [change for change in AlarmStore(store).kept() if change.alarm.raised]
        if machine:
            click.echo(json.dumps(_as_json(store, raised, changes), indent=2))
        else:
            _print(raised, changes)
    return 1 if raised else 0


def _test(settings: Settings) -> int:
    if settings.webhook_url is None:
        raise ConfigError(
            "SHADOW_WEBHOOK_URL is not set: accepted is an https URL such as"
            " https://hooks.slack.com/services/..."
        )
    with contextlib.closing(Webhook(settings.webhook_url.get_secret_value())) as hook:
        answer = hook.post(json.dumps(as_test(settings.page_url)))
    status = f"status {answer.status}" if answer.status else "no answer"
    click.echo(f"{status}: {answer.text}".rstrip(": "))
    return 0 if answer.accepted else 1


def _forget(store: Store, name: str) -> None:
    experiment, slash, candidate = name.partition("/")
    known = {(change.experiment, change.candidate) for change in AlarmStore(store).kept()}
    if not slash or (experiment, candidate) not in known:
        names = ", ".join(f"{one}/{other}" for one, other in sorted(known)) or "none yet"
        raise click.UsageError(f"--forget {name}: alarms are kept of {names}")
    AlarmStore(store).forget(experiment, candidate)


def _send(store: Store, settings: Settings) -> None:
    """Whatever is due, once; what is not accepted waits in the store."""
    if settings.webhook_url is None:
        return
    with contextlib.closing(Webhook(settings.webhook_url.get_secret_value())) as hook:
        while (answer := deliver(Messages(store), hook)) is not None:
            if not answer.accepted:
                fault = f"status {answer.status}" if answer.status else answer.text
                click.echo(f"shadow-mw: webhook: {fault}; it is tried again later", err=True)


def _watch(store: Store, settings: Settings, every: float, *, send: bool) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    with sending(settings) if send else contextlib.nullcontext():
        while True:
            started = time.monotonic()
            for change in look(store, composer(settings)):
                click.echo(_line(change))
            time.sleep(max(every, REST * (time.monotonic() - started)))


def _print(raised: list[Change], changes: list[Change]) -> None:
    for change in raised:
        click.echo(_line(change))
    for change in changes:
        if not change.alarm.raised:
            click.echo(_line(change))
    if not raised:
        click.echo("no alarm is raised")


def _line(change: Change) -> str:
    alarm = change.alarm
    about = "/".join(part for part in (change.experiment, change.candidate) if part)
    if alarm.segment:
        about += f" [{alarm.segment}]"
    line = f"{alarm.decision}  {alarm.kind}  {about}  {alarm.text}"
    # Names come from whoever calls the app.
    return "".join(c if c.isprintable() else " " for c in line)


def _as_json(store: Store, raised: list[Change], changes: list[Change]) -> dict[str, Any]:
    told = Messages(store).told()
    return {
        "raised": [_table(change) for change in raised],
        "changed": [_table(change) for change in changes],
        "messages": {
            "sent": told.sent,
            "waiting": told.waiting,
            "dropped": told.dropped,
            "failed_attempts": told.failed,
        },
    }


def _table(change: Change) -> dict[str, Any]:
    alarm = change.alarm
    return {
        "experiment": change.experiment,
        "candidate": change.candidate or None,
        "alarm": alarm.kind.value,
        "segment": alarm.segment or None,
        "state": alarm.decision,
        "since": datetime.fromtimestamp(change.since_ns // 10**9, UTC).isoformat(),
        "text": alarm.text,
        "interval": [alarm.low, alarm.high] if alarm.low is not None else None,
    }


def _leave(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit(0)
