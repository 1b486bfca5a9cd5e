"""The examples in the docstrings of ``stats`` run as written."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest
import robustkit.stats

MODULES = [m.name for m in pkgutil.iter_modules(robustkit.stats.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(f"robustkit.stats.{name}")).failed == 0


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    modules = [importlib.import_module(f"robustkit.stats.{name}") for name in MODULES]
    assert sum(len(t.examples) > 0 for m in modules for t in finder.find(m)) >= 8
