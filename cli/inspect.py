"""inspect: what a model file is, before it is judged."""

from __future__ import annotations

from typing import Annotated

import typer
from robustkit.cli import options
from robustkit.cli.show import as_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(inspect)


def inspect(
    checkpoint: Annotated[str, typer.Argument(help="Model file, or phantom-oracle.", show_default=False)],
    arch: options.Arch = None,
    input_size: options.InputSize = None,
    kernel: options.Kernel = None,
    scaling: options.Scaling = None,
    margin: options.Margin = None,
    fit: options.Fit = None,
    channels: options.Channels = None,
    classes: options.Classes = None,
    positive: options.Positive = None,
    outputs: options.Outputs = None,
    trust_code: options.TrustCode = False,
    write_sidecar: Annotated[
        bool, typer.Option("--write-sidecar", help='Write CKPT.toml, with "?" where nobody has said yet.')
    ] = False,
    json: options.Json = False,
) -> None:
    """Tell what a model file is: architecture, input, outputs, and what is assumed or still open.

    Example:

      robustkit inspect ckpt.pt --write-sidecar
    """
    from robustkit.api.inspect_checkpoint import inspect_checkpoint as call

    given = {k: v for k, v in locals().items() if k not in ("call", "json")}
    result = call(**given)
    typer.echo(as_json(result) if json else "\n".join(result.lines()))
