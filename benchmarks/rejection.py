"""Do tests reject 5 % where nothing is to be found? 4,000 simulated data sets for each; goes on where it was stopped.

    python benchmarks/rejection.py --json build/rejection.json --page docs/statistics.md

The design is that of ``interval_coverage.py``: 40, 100 and 400 patients of one to six lesions, correlation within a
patient 0, .3, .7, five repeats, at least 20 patients of each class (half of them where there are 40). Every test is told
nothing: the models err alike, the strata are drawn at random by patient or by case, the two cohorts come from one
population. Seeds are fixed by cell. Judged by whether the 99 % Monte-Carlo interval meets [.04, .06]; an exact test may reject less.
"""

# ruff: noqa: E402  (the number of threads is set before numpy is imported)
from __future__ import annotations

import argparse
import json
import math
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
from interval_coverage import NOISE, P_RIGHT, SIGNAL, draw_patients
from robustkit.atomic import write_text
from robustkit.stats.auc import clustered_auc, equal_aucs, paired_auc_difference
from robustkit.stats.contrast import score_contrast_p, score_heterogeneity_p, two_sample_z
from robustkit.stats.paired_table import mcnemar_p
from robustkit.stats.permutation import sign_flip
from robustkit.stats.placements import placements
from robustkit.stats.proportion import clustered_proportion

REPEATS = 5
PERMUTATIONS = 999
TESTS = {
    "paired AUC difference (clustered DeLong)": "z",
    "equal AUCs of three models (clustered DeLong)": "z",
    "errors of two models (sign flip by patient)": "permutation",
    "changed decisions of two models (sign flip by patient)": "permutation",
    "changed decisions, stratum of patients against the rest (score test)": "z",
    "changed decisions, stratum of cases against the rest (score test)": "z",
    "errors over four strata (score test)": "z",
    "AUC of two cohorts (z)": "z",
    "sensitivity of two cohorts (z)": "z",
    "errors of two models, a lesion per patient (exact McNemar)": "exact",
}
"""Kind: an exact test may reject less than 5 %."""


@dataclass(frozen=True)
class Cell:
    """One setting."""

    patients: int
    within: float


@dataclass(frozen=True)
class Data:
    """One data set: labels and patients ``(n,)``, three exchangeable models' nominal ``(3, n)`` and redrawn ``(3, R, n)``."""

    labels: np.ndarray
    patients: np.ndarray
    nominal: np.ndarray
    redrawn: np.ndarray


def draw(random: np.random.Generator, cell: Cell) -> Data:
    """Draw the latent scores of one data set."""
    labels, patients = draw_patients(random, cell.patients)
    n = len(labels)
    # what a patient, and a lesion, shows is common to the models; each adds its own
    own = random.standard_normal(cell.patients)[patients]
    shown = math.sqrt(cell.within) * own + math.sqrt(1 - cell.within) * random.standard_normal(n) + SIGNAL * labels
    mine = random.standard_normal((3, cell.patients))[:, patients]
    nominal = shown + 0.5 * (
        math.sqrt(cell.within) * mine + math.sqrt(1 - cell.within) * random.standard_normal((3, n))
    )
    redrawn = nominal[:, None] + NOISE * random.standard_normal((3, REPEATS, n))
    return Data(labels, patients, nominal, redrawn)


def p_values(random: np.random.Generator, cell: Cell, i: int) -> dict[str, float]:
    """Give the p of every test on one data set (of two, for cohorts)."""
    d, e = draw(random, cell), draw(random, cell)
    names = list(TESTS)
    cut = SIGNAL / 2
    right = (d.nominal >= cut) == d.labels
    flips = ((d.redrawn >= cut) != (d.nominal >= cut)[:, None]).mean(axis=1)
    by_patient, by_case = random.random(cell.patients) < 0.4, random.random(len(d.labels)) < 0.4
    four = random.integers(0, 4, cell.patients).astype(str).astype(object)[d.patients]
    found = {
        names[0]: paired_auc_difference(d.labels, d.redrawn[0], d.redrawn[1], patients=d.patients).p,
        names[1]: equal_aucs(d.labels, [placements(d.labels, m) for m in d.redrawn], patients=d.patients).p,
        names[2]: _flip(right[0].astype(float) - right[1], d.patients, i, "errors"),
        names[3]: _flip(flips[0] - flips[1], d.patients, i, "flips"),
        names[4]: score_contrast_p(flips[0], d.patients, by_patient[d.patients]),
        names[5]: score_contrast_p(flips[0], d.patients, by_case),
        names[6]: score_heterogeneity_p((~right[0]).astype(float), d.patients, four),
        names[7]: two_sample_z(*(clustered_auc(x.labels, x.redrawn[0], x.patients) for x in (d, e))).p,
        names[8]: two_sample_z(*(_sensitivity(x, cut) for x in (d, e))).p,
    }
    # independent cases: a lesion per patient
    one = random.random((2, cell.patients)) < P_RIGHT
    return {**found, names[9]: mcnemar_p(one[0], one[1])}


