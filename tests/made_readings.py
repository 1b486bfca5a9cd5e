"""Readings of made-up readers, who see the truth through noise; aided they lean on the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd


def made_readings(
    cases: pd.DataFrame,
    *,
    readers: int = 2,
    gain: float = 12.0,
    seed: int = 0,
    arms: tuple[str, str] = ("unaided", "aided"),
) -> pd.DataFrame:
    """Give readings of every case in both arms, 40 days apart.

    Args:
        cases: ``case_id``, ``positive``, ``above`` (what the model says).
        readers: How many.
        gain: How far a reader's rating moves towards the model's answer.
        seed: Of the noise.
        arms: Their names.
    """
    random = np.random.default_rng(seed)
    rows = []
    for r in range(readers):
        eye = random.normal(0, 12, len(cases)) + np.where(cases["positive"], 58, 38)
        for k, arm in enumerate(arms):
            lean = k * gain * np.where(cases["above"], 1, -1)
            score = np.clip(np.rint(eye + random.normal(0, 10, len(cases)) + lean), 0, 100).astype(int)
            begun = pd.Timestamp("2026-03-02T09:00:00Z") + pd.Timedelta(days=40 * k)
            told = {
                "reader_id": f"reader-{r + 1}",
                "arm": arm,
                "case_id": cases["case_id"].to_numpy(),
                "score": score,
                "read_at": [(begun + pd.Timedelta(minutes=i)).isoformat() for i in range(len(cases))],
                "seconds": np.round(random.gamma(6, 5, len(cases)) + 4 * k, 1),
            }
            rows.append(pd.DataFrame(told))
    return pd.concat(rows, ignore_index=True)


def write_readings(file: Path, readings: pd.DataFrame) -> Path:
    """Write them as CSV."""
    readings.to_csv(file, index=False)
    return file
