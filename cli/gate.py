"""gate: rules that a run must keep, for continuous integration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from robustkit.cli import options
from robustkit.cli.show import as_json, note

if TYPE_CHECKING:
    from robustkit.api.gate import GateResult

_MARKS = {"holds": "ok", "fails": "FAIL", "no evidence": "FAIL", "allowed": "allowed"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(gate)


def gate(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder; default the newest complete one in runs/.", show_default=False)
    ] = None,
    rules: Annotated[
        list[str], typer.Argument(help="METRIC{key=value,...} < NUMBER, in quotes; repeats.", show_default=False)
    ] = [],  # noqa: B006
    rules_file: Annotated[
        Path | None, typer.Option("--rules", help="File with one rule a line; # begins a comment.")
    ] = None,
    allow_unknown: Annotated[
        bool, typer.Option("--allow-unknown", help="Pass what is not estimable or missing; without it, it fails.")
    ] = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML to this file.")] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Does the run keep these rules? The bound of each interval is compared, never the point.

    Exit 0: all hold; 1: one fails or has no evidence; 2: a rule that cannot be read.

    Examples:

      robustkit gate 'sensitivity{cohort=external} >= 0.9'

      robustkit gate runs/first 'flip_rate{size=*,shift=0.1} < 0.05' 'missed_malignant < 5%'

      robustkit gate runs/first --rules gate.rules --junit gate.xml
    """
    from robustkit.api.gate import gate as call

    result = call(run=run, rules=rules, rules_file=rules_file, allow_unknown=allow_unknown, junit=junit)
    closing = [c for c in result.checks if c.verdict in ("fails", "no evidence")]
    if json:
        typer.echo(as_json(result))
        for check in closing:
            note(f"{check.where} failed: {check.rule} ({check.cell}): {check.said}", quiet=quiet)
    else:
        for warning in result.warnings:
            note(f"note: {warning}", quiet=quiet)
        typer.echo(_listed(result))
        typer.echo(f"{result.run}: {len(closing)} of {len(result.checks)} checks fail")
    if not result.passed:
        raise typer.Exit(1)


def _listed(result: GateResult) -> str:
    """Give every rule as it was written, and below it what was found."""
    lines: list[str] = []
    before = ""
    for check in result.checks:
        if check.where != before:
            before = check.where
            lines.append(f"{check.where}: {check.rule}")
        lines.append(f"  {_MARKS[check.verdict]:<8}{check.cell}: {check.said}")
    return "\n".join(lines)
