"""Variance of a case's mean score over 50 repeats: random draws over Sobol points.

    python benchmarks/sobol.py --json build/sobol.json

Networks trained on the phantom (simulated) judge phantom lesions on films enlarged so that every box has more than
200 px; snap none. The variance is over seeds, the median over cases. What Sobol points gain depends on how smoothly a
network's score follows the box, so that two are shown: a ResNet trained with box jitter, and a small network without.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from robustkit.api.perturb import perturb
from robustkit.api.train import train
from robustkit.phantom.store import phantom_manifest_path
from robustkit.results.folder import RunFolder

LEVEL = "0.1"
REPEATS = 50
LEAST_PX = 210.0


@dataclass(frozen=True)
class Trained:
    """How a network is made: architecture, side of its input in px, box jitter, epochs."""

    arch: str
    input_size: int
    jitter: float
    epochs: int


NETWORKS = (Trained("resnet18", 128, 0.2, 12), Trained("mobilenetv3_small_050", 96, 0.0, 15))


def main() -> None:
    """Measure and print; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--cases", type=int, default=24)
    wish = parser.parse_args()
    found = []
    for made in NETWORKS:
        found.append({**asdict(made), **_ratio(made, cases=wish.cases, seeds=wish.seeds)})
        print(json.dumps(found[-1]), flush=True)
    if wish.json:
        Path(wish.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


def _ratio(made: Trained, *, cases: int, seeds: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        network = folder / "network.pt"
        train(manifest=[phantom_manifest_path()], output=network, **asdict(made))
        manifest = _enlarged(folder, cases)
        means = {s: _means(folder, manifest, network, sampler=s, seeds=seeds) for s in ("random", "sobol")}
    # a score that rounds to 0 or 1 for every box has no variance to compare
    varies = means["random"].std(axis=0) > 1e-9
    means = {s: m[:, varies] for s, m in means.items()}
    ratios = means["random"].var(axis=0, ddof=1) / means["sobol"].var(axis=0, ddof=1)
    return {
        "ratio": round(float(np.median(ratios)), 1),
        "quartiles": [round(float(q), 1) for q in np.quantile(ratios, [0.25, 0.75])],
        "cases": len(ratios),
        "cases whose score never varies": int((~varies).sum()),
        "seeds": seeds,
        "repeats": REPEATS,
        "level": LEVEL,
        "median sd of a case's mean, random": round(float(np.median(means["random"].std(axis=0, ddof=1))), 6),
        "largest difference of the grand means, in standard errors": _bias(means),
    }


def _enlarged(folder: Path, n: int) -> Path:
    """Write phantom films of test cases, each enlarged until its box has the least side."""
    source = phantom_manifest_path()
    cases = pd.read_csv(source)
    sides = np.minimum(cases["x1"] - cases["x0"], cases["y1"] - cases["y0"])
    boxes = dict.fromkeys(("x0", "y0", "x1", "y1"), "float64")
    chosen = cases[(cases["split"] == "test") & (sides > 40)].head(n).astype(boxes)
    for index, row in chosen.iterrows():
        scale = LEAST_PX / min(row["x1"] - row["x0"], row["y1"] - row["y0"])
        film = Image.open(source.parent / row["image"])
        size = (round(film.width * scale), round(film.height * scale))
        film.resize(size, Image.Resampling.BICUBIC).save(folder / f"{row['case_id']}.png")
        chosen.loc[index, "image"] = f"{row['case_id']}.png"
        for corner, s in (("x0", size[0] / film.width), ("y0", size[1] / film.height)):
            other = corner.replace("0", "1")
            chosen.loc[index, [corner, other]] = [row[corner] * s, row[other] * s]
    chosen.to_csv(folder / "cases.csv", index=False)
    return folder / "cases.csv"


def _means(folder: Path, manifest: Path, network: Path, *, sampler: str, seeds: int) -> np.ndarray:
    """Give ``(seeds, cases)`` mean scores."""
    rows = []
    for seed in range(seeds):
        out = folder / f"{sampler}{seed}"
        perturb(
            model=[str(network)], manifest=[manifest], shifts=[LEVEL], repeats=REPEATS, snap="none", seed=seed,
            sampler=sampler, device="cpu", out=out, allow_seen=True,  # type: ignore[arg-type]
        )  # fmt: skip
        answers = RunFolder(out).predictions(columns=["case_id", "score"], filters=[("perturbation", "==", "shift")])
        rows.append(answers.groupby("case_id")["score"].mean().sort_index().to_numpy())
    return np.array(rows)


def _bias(means: dict[str, np.ndarray]) -> float:
    away = means["random"].mean(axis=0) - means["sobol"].mean(axis=0)
    se = np.sqrt(sum(m.var(axis=0, ddof=1) / len(m) for m in means.values()))
    return round(float(np.abs(away / se).max()), 2)


if __name__ == "__main__":
    main()
