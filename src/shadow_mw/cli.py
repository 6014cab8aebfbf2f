"""The `shadow-mw` command: composes the stages, one module of `shadow_mw.commands` each."""

from __future__ import annotations

import importlib
import sys
import traceback
from difflib import get_close_matches

import click

from shadow_mw.exceptions import ConfigError, ShadowError
from shadow_mw.version import __version__

COMMANDS = {
    "demo": "demo",
    "run": "run",
    "serve": "serve",
    "status": "control",
    "on": "control",
    "off": "control",
    "sample": "control",
    "doctor": "doctor",
    "import": "import_",
    "export": "export",
    "label": "label",
    "plan": "plan",
    "preflight": "preflight",
    "backfill": "backfill",
    "load": "load",
    "score": "score",
    "judge": "judge",
    "embed": "embed",
    "calibrate": "calibrate",
    "report": "report",
    "verdict": "verdict",
    "alerts": "alerts",
}
"""Command to module; a module is imported only when its command is used."""

SECTIONS = {
    "Begin": {
        "demo": "The whole way on this machine, from an app's calls to a verdict.",
        "doctor": "Prove that calls are mirrored; name what to mend where not.",
        "status": "What is mirrored, and what is in force.",
    },
    "Decide": {
        "plan": "What has to hold, what proves it, what it costs; register it.",
        "report": "Both models side by side; --html writes a page.",
        "verdict": "GO, NO-GO or INSUFFICIENT, and the evidence for it.",
        "load": "Send a candidate production's load, from the store.",
    },
    "Truth and judges": {
        "label": "Store ground truth, or let people choose between outputs.",
        "judge": "Ask LLM judges which output of a pair is better.",
        "calibrate": "Compare a judge's verdicts with people's.",
        "embed": "Compare outputs by the cosine of their embeddings.",
    },
    "Run": {
        "on": "Mirror again, within a second.",
        "off": "Stop mirroring, within a second.",
        "sample": "Mirror a share of the calls from now on.",
        "run": "Run the runner here (SHADOW_RUNNER=external).",
        "serve": "Receive spans over OTLP/HTTP; the live page; /metrics.",
        "alerts": "Work out alarms, and tell the webhook of what changed.",
    },
    "Other data": {
        "import": "Store and judge pairs of a file, or of a gateway's log.",
        "export": "Write every pair with its truth, one JSON object a line.",
        "score": "Report on the pairs of a file, and keep nothing.",
        "backfill": "Ask a candidate what the primary was asked.",
        "preflight": "What a candidate's tokeniser makes of stored inputs.",
    },
}
"""Commands as `--help` shows them; nothing is imported for it."""

EXIT_USAGE = 64
EXIT_FAULT = 70
"""Of this program; 1 is what a failed gate, a raised alarm or a stopped run returns."""
EXIT_PIPE = 141
"""As a shell has it of a process that SIGPIPE ended."""


class LazyGroup(click.Group):
    """Knows its commands' names without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The order of the table is the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module that holds the command; its function carries the command's name."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"shadow_mw.commands.{module}"), cmd_name
        )
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """What is misspelt gets the name that is nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = get_close_matches(args[0], COMMANDS, 1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """By what they are for."""
        for title, rows in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:9}", what) for name, what in rows.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="shadow-mw")
def cli() -> None:
    """Find out on live traffic whether a candidate model may replace the primary one."""


def _with_range(error: click.UsageError) -> click.UsageError:
    """Says which number is accepted, where click says `'x' is not a valid float range`."""
    if not isinstance(error, click.BadParameter) or error.param is None:
        return error
    kind = error.param.type
    given, refused, _ = error.message.partition(" is not ")
    if not refused or not isinstance(kind, click.IntRange | click.FloatRange):
        return error
    noun = "a whole number" if isinstance(kind, click.IntRange) else "a number"
    value = given.strip("'")
    text = f"{value}: accepted is {noun} {_range(kind)}"
    return click.BadParameter(text, error.ctx, error.param)


def _range(kind: click.IntRange | click.FloatRange) -> str:
    if kind.min is None:
        return f"of {kind.max:,g} or less"
    if kind.max is None:
        return f"above {kind.min:g}" if kind.min_open else f"of {kind.min:g} or more"
    if kind.min_open:
        return f"above {kind.min:g}, {kind.max:,g} at most"
    return f"from {kind.min:g} to {kind.max:,g}"


def main() -> None:
    """Run the command line; every expected error is one line on stderr and an exit code.

    Any other one is its traceback, a last line that names it, and 70. Where nobody reads on, as
    behind `| head`, it is 141.
    """
    try:
        result = cli.main(standalone_mode=False)
    except click.UsageError as error:
        _with_range(error).show()
        sys.exit(EXIT_USAGE)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        click.echo("Aborted.", err=True)
        sys.exit(130)
    except ShadowError as error:
        click.echo(f"shadow-mw: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        click.echo(f"shadow-mw: {error.filename}: {error.strerror}", err=True)
        sys.exit(ConfigError.exit_code)
    except Exception as error:  # noqa: BLE001  # 1 would be an answer
        traceback.print_exc()
        click.echo(f"shadow-mw: a fault of its own: {type(error).__name__}: {error}", err=True)
        sys.exit(EXIT_FAULT)
    except SystemExit as ended:
        # click and rich leave with 1 from a pipe that is closed; NO-GO is 1.
        sys.exit(EXIT_PIPE if ended.code == 1 else ended.code)
    sys.exit(result if isinstance(result, int) else 0)
