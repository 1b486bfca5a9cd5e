"""The robustkit command: every sub-command registers itself; known errors become one sentence."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import version
from typing import Any

import typer
import typer.core
from robustkit.errors import RobustkitError, StoppedError, printable

STOPPED = "stopped at once. Finished parts are kept: the same command goes on from here."


class _Commands(typer.core.TyperGroup):
    """Typer ends in silence at Ctrl-C: here it is said how to go on."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise StoppedError(STOPPED) from error


app = typer.Typer(
    name="robustkit",
    cls=_Commands,
    help="Finds out whether a lesion classifier on radiographs can be trusted: how stable, for whom, how surely.",
    epilog="Start with: robustkit demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

COMMANDS = (
    "perturb",
    "analysis",
    "box_noise",
    "slices",
    "drift",
    "gate",
    "heatmaps",
    "readers",
    "report",
    "dashboard",
    "manifests",
    "split",
    "inspect",
    "averages",
    "train",
    "baseline",
    "study",
    "doctor",
)
"""Files of this folder, each with ``register(app)``, in the order of the help."""

for _name in COMMANDS:
    importlib.import_module(f"robustkit.cli.{_name}").register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("robustkit"))
        raise typer.Exit


@app.callback()
def main(
    show_version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Finds out whether a lesion classifier on radiographs can be trusted: how stable, for whom, how surely."""


def run() -> None:
    """Run the command line; exit 0 done, 1 check failed, 2 wrong input, 3 finished with failed cases, 130 stopped by Ctrl-C."""
    try:
        app()
    except RobustkitError as error:
        typer.echo(f"robustkit: {error}", err=True)
        sys.exit(error.exit_code)
    except MemoryError:
        typer.echo("robustkit: there is not enough memory. Use a machine with more, or smaller input.", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo(f"robustkit: {STOPPED}", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        said = printable(f"robustkit: {place}{error.strerror or type(error).__name__}.")
        typer.echo(f"{said[:1000]} Check the path and its permissions.", err=True)
        sys.exit(2)
