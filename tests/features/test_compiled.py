"""Kernels: compiled they answer as interpreted, where their code is kept, and what happens without numba."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import robustkit.features
from numba import config
from robustkit.errors import MissingExtraError
from robustkit.features._base import FeatureSettings, extract
from robustkit.features._compiled import compiled

from made_regions import texture


def _modules() -> list[ModuleType]:
    found = pkgutil.iter_modules(robustkit.features.__path__)
    return [importlib.import_module(f"robustkit.features.{f.name}") for f in found]


def _interpret(patch: pytest.MonkeyPatch) -> int:
    replaced = 0
    for module in _modules():
        for name, value in list(vars(module).items()):
            if hasattr(value, "py_func"):
                patch.setattr(module, name, value.py_func)
                replaced += 1
    return replaced


@pytest.mark.parametrize("directions", ["average", "merged"])
@pytest.mark.parametrize("holes", [False, True])
def test_compiled_kernels_answer_as_interpreted_ones(
    monkeypatch: pytest.MonkeyPatch, directions: str, holes: bool
) -> None:
    # interpreted, an index beyond an array is an error; compiled it would read or write anywhere
    film = texture(9, (14, 17), holes=holes)
    boxes = np.array([[0.0, 0, 17, 14], [3, 2, 9, 12], [5, 5, 6, 6], [4, 3, 5, 12], [-4, -4, 7, 30]])
    settings = FeatureSettings.from_dict({"bins": 4, "directions": directions})
    quick = extract(film, boxes, settings=settings, spacing_mm=None, mask=film > 0)
    assert _interpret(monkeypatch) > 10
    slow = extract(film, boxes, settings=settings, spacing_mm=None, mask=film > 0)
    np.testing.assert_allclose(quick, slow, rtol=1e-12, atol=1e-14)


def test_kernels_call_kernels_of_their_own_file_alone() -> None:
    # what is kept of a kernel is not made anew when another file changes
    for module in _modules():
        own = [k.py_func for k in vars(module).values() if getattr(k, "py_func", None)]
        for function in (f for f in own if f.__module__ == module.__name__):
            used = [module.__dict__.get(n) for n in function.__code__.co_names]
            assert all(k.py_func.__module__ == module.__name__ for k in used if hasattr(k, "py_func")), function


def _written(folder: Path, name: str) -> object:
    file = folder / f"{name}.py"
    file.write_text("def double(x):\n    return 2 * x\n", encoding="utf-8")
    space: dict[str, object] = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), space)
    return space["double"]


def test_code_is_kept_in_the_users_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = config.CACHE_DIR
    double = compiled(_written(tmp_path, "kernels"))  # type: ignore[type-var]
    assert double(4) == 8  # type: ignore[operator]
    assert list((tmp_path / "cache" / "robustkit" / "numba").rglob("*.nbc"))
    assert not list(tmp_path.glob("__pycache__/*.nbc"))
    assert before == config.CACHE_DIR


def test_a_function_that_cannot_be_kept_is_compiled_all_the_same() -> None:
    space: dict[str, object] = {}
    exec("def double(x):\n    return 2 * x\n", space)
    assert compiled(space["double"])(4) == 8  # type: ignore[operator,type-var]


def test_without_numba_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(MissingExtraError, match=r"need numba.*robustkit\[radiomics\]"):
        compiled(lambda x: x)


def test_nothing_else_imports_numba() -> None:
    said = """
import sys, numpy as np, robustkit.cli.main, robustkit.baselines.summaries, robustkit.models.open
from robustkit.features._base import FeatureSettings, extract
chosen = FeatureSettings(families=("first_order", "grey"))
extract(np.ones((9, 9), np.uint8), np.array([[0.0, 0, 5, 5]]), settings=chosen, spacing_mm=None)
assert "numba" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
