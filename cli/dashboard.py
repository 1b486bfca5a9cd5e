"""dashboard: an interactive page on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from robustkit.api.dashboard import DEFAULT_PORT, LOCAL, Opened
from robustkit.cli import options
from robustkit.cli.show import as_json, note


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(dashboard)


def dashboard(
    runs: Annotated[list[Path], typer.Argument(help="Run folders; default the newest complete one.")] = [],  # noqa: B006
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; others than 127.0.0.1 ask for a token.")
    ] = LOCAL,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = DEFAULT_PORT,
    token: Annotated[
        str | None, typer.Option("--token", help="Asked of every visitor; default a new one where others can come.")
    ] = None,
    no_images: Annotated[bool, typer.Option("--no-images", help="Show no films of patients.")] = False,
    device: options.Device = "cpu",
    readers_shift: Annotated[
        float | None,
        typer.Option(
            "--readers-shift",
            min=0.0,
            max=1.0,
            help="How far readers' boxes differ, in sides of the box (`shift` of box-noise); default RUN/box_noise.json.",
        ),
    ] = None,
    trust_code: options.TrustCode = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Serve an interactive page for one or several runs, until Ctrl-C.

    Example:

      robustkit dashboard runs/first runs/second
    """
    from robustkit.api.dashboard import dashboard as call

    def say(opened: Opened) -> None:
        if opened.is_shared:
            note("other machines can reach this page: whoever has the token sees films and numbers", quiet=quiet)
        note("stop with Ctrl-C", quiet=quiet)
        typer.echo(as_json(opened) if json else opened.address)

    try:
        call(
            runs=runs, host=host, port=port, token=token, no_images=no_images, device=device,
            readers_shift=readers_shift, trust_code=trust_code, say=say,
        )  # fmt: skip
    except KeyboardInterrupt:
        note("stopped", quiet=quiet)
