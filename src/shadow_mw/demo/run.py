"""The whole demo in order: servers, plan, web app, documents, drain, labels, report, verdict."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shadow_mw import settings
from shadow_mw.demo.commands import Commands, Decision
from shadow_mw.demo.documents import Document
from shadow_mw.demo.processes import STOP_TIMEOUT, Child, Children, environ, free_port, wait_ready
from shadow_mw.demo.send import Sent, send
from shadow_mw.exceptions import ShadowError
from shadow_mw.runner.status import alive, read_status, wait_drained

PRIMARY, CANDIDATE = "careful-large", "overconfident-small"
LATENCY_MS = {"careful": 160, "overconfident": 63}
"""A third of the articles' latencies."""
PRICES = {PRIMARY: {"input": 0.60, "output": 2.40}, CANDIDATE: {"input": 0.15, "output": 0.60}}
"""USD per million tokens."""
PRIMARY_KEY, CANDIDATE_KEY = "demo-primary-key", "demo-candidate-key"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, and where files go."""

    documents: Sequence[Document]
    schema: dict[str, Any]
    directory: Path
    """Absolute; holds store, state and logs."""
    stream: bool = False
    seed: int = 0
    machine: bool = False
    """Whether the report is JSON."""
    decides: bool = True
    """Whether a plan is registered before the first call, and decides after the last."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went."""

    sent: Sent
    decision: Decision | None


def run(plan: Plan) -> Outcome:
    """Run the demo and print its report on stdout.

    Raises:
        ShadowError: a part of it did not start, or died.
    """
    console = Console(stderr=True)
    with Children(plan.directory) as children:
        primary = _model_server(children, plan, "careful", PRIMARY_KEY)
        candidate = _model_server(children, plan, "overconfident", CANDIDATE_KEY)
        variables = _variables(plan, primary, candidate)
        directory, commands = _spool(variables), Commands(plan.directory, variables)
        if plan.decides:
            commands.register()
        try:
            sent = _serve_and_send(children, plan, variables, directory, console)
        finally:
            stop_runner(directory)
    commands.label(plan.documents)
    commands.report(machine=plan.machine)
    return Outcome(sent, commands.verdict() if plan.decides else None)


def _model_server(children: Children, plan: Plan, extractor: str, key: str) -> str:
    """Start one model; its base URL."""
    port = free_port()
    arguments = ["shadow_mw.demo.model_server", "--extractor", extractor, "--port", str(port)]
    arguments += ["--latency-ms", str(LATENCY_MS[extractor]), "--seed", str(plan.seed)]
    child = children.start(f"{extractor} model", arguments, environ({"DEMO_API_KEY": key}))
    wait_ready(child, port)
    return f"http://127.0.0.1:{port}/v1"


def _variables(plan: Plan, primary: str, candidate: str) -> dict[str, str]:
    """All that the web app is told: its model, and the candidate's."""
    return {
        "OPENAI_BASE_URL": primary,
        "OPENAI_API_KEY": PRIMARY_KEY,
        "DEMO_MODEL": PRIMARY,
        "DEMO_STREAM": "1" if plan.stream else "0",
        "SHADOW_CANDIDATE_URL": candidate,
        "SHADOW_CANDIDATE_MODEL": CANDIDATE,
        "SHADOW_CANDIDATE_API_KEY": CANDIDATE_KEY,
        "SHADOW_EXPERIMENT": "demo",
        "SHADOW_STORE": str(plan.directory / "shadow.db"),
        "SHADOW_STATE_DIR": str(plan.directory / "state"),
        "SHADOW_PRICES": json.dumps(PRICES),
    }


def _spool(variables: Mapping[str, str]) -> Path:
    """The state directory that the web app will use under these variables."""
    with _replaced(environ(variables)):
        return settings.load().directory


@contextmanager
def _replaced(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(variables)
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _serve_and_send(
    children: Children,
    plan: Plan,
    variables: Mapping[str, str],
    directory: Path,
    console: Console,
) -> Sent:
    port = free_port()
    arguments = ["uvicorn", "shadow_mw.demo.webapp:app", "--host", "127.0.0.1"]
    arguments += ["--port", str(port), "--log-level", "warning"]
    app = children.start("web app", arguments, environ(variables))
    try:
        wait_ready(app, port)
        sent = _send(children, plan, f"http://127.0.0.1:{port}", console)
        _require_answers(app, sent)
        _drain(directory, sent, console)
    finally:
        # Before the runner: the app would start that again.
        app.stop()
    return sent


def _drain(directory: Path, sent: Sent, console: Console) -> None:
    timeout = 60 + 0.2 * sent.answered
    with console.status("waiting for the candidate's last answers"):
        if not wait_drained(directory, sent.answered, timeout):
            console.print(f"The candidate's calls were not finished after {timeout:.0f} s.")


def _send(children: Children, plan: Plan, url: str, console: Console) -> Sent:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("documents through the web app", total=len(plan.documents))

        def after_each() -> None:
            children.check()
            progress.advance(task)

        try:
            return send(url, plan.documents, plan.schema, after_each)
        except* ShadowError as group:
            raise group.exceptions[0] from None


def _require_answers(app: Child, sent: Sent) -> None:
    if not sent.answered:
        raise ShadowError(f"the web app answered no request: {sent.failures[0]}: {app.tail()}")


def stop_runner(directory: Path) -> None:
    """SIGTERM to the runner's own pid, as soon as it has published one; wait until it is gone."""
    told: set[int] = set()
    end = time.monotonic() + STOP_TIMEOUT
    while alive(directory) and time.monotonic() < end:
        status = read_status(directory)
        if status is not None and status.pid not in told:
            told.add(status.pid)
            with suppress(ProcessLookupError):
                os.kill(status.pid, signal.SIGTERM)
        time.sleep(0.05)
