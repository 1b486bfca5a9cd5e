"""Cohorts and run folders made by hand: no engine, no model, only what the contract of a run folder asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from robustkit.results.folder import RunFolder

Floats = NDArray[np.float64]
BOX = ["x0", "y0", "x1", "y1"]
FILM_PX = (400, 500)

BENIGN = ("osteochondroma", "enchondroma", "non-ossifying fibroma")
MALIGNANT = ("osteosarcoma", "chondrosarcoma")
INTERMEDIATE = ("giant cell tumour",)
SITES = ("femur", "tibia", "pelvis", "spine")


@dataclass(frozen=True, slots=True)
class Answers:
    """One model's scores.

    Attributes:
        nominal: ``(n,)`` in the order of the cases; NaN: the case failed.
        perturbed: ``(n, R)`` by kind and level, in the run's order; rows of split=val are not written.
    """

    nominal: Floats
    perturbed: Mapping[tuple[str, float], Floats] = field(default_factory=dict)


def cohort(n_internal: int = 60, n_external: int = 40, *, seed: int = 0, train: bool = False) -> pd.DataFrame:
    """Give cases of patients with one to three lesions; internal ones with splits, external ones without.

    Every fact is drawn by itself; 3 of 6 subtypes are benign. Internal patients: a third val (and a third train
    where asked), the rest test.
    """
    rng = np.random.default_rng(seed)
    splits = ("test", "val", "train") if train else ("test", "val")
    rows = []
    for i in range(n_internal + n_external):
        internal = i < n_internal
        own = {
            "patient_id": f"p{i:03d}", "cohort": "internal" if internal else "external",
            "split": splits[i % len(splits)] if internal else "", "centre": "A" if internal else "BC"[i % 2],
            "sex": "FM"[rng.integers(2)], "age_years": float(rng.integers(5, 80)),
        }  # fmt: skip
        for k in range(rng.integers(1, 4)):
            positive = bool(rng.integers(2))
            names = (*MALIGNANT, *INTERMEDIATE) if positive else BENIGN
            rows.append({**own, **_lesion(rng, f"p{i:03d}-{k}", names, positive=positive)})
    return pd.DataFrame(rows)


def _lesion(rng: np.random.Generator, case_id: str, names: tuple[str, ...], *, positive: bool) -> dict[str, Any]:
    x, y, w, h = (float(v) for v in rng.integers([10, 10, 30, 30], [150, 150, 200, 200]))
    return {
        "case_id": case_id, "image": f"films/{case_id}.png", "x0": x, "y0": y, "x1": x + w, "y1": y + h,
        "label": "non-benign" if positive else "benign", "lesion_id": case_id, "subtype": str(rng.choice(names)),
        "site": str(rng.choice(SITES)), "view": "frontal", "spacing_mm": 0.4,
        "film_width_px": float(FILM_PX[0]), "film_height_px": float(FILM_PX[1]),
    }  # fmt: skip


def plain_cases(**columns: Any) -> pd.DataFrame:
    """Give cases ``c00, c01, ...`` with boxes of 100 x 50 px; every column given is set, the first gives n."""
    n = len(next(iter(columns.values())))
    names = [f"c{i:02d}" for i in range(n)]
    base = {"case_id": names, "image": [f"{c}.png" for c in names], "x0": 10.0, "y0": 20.0, "x1": 110.0, "y1": 70.0}
    return pd.DataFrame({**base, **columns})


def scores_of(cases: pd.DataFrame, *, seed: int = 0, signal: float = 1.5, bias: float = 0.0) -> Floats:
    """Give ``(n,)`` scores of a model that knows something: sigmoid of a noisy sign of the label, by case_id."""
    sign = np.where(cases["label"] == "non-benign", 1.0, -1.0)
    return np.asarray(1 / (1 + np.exp(-(bias + signal * sign / 2 + _noise(cases, f"{seed}")))))


def redrawn(cases: pd.DataFrame, nominal: Floats, *, repeats: int = 12, sd: float = 0.3, seed: int = 0) -> Floats:
    """Give ``(n, R)`` scores whose logits scatter about the nominal one."""
    noise = np.stack([_noise(cases, f"{seed}/{r}") for r in range(repeats)], axis=1)
    z = np.log(nominal / (1 - nominal))[:, None] + sd * noise
    return np.asarray(1 / (1 + np.exp(-z)))


def _noise(cases: pd.DataFrame, purpose: str) -> Floats:
    """Give one normal number per case that depends on its name alone."""
    seeds = [list(f"{purpose}/{c}".encode()) for c in cases["case_id"]]
    return np.array([np.random.default_rng(s).standard_normal() for s in seeds])


def moved_boxes(cases: pd.DataFrame, level: float, repeats: int) -> Floats:
    """Give ``(n, R, 4)`` boxes moved along x in equal steps from -level to level box widths."""
    boxes = cases[BOX].to_numpy(dtype=np.float64)
    dx = np.linspace(-level, level, repeats)[None, :] * (boxes[:, 2] - boxes[:, 0])[:, None]
    moved = np.repeat(boxes[:, None], repeats, axis=1)
    moved[..., 0] += dx
    moved[..., 2] += dx
    return moved


def write_run(
    path: Path,
    cases: pd.DataFrame,
    answers: Mapping[str, Answers],
    *,
    boxes: Mapping[tuple[str, float], Floats] | None = None,
    **record: Any,
) -> RunFolder:
    """Write a complete run folder.

    Args:
        path: The folder; made here.
        cases: Goes to cases.parquet as it is.
        answers: By model; all have the same conditions.
        boxes: ``(n, R, 4)`` by condition; default ``moved_boxes``.
        record: Fields of run.json that differ from the usual ones.
    """
    conditions = list(next(iter(answers.values())).perturbed)
    kinds = dict.fromkeys(k for k, _ in conditions)
    base = {
        "format": 1, "status": "complete", "seed": 0, "repeats": 12,
        "perturbations": [{"kind": k, "levels": [v for q, v in conditions if q == k], "units": "side"} for k in kinds],
        "models": [{"name": m, "classes": ["benign", "non-benign"], "positive": ["non-benign"]} for m in answers],
    }  # fmt: skip
    (path / "predictions").mkdir(parents=True)
    cases.to_parquet(path / "cases.parquet", index=False)
    for i, (name, own) in enumerate(answers.items()):
        _predictions(cases, name, own, boxes or {}).to_parquet(path / "predictions" / f"part-{i}.parquet", index=False)
    (path / "run.json").write_text(json.dumps({**base, **record}, indent=1) + "\n", encoding="utf-8")
    return RunFolder(path)


def _predictions(
    cases: pd.DataFrame, model: str, answers: Answers, boxes: Mapping[tuple[str, float], Floats]
) -> pd.DataFrame:
    parts = [_rows(cases, "nominal", 0.0, answers.nominal[:, None], cases[BOX].to_numpy(dtype=np.float64)[:, None])]
    is_val = cases["split"].eq("val").to_numpy() if "split" in cases else np.zeros(len(cases), dtype=bool)
    for (kind, level), scores in answers.perturbed.items():
        moved = boxes.get((kind, level), moved_boxes(cases, level, scores.shape[1]))
        parts.append(_rows(cases[~is_val], kind, level, scores[~is_val], moved[~is_val]))
    return pd.concat(parts, ignore_index=True).assign(model=model)


def _rows(cases: pd.DataFrame, kind: str, level: float, scores: Floats, boxes: Floats) -> pd.DataFrame:
    n, repeats = scores.shape
    flat = scores.reshape(-1)
    with np.errstate(divide="ignore"):
        logits = np.log(flat / (1 - flat)).astype(np.float32)
    ok = np.isfinite(flat)
    return pd.DataFrame({
        "case_id": np.repeat(cases["case_id"].to_numpy(), repeats), "perturbation": kind, "level": level,
        "repeat": np.tile(np.arange(repeats), n), **dict(zip(BOX, boxes.reshape(-1, 4).T, strict=True)), "score": flat,
        "logits": [[v] for v in logits], "status": np.where(ok, "ok", "failed"),
        "reason": np.where(ok, "", "the film is missing"),
    })  # fmt: skip
