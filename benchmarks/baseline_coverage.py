"""How often the intervals of baselines hold the truth: coefficients, and the AUC of cross-validated answers.

    python benchmarks/baseline_coverage.py [--sets 2000] [--page docs/baselines.md]

Patients have one to three cases. Labels follow a logistic model of five facts exactly (a Gaussian copula ties the cases of
a patient), so the true coefficients are known; the true AUC is that of the folds' own models on 20,000 further cases.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from robustkit.baselines.nested import deal_folds
from robustkit.seeds import generator
from robustkit.stats.auc import auc
from robustkit.stats.cross_validated import cross_validated_auc
from robustkit.stats.logistic import fit_logistic
from scipy.special import expit
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

BETA = np.array([-0.3, 0.8, -0.5, 0.0, 0.0, 0.3])
FOLDS = 5
MARKS = ("<!-- coverage: begin -->", "<!-- coverage: end -->")


def drawn(random: np.random.Generator, patients: int, correlation: float):  # type: ignore[no-untyped-def]
    """Give the design with a column of ones, labels and codes of patients."""
    codes = np.repeat(np.arange(patients), random.integers(1, 4, patients))
    own = random.normal(size=(patients, 5))[codes]
    x = np.sqrt(0.5) * own + np.sqrt(0.5) * random.normal(size=(len(codes), 5))
    latent = np.sqrt(correlation) * random.normal(size=patients)[codes]
    latent += np.sqrt(1 - correlation) * random.normal(size=len(codes))
    design = np.c_[np.ones(len(codes)), x]
    return design, norm.cdf(latent) < expit(design @ BETA), codes


def covered(sets: int, patients: int, correlation: float) -> dict[str, list[float]]:
    """Give for every data set whether each interval held the truth; NaN where there was none."""
    far, far_labels, _ = drawn(generator(1, "far"), 10_000, 0.0)
    found: dict[str, list[float]] = {"coefficients": [], "cross-validated AUC": []}
    for k in range(sets):
        random = generator(0, "baseline coverage", patients, str(correlation), k)
        design, labels, codes = drawn(random, patients, correlation)
        fit = fit_logistic(design, labels, codes)
        found["coefficients"].append(float(((fit.low <= BETA) & (fit.high >= BETA)).mean()))
        folds = deal_folds(labels, codes, FOLDS, seed=k, purpose="coverage")
        scores, truths = np.empty(len(labels)), []
        for fold in range(FOLDS):
            held = folds == fold
            net = LogisticRegression().fit(design[~held, 1:], labels[~held])
            scores[held] = net.decision_function(design[held, 1:])
            truths.append(auc(far_labels, net.decision_function(far[:, 1:])))
        e = cross_validated_auc(labels, scores, codes, folds=folds)
        found["cross-validated AUC"].append(float(e.low <= np.mean(truths) <= e.high) if e.low == e.low else np.nan)
    return found


def lines(sets: int) -> Iterator[str]:
    """Give the table, line by line."""
    yield f"{sets} data sets each; 95 % intervals."
    yield ""
    yield "| patients | correlation | coefficients | cross-validated AUC | without an interval |"
    yield "| --- | --- | --- | --- | --- |"
    for patients in (40, 100, 400):
        for correlation in (0.0, 0.3, 0.7):
            found = covered(sets, patients, correlation)
            a, b = (np.array(found[n]) for n in ("coefficients", "cross-validated AUC"))
            lost = f"{np.isnan(b).mean():.1%}" if np.isnan(b).any() else "none"
            yield f"| {patients} | {correlation} | {a.mean():.3f} | {np.nanmean(b):.3f} | {lost} |"


def main() -> None:
    """Print the table, and write it into a page where one is named."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", type=int, default=2000)
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    text = "\n".join(lines(given.sets))
    print(text)
    if given.page:
        page = given.page.read_text(encoding="utf-8")
        between = "\n".join([MARKS[0], text, MARKS[1]])
        pattern = f"{re.escape(MARKS[0])}.*{re.escape(MARKS[1])}"
        given.page.write_text(re.sub(pattern, lambda _: between, page, flags=re.S), encoding="utf-8")


if __name__ == "__main__":
    main()
