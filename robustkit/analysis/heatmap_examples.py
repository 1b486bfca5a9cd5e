"""Which cases are shown as examples: drawn at random by answer, and those whose score moved most and least."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.heatmap_measures import CORRECT, FALSE_ALARM, MISSED
from robustkit.seeds import generator

MOST_EACH = 6
MOST_STABLE, LEAST_STABLE = "most stable", "least stable"
GROUPS = (CORRECT, MISSED, FALSE_ALARM, MOST_STABLE, LEAST_STABLE)
"""Correct: half of them positive where there are as many."""


@dataclass(frozen=True, slots=True)
class Example:
    """One case of a gallery."""

    group: str
    case_id: str


def examples(
    answers: pd.Series, positive: NDArray[np.bool_], sd: NDArray[np.float64], *, seed: int, most: int = MOST_EACH
) -> list[Example]:
    """Choose examples among cases that have a map; nobody picks them by hand.

    Args:
        answers: ``correct``, ``missed`` or ``false alarm``, by case_id.
        positive: ``(n,)`` truth.
        sd: ``(n,)`` of the logit of the redrawn scores; NaN where there are none.
        seed: Of the draw.
        most: Of each group.
    """
    random = generator(seed, "heatmap examples")
    order = random.permutation(len(answers))
    names = answers.to_numpy(dtype=object)
    chosen: list[Example] = []
    for group in (CORRECT, MISSED, FALSE_ALARM):
        own = [i for i in order if names[i] == group]
        if group == CORRECT:
            first = [i for i in own if positive[i]][: most // 2]
            own = first + [i for i in own if not positive[i]][: most - len(first)]
        chosen += [Example(group, str(answers.index[i])) for i in own[:most]]
    known = np.flatnonzero(np.isfinite(sd))
    ranked = known[np.argsort(sd[known], kind="stable")]
    chosen += [Example(MOST_STABLE, str(answers.index[i])) for i in ranked[:most]]
    chosen += [Example(LEAST_STABLE, str(answers.index[i])) for i in ranked[::-1][:most]]
    return chosen
