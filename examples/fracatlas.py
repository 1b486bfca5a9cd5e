"""FracAtlas from films to page: a small network, and models without one, under two kinds of control boxes.

    python examples/fracatlas.py ../shared/data/fracatlas

Runs the commands of robustkit one after another, for control boxes that are matched to the fractures and for such that
are merely placed: a network, a radiomics model, a model of facts alone and a combined one on the same split. Compares the
network with a model that sees no pixel but through six numbers, too, and writes ``docs/fracatlas.md`` with its charts. Films
stay where they lie; no crop of one is written. A step that is done is not done again: remove ``--work`` to begin anew.
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from fracatlas_page import NETWORK, Answers, Kind, Machine, Step, write_page
from robustkit.baselines.summaries import fit_predict, summarise
from robustkit.stats.auc import clustered_auc, paired_auc_difference

KINDS = ("matched", "placed")
SHIFTS = "0.05,0.1,0.2"
CASE_FACTS = "site,view,hardware,size"
"""What FracAtlas knows of a case; it names neither age nor sex."""
PARTIAL = 3
"""Exit code of a run that finished with failed cases: some films of FracAtlas are truncated."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line of this script said."""

    source: Path
    work: Path
    page: Path
    arch: str
    size: int
    epochs: int
    margin: float
    repeats: int
    seed: int


def main() -> None:
    """Run everything and write the page."""
    choice = _parse()
    kinds = tuple(_kind(choice, name) for name in KINDS)
    record = json.loads((kinds[0].run / "run.json").read_text(encoding="utf-8"))
    machine = Machine(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        processor=_processor(),
        packages=record["packages"],
        command=" ".join(["python", *(shlex.quote(a) for a in sys.argv)]),
        minutes=sum(step.seconds for k in kinds for step in k.steps) / 60,
    )
    print(write_page(choice.page, kinds, machine))


def _parse() -> Choice:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="the unpacked FracAtlas: dataset.csv, images/, Annotations/")
    parser.add_argument("--work", type=Path, default=Path("build/fracatlas"), help="manifests, checkpoints, runs")
    parser.add_argument("--page", type=Path, default=Path("docs/fracatlas.md"))
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--size", type=int, default=64, help="side of the network's input in px")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--margin", type=float, default=1.0, help="in box sides: most boxes are about 22 px")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    return Choice(**vars(parser.parse_args()))


def _kind(choice: Choice, name: str) -> Kind:
    folder = choice.work / name
    folder.mkdir(parents=True, exist_ok=True)
    manifest, network, run = folder / "cases.csv", folder / "network.pt", folder / "run"
    seed = ["--seed", str(choice.seed)]
    imported = _step(
        folder, "import", "fracatlas", str(choice.source), "-o", str(manifest), "--controls", name, "--json", *seed
    )
    _blocks_as_patients(manifest)
    trained = _step(
        folder, "train", "--manifest", str(manifest), "--positive", "fractured", "--arch", choice.arch, "--input-size",
        str(choice.size), "--margin", str(choice.margin), "--epochs", str(choice.epochs), "-o", str(network), "--json", *seed,
    )  # fmt: skip
    fitted = {n: folder / f"{n}.json" for n in ("radiomics", "facts", "combined")}
    shared = ["--manifest", str(manifest), "--positive", "fractured", "--json", *seed]
    baselines = (
        _step(folder, "baseline", "radiomics", "-o", str(fitted["radiomics"]), *shared),
        _step(folder, "baseline", "clinical", "--facts", CASE_FACTS, "-o", str(fitted["facts"]), *shared),
        _step(
            folder, "baseline", "combined", "--model", str(network), "--facts", CASE_FACTS, "-o", str(fitted["combined"]), *shared,
        ),
    )  # fmt: skip
    models = [x for n, file in {"network": network, **fitted}.items() for x in ("--model", f"{n}={file}")]
    perturbed = _step(
        folder, "perturb", *models, "--manifest", str(manifest), "--shifts", SHIFTS, "--repeats", str(choice.repeats), "--out",
        str(run), "--json", *seed,
    )  # fmt: skip
    stratified = _step(folder, "stratify", str(run), "--json")
    reported = _step(folder, "report", str(run), "--json")
    steps = (imported, trained, *baselines, perturbed, stratified, reported)
    return Kind(name, run, imported.said, trained.said, steps, _compare(manifest, run))


def _step(folder: Path, *arguments: str) -> Step:
    """Run one command, unless ``folder`` remembers that it ran, and keep what it said and its seconds."""
    command = shlex.join(["robustkit", *arguments])
    words = arguments[:2] if arguments[0] == "baseline" else arguments[:1]
    memory = folder / "steps" / f"{'-'.join(words)}.json"
    memory.parent.mkdir(exist_ok=True)
    kept = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
    if kept.get("command") == command:
        return Step(command, kept["seconds"], kept["said"])
    print(command, flush=True)
    begun = time.perf_counter()
    program = str(Path(sys.executable).with_name("robustkit"))
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, PARTIAL):
        sys.exit(done.returncode)
    step = Step(command, time.perf_counter() - begun, json.loads(done.stdout))
    kept = {"command": command, "seconds": step.seconds, "said": step.said}
    memory.write_text(json.dumps(kept), encoding="utf-8")
    return step


def _blocks_as_patients(manifest: Path) -> None:
    """Let a block of 20 consecutive films count as one patient: neighbours often are, and nobody knows which."""
    cases = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    cases.assign(patient_id=cases["block"]).to_csv(manifest, index=False)


def _compare(manifest: Path, run: Path) -> Answers:
    """Judge the network's nominal scores and the model without a network on the same held-out cases."""
    cases = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    roots = cases["image_root"] if "image_root" in cases else pd.Series("", index=cases.index)
    paths = [manifest.parent / r / i for r, i in zip(roots, cases["image"], strict=True)]
    seen = summarise(cases, paths, workers=2)
    cases = cases.iloc[seen.rows].reset_index(drop=True)
    fractured = (cases["label"] == "fractured").to_numpy()
    judged = (cases["split"] == "test").to_numpy()
    plain = fit_predict(seen, fractured, train=(cases["split"] == "train").to_numpy(), judged=judged)
    rows = pd.concat([pd.read_parquet(p) for p in sorted((run / "predictions").glob("*.parquet"))])
    nominal = rows[(rows["perturbation"] == "nominal") & (rows["model"] == NETWORK)].set_index("case_id")["score"]
    scores = nominal.reindex(cases.loc[judged, "case_id"]).to_numpy()
    known = np.isfinite(scores)
    labels = fractured[judged][known]
    patients = pd.factorize(cases.loc[judged, "patient_id"])[0][known]
    network, grey = scores[known][None], plain[known][None]
    return Answers(
        network=clustered_auc(labels, network, patients),
        plain=clustered_auc(labels, grey, patients),
        difference=paired_auc_difference(labels, network, grey, patients=patients),
        lost=int((~known).sum()),
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
