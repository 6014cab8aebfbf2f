"""The `shadow-mw` command: composes the stages, one module of `shadow_mw.commands` each."""

from __future__ import annotations

import importlib
import sys
import traceback

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

EXIT_USAGE = 64
EXIT_FAULT = 70
"""Of this program; 1 is what a failed gate, a raised alarm or a stopped run returns."""


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


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="shadow-mw")
def cli() -> None:
    """Find out on live traffic whether a candidate model may replace the primary one."""


def main() -> None:
    """Run the command line; every expected error is one line on stderr and an exit code.

    Any other one is its traceback, a last line that names it, and 70.
    """
    try:
        result = cli.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
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
    sys.exit(result if isinstance(result, int) else 0)
