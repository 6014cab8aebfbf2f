"""`shadow-mw demo`: the whole way from a web request to a verdict, on this machine."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, NoReturn

import click

from shadow_mw.commands.judges import missing
from shadow_mw.demo.commands import Decision
from shadow_mw.demo.documents import INVOICE_SCHEMA, RECEIPT_SCHEMA, Document, load_receipts
from shadow_mw.demo.invoices import generate
from shadow_mw.exceptions import ConfigError

DEFAULT_REQUESTS = 300


@click.command()
@click.option(
    "--requests",
    type=click.IntRange(1, 100_000),
    help=f"Documents to send. Default: {DEFAULT_REQUESTS} invoices, or all receipts.",
)
@click.option(
    "--receipts",
    type=click.Path(path_type=Path),
    help='Real documents, {"id", "text", "truth"} a line, instead of generated invoices.',
)
@click.option("--stream", is_flag=True, help="The web app streams its model's answers.")
@click.option("--seed", default=0, show_default=True, help="Of the invoices and the latencies.")
@click.option("--json", "machine", is_flag=True, help="Print the report as one JSON object.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep store, plan and logs in this directory, to go on with.",
)
def demo(
    requests: int | None,
    receipts: Path | None,
    stream: bool,
    seed: int,
    machine: bool,
    keep: Path | None,
) -> None:
    """Mirror a small web app's LLM calls to a second model; print report and verdict.

    Two rule-based extractors serve as models behind OpenAI-compatible HTTP; everything else is
    what runs in production: a plan is registered before the first call, and decides after the
    last. Nothing leaves this machine.
    """
    _require_extra()
    documents, schema = _documents(requests, receipts, seed)
    with _interruptible(), _directory(keep) as directory:
        # Imported here, behind the check: needs the [demo] extra to be of any use.
        from shadow_mw.demo.run import Plan, run

        lacking = missing()
        outcome = run(Plan(documents, schema, directory, stream, seed, machine, not lacking))
    sent = outcome.sent
    if sent.failures:
        failed = f"{len(sent.failures)} of {len(documents)} requests failed"
        click.echo(f"{failed}; the first: {sent.failures[0]}", err=True)
    if not machine:
        click.echo(closing(outcome.decision, lacking, keep))


def _require_extra() -> None:
    if any(importlib.util.find_spec(name) is None for name in ("uvicorn", "openai")):
        raise ConfigError("the demo needs uvicorn and openai: pip install 'shadow-mw[demo]'")


def _documents(
    requests: int | None, receipts: Path | None, seed: int
) -> tuple[list[Document], dict[str, Any]]:
    if receipts is not None:
        return load_receipts(receipts)[:requests], RECEIPT_SCHEMA
    return generate(requests or DEFAULT_REQUESTS, seed), INVOICE_SCHEMA


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does: with its children, not without them."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with TemporaryDirectory(prefix="shadow-mw-demo-") as directory:
            yield Path(directory).resolve()
        return
    if (keep / "shadow.db").exists():
        raise ConfigError(f"--keep {keep}: holds a shadow.db already; give a new directory")
    try:
        keep.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--keep {keep}: cannot be made ({error.strerror})") from None
    yield keep.resolve()


def closing(decision: Decision | None, lacking: Sequence[str], keep: Path | None) -> str:
    """What it comes to, and how to go on; commands can be pasted as they are."""
    said = f"No verdict: it needs {' and '.join(lacking)}: pip install 'shadow-mw[eval]'"
    if decision is not None:
        said = (
            f"{decision.verdict}  {decision.reason}; by the plan {decision.plan}, which was"
            " registered before the first call."
        )
    why = (
        "The candidate is made to read more documents, and to fill in tax numbers that are not"
        " there: an average likes that, the verdict does not. "
    )
    if keep is None:
        why += "Store and logs were removed: `--keep DIR` keeps them, to go on with."
        return f"\n{_wrapped(said)}\n\n{_wrapped(why)}"
    command = "shadow-mw"
    if shutil.which(command) is None:
        command = shlex.quote(str(Path(sys.executable).with_name(command)))
    return f"""
{_wrapped(said)}

{_wrapped(why + "Go on with:")}

  export SHADOW_STORE={shlex.quote(str((keep / "shadow.db").resolve()))}
  {command} verdict                      # every gate with its interval
  {command} report --html report.html    # one file to read, and to send around
  {command} serve                        # the same as a live page"""


def _wrapped(text: str) -> str:
    return click.wrap_text(text, shutil.get_terminal_size().columns)
