"""The tables of a study, made by hand: values that can be told apart, no statistics."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from robustkit.results.schema import (
    STUDY_ARMS_COLUMNS,
    STUDY_COHORTS_COLUMNS,
    STUDY_CROSSWALK_COLUMNS,
    STUDY_LIMITATIONS_COLUMNS,
    STUDY_SEEDS_COLUMNS,
    STUDY_TRAINING_COLUMNS,
)

from made_rows import HOSTILE, NAN, made_row


def study_tables(models: Sequence[str], cohorts: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Give all of them; the first model is the reference, the last was published at 0.71 (0.68 to 0.74)."""
    return {
        "study_arms": study_arms(models, cohorts),
        "study_cohorts": study_cohorts(cohorts),
        "study_seeds": study_seeds(models, cohorts),
        "study_training": study_training(models),
        "study_limitations": pd.DataFrame(
            [{"kind": "spacing", "cohort": cohorts[-1], "sentence": f"Spacing is unknown: {HOSTILE}"}],
            columns=list(STUDY_LIMITATIONS_COLUMNS),
        ),
        "study_crosswalk": pd.DataFrame(
            [["CLAIM 2024", "30", "robustness", "curves", True], ["CLAIM 2024", "31", "explaining answers", "", False]],
            columns=list(STUDY_CROSSWALK_COLUMNS),
        ),
    }


def study_arms(models: Sequence[str], cohorts: Sequence[str]) -> pd.DataFrame:
    """Give study_arms.csv: the k-th row has 0.7 + k / 100; differences to the first arm are 0.05 times the place."""
    rows = []
    for i, m in enumerate(models):
        for k, c in enumerate(cohorts):
            value, published = 0.7 + (len(cohorts) * i + k) / 100, 0.71 if i == len(models) - 1 else NAN
            rows.append(
                made_row(
                    STUDY_ARMS_COLUMNS, model=m, kind="network, stand-in weights", weights="stand-in:1", val_auc=0.8 + i / 100,
                    is_reference=i == 0, cohort=c, split="test", metric="auc", value=value, low=value - 0.03, high=value + 0.03,
                    n_cases=20, n_patients=12, n_positive=9, diff=NAN if i == 0 else 0.05 * i, diff_low=0.05 * i - 0.02,
                    diff_high=0.05 * i + 0.02, p=0.03, p_adjusted=NAN if i == 0 else 0.04, published=published,
                    published_low=published - 0.03, published_high=published + 0.03, source="a paper" if i else "",
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(STUDY_ARMS_COLUMNS))


def study_cohorts(cohorts: Sequence[str]) -> pd.DataFrame:
    """Give study_cohorts.csv: 40 cases a cohort, three quarters women, ages 31.5 (12.25)."""
    rows = []
    for c in cohorts:
        fixed = {"cohort": c, "split": "all", "n_missing": 0.0}
        rows += [
            made_row(STUDY_COHORTS_COLUMNS, fact="cases", category="", n=40.0, **fixed),
            made_row(STUDY_COHORTS_COLUMNS, fact="sex", category="F", n=30.0, of=40.0, share=0.75, **fixed),
            made_row(STUDY_COHORTS_COLUMNS, fact="sex", category=HOSTILE, n=10.0, of=40.0, share=0.25, **fixed),
            made_row(
                STUDY_COHORTS_COLUMNS, fact="age_years", category="", n=40.0, of=40.0, unit="years", mean=31.5, sd=12.25, **fixed
            ),
        ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(STUDY_COHORTS_COLUMNS))


def study_seeds(models: Sequence[str], cohorts: Sequence[str]) -> pd.DataFrame:
    """Give study_seeds.csv: means of three seeds, and the difference of the first two arms."""
    rows = []
    for c in cohorts:
        rows += [
            made_row(
                STUDY_SEEDS_COLUMNS, analysis="mean", arm=m, arm_b="", cohort=c, metric="auc", n_seeds=3, value=0.72, low=0.6,
                high=0.82, sd_seeds=0.02, least=0.7, most=0.74, n_cases=20, n_patients=12,
            )
            for m in models
        ]  # fmt: skip
        if len(models) > 1:
            rows.append(
                made_row(
                    STUDY_SEEDS_COLUMNS, analysis="difference", arm=models[0], arm_b=models[1], cohort=c, metric="auc", n_seeds=3,
                    value=0.06, low=-0.01, high=0.13, p=0.08, p_adjusted=0.08, n_cases=20, n_patients=12,
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(STUDY_SEEDS_COLUMNS))


def study_training(models: Sequence[str]) -> pd.DataFrame:
    """Give study_training.csv: two trainings of every arm, the second judged."""
    rows = [
        made_row(
            STUDY_TRAINING_COLUMNS, arm=m, seed=s, arch="resnet10t", weights="stand-in:1", epochs=12, best_epoch=7, val_auc=0.8,
            threshold=0.4, n_train=30, n_val=10, is_chosen=s == 2, seconds=12.0, sha256="ab",
        )
        for m in models for s in (1, 2)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(STUDY_TRAINING_COLUMNS))
