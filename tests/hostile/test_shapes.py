"""Cohorts of every shape: one class, one patient, no development rows, models that fail; each command has an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories import Answers, cohort, redrawn, scores_of, write_run

Typed = Callable[..., tuple[str, str]]
Draw = np.random.Generator

FACTS = ("age_years", "sex", "centre", "site", "view", "subtype", "lesion_id", "spacing_mm", "film_width_px")
NAMES = ("NA", "nan", "a * b", "<1", "x=y", "", "None")

COHORTS: tuple[Callable[[pd.DataFrame, Draw], pd.DataFrame], ...] = (
    lambda c, _: c,
    lambda c, _: c[c["label"] == "benign"],
    lambda c, _: c[c["label"] != "benign"],
    lambda c, _: c[(c["cohort"] == "internal") | (c["label"] == "benign")],
    lambda c, _: c[(c["split"] != "val") | (c["label"] == "benign")],
    lambda c, _: c[c["split"] != "val"],
    lambda c, _: c.assign(split=np.where(c["cohort"] == "internal", "val", "")),
    lambda c, _: c.assign(split=""),
    lambda c, _: c.assign(patient_id="p"),
    lambda c, _: c.assign(subtype="x"),
    lambda c, _: c.assign(x0=10.0, y0=10.0, x1=60.0, y1=60.0),
    lambda c, _: c.assign(age_years=np.nan),
    lambda c, _: c.assign(spacing_mm=np.nan),
    lambda c, d: c.drop(columns=[f for f in FACTS if f in c and d.random() < 0.5]),
    lambda c, d: c.assign(cohort=d.choice(["a", "b", "internal", ""], len(c)), split=""),
    lambda c, d: c.assign(subtype=d.choice(NAMES, len(c))),
)

MODELS: tuple[Callable[[Answers, pd.DataFrame, Draw], Answers], ...] = (
    lambda a, c, d: a,
    lambda a, c, d: _each(a, lambda v: np.full_like(v, 0.5)),
    lambda a, c, d: _each(a, lambda v: (v > 0.5).astype(np.float64)),
    lambda a, c, d: _each(a, lambda v: v.round(1)),
    lambda a, c, d: _failed(a, d.random(len(c)) < 0.3),
    lambda a, c, d: _failed(a, np.ones(len(c), dtype=bool)),
    lambda a, c, d: _failed(a, (c["label"] == "benign").to_numpy()),
)

WISHES: Mapping[str, tuple[tuple[object, ...], ...]] = {
    "stratify": ((), ("--by", "subtype*site"), ("--unit", "patient"), ("--unit", "lesion"), ("--by", "size_mm:q4"),
                 ("--prevalence", 0.1), ("--operating-point", "sensitivity=0.9"), ("--threshold", 0.5)),
    "curves": ((),),
    "report": ((),),
    "compare": ((), ("--by", "subtype"), ("--by", "site"), ("--auc", "bootstrap")),
    "slices": ((),),
    "drift": ((),),
    "gate": (("auc > 0.5",), ("flip_rate{shift=0.1} < 0.2",), ("sensitivity{subtype=*} > 0.1",),
             ("diff.auc{model_a=m0,model_b=m1} > -0.1",), ("sensitivity{size=small} > 0.2",)),
}  # fmt: skip
DRAWS = ("stratify", "compare", "slices", "drift")


def _each(a: Answers, change: Callable[[np.ndarray], np.ndarray]) -> Answers:
    return Answers(change(a.nominal), {k: change(v) for k, v in a.perturbed.items()})


def _failed(a: Answers, gone: np.ndarray) -> Answers:
    moved = {k: np.where(gone[:, None], np.nan, v) for k, v in a.perturbed.items()}
    return Answers(np.where(gone, np.nan, a.nominal), moved)


def _write(path: Path, draw: Draw) -> None:
    """Write a run of a cohort and of models that are drawn."""
    cases = pd.DataFrame()
    while cases.empty:
        cases = cohort(
            int(draw.choice([1, 2, 4, 6, 12, 40])), int(draw.choice([0, 1, 3, 5, 20])), seed=int(draw.integers(99))
        )
        for _ in range(draw.integers(1, 4)):
            cases = COHORTS[draw.integers(len(COHORTS))](cases, draw)
    cases = cases.reset_index(drop=True)
    levels = ((), (("shift", 0.1),), (("shift", 0.05), ("shift", 0.1), ("scale", 0.1)))[draw.integers(3)]
    repeats = int(draw.choice([1, 2, 3, 12]))
    answers = {}
    for i in range(draw.integers(1, 4)):
        nominal = scores_of(cases, seed=int(draw.integers(2)))
        own = Answers(nominal, {level: redrawn(cases, nominal, repeats=repeats) for level in levels})
        answers[f"m{i}"] = MODELS[draw.integers(len(MODELS))](own, cases, draw)
    write_run(path, cases, answers, repeats=repeats)


def _try(run: Path, draw: Draw, typed: Typed) -> None:
    _write(run, draw)
    for command, wishes in WISHES.items():
        wish = wishes[draw.integers(len(wishes))]
        typed("runs: cohorts of every shape", command, run, *wish, *(("--draws", 100) if command in DRAWS else ()))


@pytest.mark.parametrize("seed", range(20))
def test_every_command_has_an_answer(tmp_path: Path, typed: Typed, seed: int) -> None:
    _try(tmp_path / "run", np.random.default_rng(seed), typed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_every_command_has_an_answer_often(tmp_path: Path, typed: Typed, seed: int) -> None:
    draw = np.random.default_rng(1000 + seed)
    for i in range(12):
        _try(tmp_path / f"run-{i}", draw, typed)
