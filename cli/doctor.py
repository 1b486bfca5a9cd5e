"""doctor: is everything here that is needed, and may this folder be shared?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from robustkit.cli import options
from robustkit.cli.show import as_json, note

if TYPE_CHECKING:
    from robustkit.api.doctor import Diagnosis

_MARKS = {"ok": "ok", "note": "note", "missing": "missing", "broken": "BROKEN", "found": "FOUND"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    privacy: Annotated[
        Path | None,
        typer.Option("--privacy", help="Search this folder for what should not be shared.", show_default=False),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Without the self-test, and without importing every package.")
    ] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Look at this installation and this machine, and judge a small run; or search a folder before it is shared.

    Exit 0: all is well; 1: something needed is broken, or something was found. What is optional and missing is no fault.

    Examples:

      robustkit doctor

      robustkit doctor --quick --json

      robustkit doctor --privacy runs/first
    """
    from robustkit.api.doctor import doctor as call

    result = call(privacy=privacy, quick=quick, say=lambda text: note(f"looking at {text} ...", quiet=quiet or json))
    typer.echo(as_json(result) if json else _listed(result))
    if not result.is_well:
        raise typer.Exit(1)


def _listed(result: Diagnosis) -> str:
    """Give the findings under their checks, each mend below its finding, and the sum."""
    lines: list[str] = []
    before = ""
    for finding in result.findings:
        if finding.check != before:
            before = finding.check
            lines.append(before.replace("_", " "))
        lines.append(f"  {_MARKS[finding.status]:<8}{finding.subject}: {finding.said}")
        if finding.fix:
            lines.append(f"          mend: {finding.fix}")
    return "\n".join([*lines, *result.remarks, _sum(result)])


def _sum(result: Diagnosis) -> str:
    bad = [f for f in result.findings if f.is_bad]
    if not bad:
        missing = sum(f.status == "missing" for f in result.findings)
        return f"{result.subject}: well" + (f" (optional and missing: {missing})" if missing else "")
    word = "found" if bad[0].status == "found" else "broken"
    things = "1 thing" if len(bad) == 1 else f"{len(bad)} things"
    return f"{result.subject}: {things} {word}, in {', '.join(dict.fromkeys(f.check for f in bad))}"
