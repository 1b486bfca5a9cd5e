"""Films of a run: the files that they were when it began, and what is said of those that are others now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from robustkit.api._outcome import Progress
from robustkit.engine.films import film_digests
from robustkit.engine.plan import Plan
from robustkit.results.films import read_films, write_films


def bind_films(
    run: Path, plan: Plan, *, workers: int, progress: Progress | None, is_shared: bool = False
) -> tuple[Plan, list[str]]:
    """Bind a run to the files that its films are now, or were when it began; say which have become others since.

    Args:
        run: Its folder.
        plan: Its cases.
        workers, progress: Threads that read, and who is told.
        is_shared: Other processes do this as well: what one of them wrote is taken, and films are compared as they are read.

    Raises:
        RunError: What was kept cannot be read.
    """
    begun = read_films(run)
    if is_shared and all(c.case_id in begun for c in plan.cases):
        sha256 = tuple(begun[c.case_id] for c in plan.cases)
        return replace(plan, headers=replace(plan.headers, sha256=sha256)), []
    now = _now(plan, workers, progress)
    # a film that could not be read then has no answers that it could be mixed with
    kept = tuple(begun.get(c.case_id) or sha256 for c, sha256 in zip(plan.cases, now, strict=True))
    wanted = {c.case_id: sha256 for c, sha256 in zip(plan.cases, kept, strict=True)}
    if wanted != begun:
        write_films(run, wanted)
    return replace(plan, headers=replace(plan.headers, sha256=kept)), _said(plan, kept, now)


def changed_films(run: Path, plan: Plan, *, workers: int, progress: Progress | None) -> list[str]:
    """Say which films of a complete run are other files by now; nothing of a run that kept no digests."""
    begun = read_films(run)
    if not begun:
        return []
    kept = tuple(begun.get(c.case_id, "") for c in plan.cases)
    return _said(plan, kept, _now(plan, workers, progress))


def _now(plan: Plan, workers: int, progress: Progress | None) -> tuple[str, ...]:
    told = (lambda done, n: progress("films compared", done, n)) if progress else None
    return film_digests(plan.cases, workers=workers, told=told)


def _said(plan: Plan, kept: tuple[str, ...], now: tuple[str, ...]) -> list[str]:
    others = [c.case_id for c, old, new in zip(plan.cases, kept, now, strict=True) if old and new and old != new]
    if not others:
        return []
    shown = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
    return [
        f"the films of {len(others)} cases are other files than when this run began ({shown}): answers that are there are "
        "of the films as they were, no others are made; --new begins a run with the films as they are."
    ]
