"""Writes docs/reference/: commands, functions and plug-ins, from the docstrings and the command line themselves.

    python docs/reference.py                 # docs/reference/
    python docs/reference.py another/folder

`tests/docs/test_reference.py` holds the pages to the code.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
from robustkit.atomic import replacing

ROOT = Path(__file__).resolve().parents[1]
ABOUT = "*Written from the code by `python docs/reference.py`; change the docstrings, not this page.*"
FAMILIES = {
    "formats": ("Annotation files that `import` reads.", "formats._base.Format"),
    "perturbations": ("Ways to redraw a box: `perturb --perturb NAME=LEVEL`.", "perturbations._base.Perturbation"),
    "metrics": ("One number from labels and scores.", "metrics._base.Metric"),
    "strata": ("Variables that cases are divided by: `stratify --by NAME`.", "strata._base.Stratifier"),
    "features": ("Families of radiomics features: [features.md](../features.md).", "features._base.Family"),
    "crops": ("Ways to make a crop.", "crops._base.CropMaker"),
    "kinds": ("Kinds of written model files: [models.md](../models.md).", "models.written.Kind"),
    "backends": ("What runs a network: `--backend NAME`.", "backends._base.Backend"),
    "heatmaps": ("Methods of `heatmaps --method NAME`: [heatmaps.md](../heatmaps.md).", "heatmaps._base.HeatmapMethod"),
    "executors": ("Where the parts of a run are computed: `--executor NAME`.", "executors._base.Executor"),
    "figures": ("Figures of report and dashboard.", "figures._base.Figure"),
    "checkup": ("Checks of `doctor`: [doctor.md](../doctor.md).", "checkup._base.Check"),
    "privacy": ("Checks of `doctor --privacy`: [privacy.md](../privacy.md).", "privacy._base.Search"),
}
"""Folders of plug-ins: what they are for, and the class that says what each must do."""


def main(folder: Path) -> None:
    """Write all pages into a folder."""
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    code = griffe.load("robustkit", search_paths=[ROOT], docstring_parser="google")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages(code).items():
        with replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def pages(code: Any) -> dict[str, str]:
    """Give the pages by file name."""
    found = {
        "commands.md": ("Commands", list(commands())),
        "python.md": ("From Python", list(functions(code))),
        "plugins.md": ("Plug-ins", list(plugins(code))),
    }
    written = {
        name: "\n\n".join([f"# {title}", ABOUT, parts[0], contents(parts), *parts[1:]]) + "\n"
        for name, (title, parts) in found.items()
    }
    index = [
        "- [Commands](commands.md): every command and option.",
        "- [From Python](python.md): the function behind each command, its arguments and what it gives.",
        "- [Plug-ins](plugins.md): formats, perturbations, metrics, strata and what else can be added to.",
        "- [Tables and columns](../tables.md): what a run's tables hold.",
    ]
    return {"README.md": f"# Reference\n\n{ABOUT}\n\n" + "\n".join(index) + "\n", **written}


def contents(parts: list[str]) -> str:
    """Give a line of links to the headings of the second level, as forges name their anchors."""
    heads = [p.partition("\n")[0].removeprefix("## ") for p in parts if p.startswith("## ")]
    links = [f"[{h.split('.')[-1].removeprefix('robustkit ')}](#{h.replace(' ', '-').replace('.', '')})" for h in heads]
    return "On this page: " + ", ".join(links) + "."


def commands() -> Iterator[str]:
    """Describe every command of the command line."""
    import click
    from robustkit.cli.main import app
    from typer.main import get_command

    yield "Every command has `--help`. Exit 0: done, 1: a check failed, 2: wrong input, 3: finished with failed cases."
    waiting = [("robustkit", get_command(app))]
    while waiting:
        name, command = waiting.pop(0)
        context = click.Context(command, info_name=name)
        subs = getattr(command, "commands", {})
        waiting = [(f"{name} {sub}", subs[sub]) for sub in subs] + waiting
        if subs and name == "robustkit":
            continue
        yield f"## {name}"
        yield _help(command.help or "")
        if not subs:
            yield f"```text\n{name} {' '.join(command.collect_usage_pieces(context))}\n```"
            yield _table(("option", "meaning"), list(_options(command, context)))


def _options(command: Any, context: Any) -> Iterator[tuple[str, str]]:
    for option in command.get_params(context):
        record = option.get_help_record(context)
        if record is not None and option.name != "help":
            yield f"`{record[0].strip()}`", record[1]


def _help(text: str) -> str:
    """Put the examples of a help text into one block."""
    lines = text.strip().splitlines()
    code = [line.strip() for line in lines if re.match(r"\s*robustkit ", line)]
    said = "\n".join(line.strip() for line in lines if line.strip() not in code)
    said = re.sub(r"\n{3,}", "\n\n", said).strip()
    return f"{said}\n\n```text\n" + "\n".join(code) + "\n```" if code else said


def functions(code: Any) -> Iterator[str]:
    """Describe the function of every command, and what it gives."""
    yield (
        "A command is one function of the same name and arguments: `robustkit.api.NAME.NAME`. It prints nothing and "
        "raises a subclass of `robustkit.errors.RobustkitError` where the input is wrong."
    )
    for name, module in sorted(code["api"].modules.items()):
        if name.startswith("_"):
            continue
        yield f"## robustkit.api.{name}"
        yield _docstring(module)
        yield f"```python\n{_signature(module[name])}\n```"
        yield _docstring(module[name])
        for noun in (c for c in module.classes.values() if not c.is_alias and not c.name.startswith("_")):
            yield f"### {noun.name}\n\n{_docstring(noun)}"


def _signature(function: Any) -> str:
    parts, is_keyword = [], False
    for p in function.parameters:
        if p.kind is not None and "keyword-only" in p.kind.value and not is_keyword:
            parts.append("*")
            is_keyword = True
        typed = f"{p.name}: {p.annotation}" if p.annotation is not None else p.name
        parts.append(f"{typed} = {p.default}" if p.default is not None else typed)
    body = "".join(f"\n    {p}," for p in parts)
    return f"{function.name}({body}\n) -> {function.returns}"


def plugins(code: Any) -> Iterator[str]:
    """Describe every family of plug-ins: what each must do, and which there are."""
    yield (
        "One file is one plug-in; a package of your own adds one through an entry point in the group "
        "`robustkit.FAMILY`: [own_perturbation.md](../how_to/own_perturbation.md) shows it whole."
    )
    for family, (what, face) in FAMILIES.items():
        own = {n: m for n, m in sorted(code[family].modules.items()) if not n.startswith("_")}
        yield f"## {family}\n\n{what}"
        yield _table(("name", "what it is"), [(f"`{n}`", _first(m)) for n, m in own.items()])
        yield f"What each must do: `robustkit.{face}`.\n\n{_docstring(code[face])}"
        for method in (m for m in code[face].functions.values() if not m.name.startswith("_")):
            if "property" not in method.labels:
                yield f"```python\n{_signature(method)}\n```\n\n{_docstring(method)}"
        if family in ("perturbations", "metrics", "strata", "formats", "backends", "heatmaps"):
            for name, module in own.items():
                plugin = module[str(module["PLUGIN"].value).partition("(")[0]]
                if not plugin.is_alias:  # a class that several share says nothing about the one
                    yield f"### {name}\n\n{_docstring(plugin)}"


def _first(module: Any) -> str:
    text = module.docstring.value.split("\n\n")[0].replace("\n", " ")
    said = re.sub(r"^[\w+-]+: ", "", text)
    return said if re.match(r"\w+\.\w", said) else said[:1].upper() + said[1:]


def _docstring(thing: Any) -> str:
    """Give a docstring as Markdown: text, tables of arguments and attributes, what is given and raised."""
    if thing.docstring is None:
        return ""
    return "\n\n".join(part for section in thing.docstring.parsed if (part := _section(section)))


def _section(section: Any) -> str:
    value = section.value
    match section.kind.value:
        case "text":
            return _plain(value)
        case "parameters" | "attributes" as kind:
            word = "argument" if kind == "parameters" else "attribute"
            return _table((word, "meaning"), [(f"`{_names(i)}`", _cell(i.description)) for i in value])
        case "returns":
            return "Gives: " + _cell(" ".join(i.description for i in value))
        case "raises":
            return "Raises: " + "; ".join(f"`{i.annotation}`: {_cell(i.description).rstrip('.')}" for i in value) + "."
        case "examples":
            return "\n\n".join(f"```python\n{t}\n```" if k.value == "examples" else _plain(t) for k, t in value)
        case "admonition" if value.kind == "example":
            return f"```python\n{value.description}\n```"
        case "admonition":
            return f"{section.title or value.kind.capitalize()}: {_plain(value.description)}"
        case _:
            return ""


def _names(item: Any) -> str:
    """Give the names of an entry; of several the parser takes what follows the first for a type."""
    return (
        f"{item.name} {item.annotation}".translate({40: None, 41: None}) if item.name.endswith(",") else str(item.name)
    )


def _plain(text: str) -> str:
    """Turn what Sphinx would read into Markdown; outside code a ``<`` would begin a tag of HTML."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    return "".join(p if p.startswith("`") else re.sub(r"<(?=\w)", "&lt;", p) for p in re.split(r"(`[^`]*`)", text))


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", _plain(text)).strip()


def _table(heads: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    cells = [(a.replace("|", r"\|"), _cell(b).replace("|", r"\|")) for a, b in rows]
    return "\n".join([f"| {heads[0]} | {heads[1]} |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in cells)])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "reference")
