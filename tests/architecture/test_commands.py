"""A command is parse, call, print: its parameters and defaults are those of the api function; help is light."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest
from robustkit.cli.main import app

FOR_PRINTING = {"json", "quiet"}
FOR_CALLERS = {"progress", "command", "say"}
OTHER_NAMES = {"import": "import_manifest", "inspect": "inspect_checkpoint"}
HEAVY = ("torch", "pandas", "scipy", "plotly", "pyarrow", "sklearn", "timm", "pydicom")


def _commands() -> list[tuple[str, object]]:
    own = [(c.name or c.callback.__name__.rstrip("_"), c.callback) for c in app.registered_commands if c.callback]
    inner = [
        (f"{g.name} {c.name}", c.callback)
        for g in app.registered_groups
        if g.typer_instance
        for c in g.typer_instance.registered_commands
        if c.callback
    ]
    return [*own, *inner]


@pytest.mark.parametrize(("name", "callback"), _commands(), ids=[n for n, _ in _commands()])
def test_command_and_api_agree(name: str, callback: object) -> None:
    stem = OTHER_NAMES.get(name, name.replace("-", "_").replace(" ", "_"))
    function = getattr(importlib.import_module(f"robustkit.api.{stem}"), stem)
    command = {k: v for k, v in inspect.signature(callback).parameters.items() if k not in FOR_PRINTING}  # type: ignore[arg-type]
    api = {k: v for k, v in inspect.signature(function).parameters.items() if k not in FOR_CALLERS}
    assert list(command) == list(api)
    for key, parameter in command.items():
        wanted = api[key].default
        if wanted is inspect.Parameter.empty:
            continue
        given = parameter.default
        assert (tuple(given) if isinstance(given, list) else given) == wanted, key


@pytest.mark.parametrize("arguments", [["--help"], ["perturb", "--help"], ["stratify", "--help"]])
def test_help_is_light(arguments: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['robustkit', *{arguments!r}]\n"
        "from robustkit.cli.main import app\n"
        "try: app()\n"
        "except SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "Usage" in done.stdout
