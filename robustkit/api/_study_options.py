"""The options of a study file: those of the commands, by name; unknown ones are found before anything is done."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from robustkit.study.protocol import Protocol

FILLED = frozenset({
    "manifest", "fill", "output", "out", "seed", "device", "workers", "progress", "say", "run", "runs", "command", "plan",
    "model", "readings", "new", "resume", "arch", "weights",
})  # fmt: skip
"""Parameters that the study fills itself."""

_OPEN = {"heatmaps": {"model"}, "readers": {"model"}, "split": {"new"}, "import": set(), "perturb": {"arch"}}
"""Of these, what a part of the file may say all the same."""

Options = Mapping[str, Any]


def command(name: str) -> Callable[..., Any]:
    """Give the function of ``robustkit.api`` of that name."""
    found: Callable[..., Any] = getattr(importlib.import_module(f"robustkit.api.{name}"), name)
    return found


def option_faults(protocol: Protocol) -> list[str]:
    """Give one sentence for every option that the command behind it does not know."""
    return [
        fault
        for where, name, options in _parts(protocol)
        for fault in _unknown(where, command(name), options, FILLED - _OPEN.get(where.partition(",")[0], set()))
    ]


def _parts(protocol: Protocol) -> Iterator[tuple[str, str, Options]]:
    """Give the place in the file, the command, and its options."""
    for i, part in enumerate(protocol.cohorts, start=1):
        yield f"cohorts[{i}], import", "import_manifest", part.imported
    for network in protocol.networks:
        yield f"networks, {network.name}", "train", network.options
    for baseline in protocol.baselines:
        own = {k: v for k, v in baseline.options.items() if not (baseline.kind == "combined" and k == "image")}
        yield f"baselines, {baseline.name}", f"baseline_{baseline.kind}", own
    for name in ("split", "perturb", "stratify", "drift", "compare", "heatmaps"):
        yield name, name, getattr(protocol, name) or {}
    yield "readers", "readers_analyse", protocol.readers.options if protocol.readers else {}


def _unknown(
    where: str, function: Callable[..., Any], options: Options, filled: frozenset[str] | set[str]
) -> list[str]:
    known = [p for p in inspect.signature(function).parameters if p not in filled]
    faults = []
    for name in sorted(set(options) - set(known)):
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        faults.append(f"{where}: unknown option {name!r}; {hint}")
    return faults
