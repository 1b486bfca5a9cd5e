"""Data flows one way: each layer imports only from those before it, siblings never import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = (
    ("errors",),
    ("seeds", "atomic", "documents", "stopping", "collector"),
    ("lock", "registry", "geometry", "inputs", "provenance", "config", "cache", "sobol", "findings"),
    ("cohort", "images", "results", "stats", "study"),
    ("formats", "phantom", "perturbations", "metrics", "strata", "features"),
    ("crops", "models", "controls"),
    ("backends", "heatmaps", "training", "kinds"),
    ("engine",),
    ("executors",),
    ("analysis", "baselines"),
    ("figures",),
    ("report", "dashboard", "packs"),
    ("checkup", "privacy"),
    ("api",),
    ("cli", "data_manifests"),
)
LEVEL = {name: i for i, names in enumerate(LAYERS) for name in names}
PLUGIN_FOLDERS = (
    "formats",
    "perturbations",
    "metrics",
    "strata",
    "features",
    "crops",
    "backends",
    "heatmaps",
    "kinds",
    "executors",
    "figures",
    "checkup",
    "privacy",
)
FILES = sorted([*(ROOT / "robustkit").rglob("*.py"), *(ROOT / "cli").rglob("*.py")])


def _place(path: Path) -> tuple[str, str]:
    """Give layer name and file stem."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    if parts[0] == "cli":
        return "cli", parts[-1]
    return parts[1], parts[-1]


def _imports(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("robustkit."):
            found.append(node.module)
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.startswith("robustkit.")]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    place, stem = _place(path)
    if place == "__init__":
        return
    for module in _imports(path):
        other = module.split(".")[1]
        same = other == place
        assert same or LEVEL[other] < LEVEL[place], f"{path.name} ({place}) imports {module}"
        if same and place in PLUGIN_FOLDERS and "." in module.removeprefix("robustkit."):
            assert module.split(".")[2].startswith("_"), f"the plug-in {stem} imports its sibling {module}"
        if place == "cli":
            assert other in ("api", "errors", "cli"), f"the command line imports {module}"


@pytest.mark.parametrize("path", [p for p in FILES if p.name == "__init__.py"], ids=lambda p: str(p.relative_to(ROOT)))
def test_init_files_hold_a_docstring_only(path: Path) -> None:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    if _place(path)[0] in ("api", "cli"):
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            docstring = ast.get_docstring(node, clean=False) or ""
            assert node.end_lineno - node.lineno - docstring.count("\n") <= 50, f"{node.name} is too long"


def test_no_import_cycles() -> None:
    graph = {
        ".".join(("robustkit", *_place(p))) if _place(p)[0] != p.stem else f"robustkit.{p.stem}": _imports(p)
        for p in FILES
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name in done:
            return
        for other in graph.get(name, []):
            visit(other, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())
