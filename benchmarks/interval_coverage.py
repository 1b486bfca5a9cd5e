"""Do 95 % intervals cover 95 %, and do tests reject 5 %? Simulated data sets; goes on where it was stopped.

    python benchmarks/interval_coverage.py --json build/coverage.json --page docs/statistics.md

40, 100 and 400 patients of one to six lesions, correlation within a patient 0, .3, .7, repeats 1, 5, 50; at least 20
patients of each class. Seeds are fixed by cell. Beside each interval stands the naive one that counts rows. Source of the
design and of the band [.93, .97]: the project's own estimands, section 9.
"""

# ruff: noqa: E402  (the number of threads is set before numpy is imported)
from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

# one process per core: threads inside would be in each other's way
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
from robustkit.atomic import write_text
from robustkit.stats.auc import auc_contrast, clustered_auc, paired_auc_difference
from robustkit.stats.bootstrap import PatientDraws, clustered_mean, patient_draws
from robustkit.stats.estimate import Estimate
from robustkit.stats.placements import placements
from robustkit.stats.proportion import clustered_proportion, wilson
from scipy.special import ndtr, ndtri

SIGNAL, NOISE = 1.2, 0.3
LEAST_OF_A_CLASS = 20
P_RIGHT = 0.8
Z = 1.959963984540054


@dataclass(frozen=True)
class Cell:
    """One setting: what is estimated, patients, correlation within a patient, repeats."""

    metric: str
    patients: int
    within: float
    repeats: int


@dataclass(frozen=True)
class Data:
    """One data set: labels, patients, latent nominal scores, redrawn ones ``(R, n)``."""

    labels: np.ndarray
    patients: np.ndarray
    nominal: np.ndarray
    redrawn: np.ndarray