def _flip(values: np.ndarray, patients: np.ndarray, i: int, purpose: str) -> float:
    means = np.bincount(patients, weights=values) / np.bincount(patients)
    return sign_flip(means, draws=PERMUTATIONS, seed=i, purpose=purpose)


def _sensitivity(d: Data, cut: float) -> object:
    keep = d.labels
    return clustered_proportion(
        (d.nominal[0] >= cut)[keep].astype(float), np.unique(d.patients[keep], return_inverse=True)[1]
    )


def simulate(cell: Cell, sets: int) -> dict[str, object]:
    """Give the share of data sets in which each test rejects at .05."""
    random = np.random.default_rng([17, cell.patients, int(10 * cell.within)])
    p = [p_values(random, cell, i) for i in range(sets)]
    rates, undefined = {}, {}
    for name in TESTS:
        own = np.array([row[name] for row in p])
        known = own[np.isfinite(own)]
        rates[name] = float((known < 0.05).mean()) if len(known) else None
        undefined[name] = int(sets - len(known))
    return {**asdict(cell), "sets": sets, "rejects": rates, "undefined": undefined}


def holds(rate: float, sets: int, *, kind: str) -> bool:
    """Tell whether the 99 % Monte-Carlo interval about a rate meets [.04, .06]; an exact test: [0, .05]."""
    margin = 2.576 * math.sqrt(rate * (1 - rate) / sets)
    return rate - margin <= (0.05 if kind == "exact" else 0.06) and (kind == "exact" or rate + margin >= 0.04)


def main() -> None:
    """Simulate what is not there yet; write JSON after every cell, and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="build/rejection.json")
    parser.add_argument("--page", default="")
    parser.add_argument("--sets", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    wish = parser.parse_args()
    file = Path(wish.json)
    done = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    have = {Cell(r["patients"], r["within"]) for r in done if r["sets"] == wish.sets}
    cells = [Cell(m, w) for m in (400, 100, 40) for w in (0.0, 0.3, 0.7)]
    with ProcessPoolExecutor(wish.workers) as pool:
        for future in as_completed([pool.submit(simulate, c, wish.sets) for c in cells if c not in have]):
            done.append(future.result())
            write_text(file, json.dumps(done, indent=1))
            print(json.dumps(done[-1]), flush=True)
    if wish.page:
        write_text(Path(wish.page), page(Path(wish.page), done))


def page(file: Path, rows: list[dict[str, object]]) -> str:
    """Put the table between the marks of the page, and leave the rest of it as it is."""
    begin, end = "<!-- rejection: begin -->", "<!-- rejection: end -->"
    text = file.read_text(encoding="utf-8")
    before, after = text.split(begin)[0], text.split(end)[1]
    rows = sorted(rows, key=lambda r: (r["patients"], r["within"]))  # type: ignore[arg-type,return-value]
    sets = int(str(rows[0]["sets"]))
    head = ["test", *(f"{r['patients']}, {r['within']:g}" for r in rows)]
    lines, missed = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"], 0
    for name, kind in TESTS.items():
        cells = []
        for r in rows:
            rate = r["rejects"][name]  # type: ignore[index]
            is_well = rate is not None and holds(rate, sets - r["undefined"][name], kind=kind)  # type: ignore[index]
            missed += not is_well
            cells.append("none" if rate is None else f"{rate:.3f}" if is_well else f"**{rate:.3f}**")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    said = (
        f"{len(rows)} settings (the columns: patients, correlation within a patient) of {sets:,} data sets; in bold the {missed} "
        "rates whose 99 % Monte-Carlo interval misses [.04, .06] (an exact test: lies above .05)."
    )
    return before + begin + "\n" + said + "\n\n" + "\n".join(lines) + "\n" + end + after


if __name__ == "__main__":
    main()
