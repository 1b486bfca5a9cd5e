"""What a run will cost, before anything is computed: boxes by model, and how long a film model takes for one."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from robustkit.engine.plan import Plan
from robustkit.engine.questions import Questions, guarded
from robustkit.errors import FilmError
from robustkit.images.film import read_film
from robustkit.images.radiograph import Depth
from robustkit.models.classifier import Classifier

CASES = 64
"""Cases whose boxes are counted one by one; of more, these are taken for all."""


def boxes_by_leaf(models: Sequence[Classifier], plan: Plan) -> dict[str, int]:
    """Give about how many different boxes each leaf will be asked; exact up to CASES cases."""
    usable = [i for i, fault in enumerate(plan.headers.faults) if not fault and plan.n_rows(i)]
    chosen = [usable[i] for i in np.linspace(0, len(usable) - 1, min(CASES, len(usable))).astype(int)]
    found: dict[str, int] = {}
    for index in chosen:
        for name, wanted in _questions(models, plan, index).wanted.items():
            found[name] = found.get(name, 0) + len(wanted)
    return {name: round(n * len(usable) / len(chosen)) for name, n in found.items()}


def film_seconds(model: Classifier, plan: Plan, *, depth: Depth, allow_truncated: bool) -> float:
    """Give the seconds that a film model takes for one box of the first film that can be read; NaN where none can."""
    for index, fault in enumerate(plan.headers.faults):
        if fault or not plan.n_rows(index):
            continue
        asked = _questions([model], plan, index)
        try:
            film = read_film(asked.case.image, depth=depth, allow_truncated=allow_truncated)
        except FilmError:
            continue
        boxes = asked.boxes(model.name)
        guarded(model.runner.logits, asked.case, film.pixels, boxes[:1])
        begun = time.perf_counter()
        guarded(model.runner.logits, asked.case, film.pixels, boxes)
        return (time.perf_counter() - begun) / len(boxes)
    return float("nan")


def _questions(models: Sequence[Classifier], plan: Plan, index: int) -> Questions:
    boxes = plan.boxes([index])[0, : plan.n_rows(index)]
    width, height = plan.headers.size[index].tolist()
    return Questions.of(models, plan.case(index), boxes, film=(width, height), rules=plan.rules)
