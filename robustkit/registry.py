"""Finds plug-ins by name: one file in a family's folder is one plug-in, ``PLUGIN`` is its face.

Other packages add plug-ins with an entry point in the group ``robustkit.<family>``.
"""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from robustkit.errors import UnknownNameError


@cache
def _installed(family: str) -> dict[str, EntryPoint]:
    """Give what other packages add, by name; to look through all of them takes milliseconds."""
    # of two of one name the first counts
    return {e.name: e for e in reversed(tuple(entry_points(group=f"robustkit.{family}")))}


@cache
def names(family: str) -> tuple[str, ...]:
    """List the plug-ins of a family (``perturbations``, ``metrics``, ...) by name, sorted."""
    spec = find_spec(f"robustkit.{family}")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    own = {m.name for m in pkgutil.iter_modules(folders) if not m.name.startswith("_")}
    return tuple(sorted(own | set(_installed(family))))


@cache
def load(family: str, name: str) -> object:
    """Give the plug-in of that name; its file is imported now, not before.

    Raises:
        UnknownNameError: No such plug-in; the near names are listed.
    """
    if name not in names(family):
        near = get_close_matches(name, names(family), n=3) or names(family)
        fix = f"Known: {', '.join(near)}."
        raise UnknownNameError(f"unknown {family.rstrip('s')} {name!r}.", fix=fix)
    if name in _installed(family):
        return _installed(family)[name].load()
    return importlib.import_module(f"robustkit.{family}.{name}").PLUGIN
