"""Simulated readers of simulated films: they see the truth through noise, and lean on the model where it is shown.

They exist so that a reader study can be run from end to end; nothing follows from them about radiologists.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.seeds import generator

ARMS = ("unaided", "aided")
WASHOUT_DAYS = 40
_POSITIVE, _NEGATIVE, _EYE_SD, _MOOD_SD, _LEAN = 58.0, 38.0, 14.0, 10.0, 12.0
_BEGUN = "2026-03-02T09:00:00Z"


def simulated_readings(
    case_ids: list[str], positive: NDArray[np.bool_], above: NDArray[np.bool_], *, readers: int, seed: int
) -> pd.DataFrame:
    """Give readings of every case by every reader, unaided and, 40 days later, aided.

    Args:
        case_ids: N names.
        positive: ``(N,)`` truth.
        above: ``(N,)`` whether the model's score is at or above the carried threshold.
        readers: How many.
        seed: Of their noise.

    Returns:
        Columns ``reader_id, arm, case_id, score`` (0-100), ``read_at, seconds``.
    """
    parts = []
    for k in range(readers):
        random = generator(seed, "simulated reader", k)
        eye = random.normal(0, _EYE_SD, len(case_ids)) + np.where(positive, _POSITIVE, _NEGATIVE)
        for i, arm in enumerate(ARMS):
            lean = i * _LEAN * np.where(above, 1.0, -1.0)
            rating = np.clip(np.rint(eye + random.normal(0, _MOOD_SD, len(case_ids)) + lean), 0, 100)
            begun = pd.Timestamp(_BEGUN) + pd.Timedelta(days=WASHOUT_DAYS * i)
            parts.append(
                pd.DataFrame(
                    {
                        "reader_id": f"simulated-{k + 1}",
                        "arm": arm,
                        "case_id": case_ids,
                        "score": rating.astype(int),
                        "read_at": [(begun + pd.Timedelta(minutes=m)).isoformat() for m in range(len(case_ids))],
                        "seconds": np.round(random.gamma(6, 5, len(case_ids)), 1),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)
