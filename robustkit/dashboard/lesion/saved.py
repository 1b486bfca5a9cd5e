"""What a visitor takes home: box, score and what they rest on."""

from __future__ import annotations

from typing import Any

from robustkit.dashboard.lesion.answers import Answer, GridScores
from robustkit.dashboard.lesion.open_run import OpenRun
from robustkit.dashboard.lesion.panels import Context
from robustkit.dashboard.lesion.words import hold, is_followed
from robustkit.figures._words import DISCLAIMER


def saved(answer: Answer, context: Context, *, run: OpenRun, model: str, film: str) -> dict[str, Any]:
    """Give JSON-able facts; a map that is not judged whole is left out.

    Args:
        answer: With a box.
        context: Threshold and spacing.
        run: Whose model answered.
        model: Its name.
        film: Name of case or file.
    """
    entry = run.entry(model)
    return {
        "note": DISCLAIMER,
        "film": film,
        "run": run.key,
        "identity": run.record.get("identity"),
        "model": model,
        "model_sha256": entry.get("sha256"),
        "box": list(answer.box or ()),
        "box_frame": "px of the film after EXIF orientation, half-open",
        "score": answer.score,
        "threshold": context.cut.value,
        "threshold_source": context.cut.source,
        "is_followed": is_followed(answer.score, context.cut.value),
        "spacing_mm": context.spacing_mm if context.spacing_mm == context.spacing_mm else None,
        "shift": _grid(answer.shift, answer, context),
        "size": _grid(answer.size, answer, context),
    }


def _grid(found: GridScores | None, answer: Answer, context: Context) -> dict[str, Any] | None:
    if found is None or not found.is_whole:
        return None
    held = hold(found, answer.score, context.cut.value)
    return {
        "reach": held.reach,
        "steps": found.grid.n,
        "holds_up_to": held.held,
        "first_change_at": None if held.first != held.first else held.first,
        "n_changed": held.n_changed,
        "n_boxes": held.n_boxes,
    }