def draw_patients(random: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels and patients of the lesions of ``n`` patients until each class has enough patients."""
    while True:
        patients = np.repeat(np.arange(n), random.integers(1, 7, n))
        labels = random.random(len(patients)) < 0.45
        if min(len(np.unique(patients[k])) for k in (labels, ~labels)) >= min(LEAST_OF_A_CLASS, n // 2):
            return labels, patients


def draw(random: np.random.Generator, cell: Cell) -> Data:
    """Draw the latent scores of one data set."""
    labels, patients = draw_patients(random, cell.patients)
    n = len(labels)
    own = random.standard_normal(cell.patients)[patients]
    nominal = math.sqrt(cell.within) * own + math.sqrt(1 - cell.within) * random.standard_normal(n) + SIGNAL * labels
    return Data(labels, patients, nominal, nominal + NOISE * random.standard_normal((cell.repeats, n)))


def _auc(data: Data, cell: Cell, draws: PatientDraws) -> Estimate:
    return clustered_auc(data.labels, data.redrawn, data.patients)


def _difference(data: Data, cell: Cell, draws: PatientDraws) -> Estimate:
    other = data.nominal + NOISE * np.random.default_rng(len(data.nominal)).standard_normal(data.redrawn.shape)
    d = paired_auc_difference(data.labels, data.redrawn, other, patients=data.patients)
    return Estimate(d.diff, d.low, d.high)


def _lost(data: Data, cell: Cell, draws: PatientDraws) -> Estimate:
    terms = ((1.0, placements(data.labels, data.nominal[None])), (-1.0, placements(data.labels, data.redrawn)))
    d = auc_contrast(data.labels, terms, patients=data.patients)
    return Estimate(d.diff, d.low, d.high)


def _sensitivity(data: Data, cell: Cell, draws: PatientDraws) -> Estimate:
    cut = SIGNAL - ndtri(P_RIGHT) * math.sqrt(1 + NOISE**2)
    share = (data.redrawn[:, data.labels] >= cut).mean(axis=0)
    return clustered_proportion(share, data.patients[data.labels])


def _flips(data: Data, cell: Cell, draws: PatientDraws) -> Estimate:
    negative = ~data.labels
    share = ((data.redrawn[:, negative] >= 0) != (data.nominal[negative] >= 0)).mean(axis=0)
    return clustered_proportion(share, data.patients[negative], cap_by_patients=4.0)


def _rank_sd(data: Data, cell: Cell, draws: PatientDraws) -> Estimate:
    spread = ndtr(data.redrawn - SIGNAL * data.labels).std(axis=0, ddof=1)
    return clustered_mean(spread, data.patients, draws)


def _naive(e: Estimate, data: Data, metric: str) -> tuple[float, float]:
    """Give the interval that takes every row as a patient of its own."""
    n = len(data.labels)
    everyone = np.arange(n)
    if metric in ("sensitivity", "flip_rate"):
        return wilson(e.value, float((data.labels if metric == "sensitivity" else ~data.labels).sum()))
    if metric == "auc":
        alone = clustered_auc(data.labels, data.redrawn, everyone)
        return alone.low, alone.high
    if metric == "rank_sd":
        spread = ndtr(data.redrawn - SIGNAL * data.labels).std(axis=0, ddof=1)
        half = Z * spread.std(ddof=1) / math.sqrt(n)
        return e.value - half, e.value + half
    return float("nan"), float("nan")


METRICS: dict[str, Callable[[Data, Cell, PatientDraws], Estimate]] = {
    "auc": _auc,
    "auc_difference": _difference,
    "auc_lost": _lost,
    "sensitivity": _sensitivity,
    "flip_rate": _flips,
    "rank_sd": _rank_sd,
}


def truth(cell: Cell) -> float:
    """Give the value that the estimates are of."""
    if cell.metric == "auc":
        return float(ndtr(SIGNAL / math.sqrt(2 * (1 + NOISE**2))))
    if cell.metric == "auc_lost":
        return float(ndtr(SIGNAL / math.sqrt(2)) - ndtr(SIGNAL / math.sqrt(2 * (1 + NOISE**2))))
    if cell.metric == "sensitivity":
        return P_RIGHT
    if cell.metric == "flip_rate":
        # two normals of correlation 1 / sqrt(1 + noise^2) have different signs in arccos(rho) / pi
        return math.acos(1 / math.sqrt(1 + NOISE**2)) / math.pi
    if cell.metric == "rank_sd":
        random = np.random.default_rng(1)
        z = random.standard_normal(400_000)
        return float(ndtr(z + NOISE * random.standard_normal((cell.repeats, len(z)))).std(axis=0, ddof=1).mean())
    return 0.0


def cells() -> list[Cell]:
    """Give every setting."""
    found = []
    for metric in METRICS:
        for repeats in (1, 5, 50):
            if repeats == 1 and metric in ("rank_sd", "auc_lost"):
                continue
            found += [Cell(metric, m, within, repeats) for m in (40, 100, 400) for within in (0.0, 0.3, 0.7)]
    return found


def simulate(cell: Cell, sets: int) -> dict[str, object]:
    """Give the coverage of one cell."""
    random = np.random.default_rng(
        [cell.patients, int(10 * cell.within), cell.repeats, sorted(METRICS).index(cell.metric)]
    )
    draws = patient_draws(np.zeros(cell.patients, dtype=np.intp), draws=2000, seed=1, purpose="coverage")
    value = truth(cell)
    hits = naive = undefined = 0
    for _ in range(sets):
        data = draw(random, cell)
        found = METRICS[cell.metric](data, cell, draws)
        if not math.isfinite(found.low):
            undefined += 1
            continue
        hits += found.low <= value <= found.high
        low, high = _naive(found, data, cell.metric)
        naive += low <= value <= high
    known = sets - undefined
    has_naive = cell.metric not in ("auc_difference", "auc_lost")
    return {
        **asdict(cell), "sets": sets, "undefined": undefined, "coverage": hits / known if known else None,
        "naive": naive / known if known and has_naive else None,
    }  # fmt: skip


def holds(coverage: float, sets: int) -> bool:
    """Tell whether the 99 % Monte-Carlo interval about a coverage meets [.93, .97]."""
    margin = 2.576 * math.sqrt(coverage * (1 - coverage) / sets)
    return coverage + margin >= 0.93 and coverage - margin <= 0.97


def main() -> None:
    """Simulate what is not there yet; write JSON after every cell, and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="build/coverage.json")
    parser.add_argument("--page", default="")
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    wish = parser.parse_args()
    file = Path(wish.json)
    done = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    have = {Cell(r["metric"], r["patients"], r["within"], r["repeats"]) for r in done if r["sets"] == wish.sets}
    left = [c for c in cells() if c not in have]
    with ProcessPoolExecutor(wish.workers) as pool:
        for future in as_completed([pool.submit(simulate, c, wish.sets) for c in left]):
            done.append(future.result())
            write_text(file, json.dumps(done, indent=1))
            print(json.dumps(done[-1]), flush=True)
    if wish.page:
        write_text(Path(wish.page), page(Path(wish.page), done))


def page(file: Path, rows: list[dict[str, object]]) -> str:
    """Put the table between the marks of the page, and leave the rest of it as it is."""
    begin, end = "<!-- coverage: begin -->", "<!-- coverage: end -->"
    text = file.read_text(encoding="utf-8") if file.is_file() else f"{begin}\n{end}\n"
    before, after = text.split(begin)[0], text.split(end)[1]
    order = list(METRICS)
    rows = sorted(rows, key=lambda r: (order.index(str(r["metric"])), r["repeats"], r["patients"], r["within"]))  # type: ignore[arg-type,return-value]
    head = ("estimate", "repeats", "patients", "correlation", "coverage", "counts rows", "no interval")
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    missed = 0
    for r in rows:
        coverage, sets = r["coverage"], int(str(r["sets"])) - int(str(r["undefined"]))
        said = "none" if coverage is None else f"{float(str(coverage)):.3f}"
        if coverage is not None and not holds(float(str(coverage)), sets):
            said, missed = f"**{said}**", missed + 1
        naive = "" if r["naive"] is None else f"{float(str(r['naive'])):.3f}"
        share = int(str(r["undefined"])) / int(str(r["sets"]))
        lines.append(
            f"| {r['metric']} | {r['repeats']} | {r['patients']} | {r['within']} | {said} | {naive} | {share:.1%} |"
        )
    said = f"{len(rows)} settings of {rows[0]['sets']} data sets; in bold the {missed} whose 99 % Monte-Carlo interval misses [.93, .97].\n"
    return before + begin + "\n" + said + "\n" + "\n".join(lines) + "\n" + end + after


if __name__ == "__main__":
    main()
