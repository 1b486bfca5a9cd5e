"""Do heatmaps change when a network was trained on labels that mean nothing? On the phantom (simulated films) alone.

    python benchmarks/randomised_labels.py --json build/randomised_labels.json --page docs/heatmaps.md

Three small networks from scratch on the same films: two with the phantom's labels and other seeds, one with the labels of
training and validation cases dealt out anew among them. Then their Grad-CAMs on the same test boxes: share inside the box,
and how alike the maps of two networks are. Source of the check: Adebayo et al., NeurIPS 2018.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.stratify import stratify
from robustkit.api.train import train
from robustkit.atomic import write_text
from robustkit.phantom.store import write_phantom
from robustkit.results.folder import RunFolder
from robustkit.results.heatmaps import HeatmapFolder, grid
from robustkit.stats.bootstrap import clustered_mean, patient_draws
from robustkit.stats.maps import likeness, resampled

ARCH, SIDE, LAYER, MARGIN, EPOCHS = "resnet10t", 96, "layer3", 0.5, 30
NETWORKS = {"labels, seed 0": 0, "labels, seed 1": 1, "labels dealt out anew": 2}
BEGIN, END = "<!-- randomised labels -->", "<!-- end of randomised labels -->"
UNIT = np.array([0.0, 0.0, 1.0, 1.0])


def main() -> None:
    """Train, perturb, map, compare; write JSON and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="build/randomised_labels.json")
    parser.add_argument("--page", default="")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = measure(Path(name))
    write_text(Path(wish.json), json.dumps(found, indent=1) + "\n")
    if wish.page:
        page = Path(wish.page)
        before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        write_text(page, f"{before}{BEGIN}\n{table(found)}{END}{rest.partition(END)[2]}")


def measure(folder: Path) -> dict[str, object]:
    """Give shares of every network and the likeness of each pair."""
    write_phantom(folder)
    cases = pd.read_csv(folder / "manifest.csv")
    random = cases.copy()
    for split in ("train", "val"):
        own = random["split"] == split
        random.loc[own, "label"] = np.random.default_rng(0).permutation(random.loc[own, "label"])
    random.to_csv(folder / "random.csv", index=False)
    checkpoints = {}
    for name, seed in NETWORKS.items():
        manifest = folder / ("random.csv" if seed == 2 else "manifest.csv")
        checkpoints[name] = folder / f"net{seed}.pt"
        train(
            manifest=[manifest], output=checkpoints[name], arch=ARCH, input_size=SIDE, margin=MARGIN, epochs=EPOCHS,
            patience=EPOCHS, seed=seed,
        )  # fmt: skip
    run = folder / "run"
    perturb(
        model=[f"{n}={c}" for n, c in checkpoints.items()], manifest=[folder / "manifest.csv"], shifts=["0.1"], repeats=5,
        splits=["test"], out=run, backend="eager", command=["benchmarks/randomised_labels.py"],
    )  # fmt: skip
    stratify(run=run, draws=500)
    heatmaps(run=run, layer=LAYER, repeats=2, draws=2000, check_cases=0)
    return {"shares": _shares(run), "auc": _aucs(run), "alike": _alike(run)}


def _shares(run: Path) -> dict[str, dict[str, float]]:
    table = RunFolder(run).table("heatmap_measures")
    rows = table[(table["by"] == "all") & (table["measure"] == "inside") & (table["cohort"] == table["cohort"].iloc[0])]
    return {
        r["model"]: {k: r[k] for k in ("value", "low", "high", "uniform", "n_cases")} for r in rows.to_dict("records")
    }


def _aucs(run: Path) -> dict[str, dict[str, float]]:
    table = RunFolder(run).table("strata")
    rows = table[(table["by"] == "all") & (table["metric"] == "auc") & (table["perturbation"] == "nominal")]
    first = rows[rows["cohort"] == table["cohort"].iloc[0]]
    return {r["model"]: {k: r[k] for k in ("value", "low", "high")} for r in first.to_dict("records")}


def _alike(run: Path) -> dict[str, dict[str, float]]:
    """Correlation of the maps of two networks on the same boxes, with an interval by patient."""
    folder, names = HeatmapFolder.of(run, "grad_cam"), list(NETWORKS)
    maps = [
        {r["case_id"]: grid(r) for p in folder.parts(i, nominal=True) for r in p.to_dict("records")}
        for i in range(len(names))
    ]
    facts = RunFolder(run).cases().set_index("case_id")
    found = {}
    for a, b in ((0, 1), (0, 2), (1, 2)):
        ids = sorted(set(maps[a]) & set(maps[b]))
        alike = [
            likeness(*(resampled(maps[k][c], UNIT, UNIT, n=32) for k in (a, b))).correlation
            if maps[a][c].size
            else np.nan
            for c in ids
        ]
        values = np.array(alike)
        known = np.isfinite(values)
        patients = pd.factorize(facts.loc[ids, "patient_id"])[0]
        draws = patient_draws(np.zeros(patients.max() + 1, dtype=np.intp), draws=2000, seed=0, purpose="alike")
        e = clustered_mean(values[known], patients[known].astype(np.intp), draws)
        found[f"{names[a]} | {names[b]}"] = {"value": e.value, "low": e.low, "high": e.high, "n_cases": e.n_cases}
    return found


def table(found: dict[str, object]) -> str:
    """Give both tables of the page."""
    shares, aucs, alike = found["shares"], found["auc"], found["alike"]
    lines = [
        f"{ARCH} at {SIDE} px from scratch, Grad-CAM of {LAYER}, margin {MARGIN:g}; simulated films, test cases of all cohorts.",
        "",
        "| network trained on | AUC (95 %) | share of the map in the box (95 %) | uniform map |",
        "| --- | --- | --- | --- |",
    ]
    for name in NETWORKS:
        s, a = shares[name], aucs[name]  # type: ignore[index]
        lines.append(
            f"| {name} | {a['value']:.3f} ({a['low']:.3f} to {a['high']:.3f}) | {s['value']:.3f} ({s['low']:.3f} to {s['high']:.3f}) "
            f"| {s['uniform']:.3f} |"
        )
    lines += ["", "| two networks | correlation of their maps (95 %) | cases |", "| --- | --- | --- |"]
    for pair, r in alike.items():  # type: ignore[attr-defined]
        first, second = pair.split(" | ")
        lines.append(f"| {first}; {second} | {r['value']:.3f} ({r['low']:.3f} to {r['high']:.3f}) | {r['n_cases']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
