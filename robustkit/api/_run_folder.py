"""The folder of a run: the one that was begun before, or a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from robustkit.api._run import Choices, Prepared
from robustkit.engine.outfit import expected_batches
from robustkit.errors import RunError
from robustkit.lock import is_trace
from robustkit.results.folder import RunFolder
from robustkit.results.runs import new_run_path, newest_of_identity


def find_run(prepared: Prepared, choices: Choices) -> tuple[Prepared, RunFolder, dict[str, Any] | None]:
    """Look for a run that was begun with any batch size that this one could come to have, and take its."""
    sizes = expected_batches(prepared.wish)
    for size in sizes:
        tried = replace(prepared, request=replace(prepared.request, batch_size=size))
        try:
            folder, record = run_folder(tried, choices)
        except RunError:
            if size == sizes[-1]:
                return prepared, *run_folder(prepared, choices)
            continue
        if record is not None or choices.new:
            return tried, folder, record
    return prepared, *run_folder(prepared, choices)


def run_folder(prepared: Prepared, choices: Choices) -> tuple[RunFolder, dict[str, Any] | None]:
    """Give the folder of this run, and its record where it has one."""
    identity = prepared.request.identity()
    chosen = choices.resume or choices.out
    if chosen is None:
        found = None if choices.new else newest_of_identity(prepared.runs, identity)
        if found is not None:
            return found, found.record()
        return RunFolder(new_run_path(prepared.runs, identity, now=datetime.now(UTC))), None
    folder = RunFolder(chosen)
    if not (chosen / "run.json").is_file():
        if choices.resume is not None:
            raise RunError(
                "there is no run to go on with.",
                where=str(chosen),
                fix="Give the folder of a run, or leave out --resume.",
            )
        if chosen.exists() and (not chosen.is_dir() or not all(is_trace(p) for p in chosen.iterdir())):
            raise RunError(
                "the folder holds other files.", where=str(chosen), fix="Give --out an empty or a new folder."
            )
        return folder, None
    record = folder.record()
    if record.get("identity") != identity:
        fields = _differences(record.get("identity_fields", {}), prepared.request.identity_fields())
        what = f"this folder holds another run; it differs in {', '.join(fields) or 'identity'}."
        raise RunError(what, where=str(chosen), fix="Choose another --out, or give the flags of that run.")
    return folder, record


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [k for k in {**now, **before} if before.get(k) != now.get(k)]
