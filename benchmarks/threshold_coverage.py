"""Do the two intervals beside a carried threshold cover what each claims?

    python benchmarks/threshold_coverage.py --json build/threshold_coverage.json

2,000 pairs of a development set of 94 cases and an external set of 1,867, normal logits. ``low, high`` claims the
sensitivity that this fixed threshold has among further patients; ``low_threshold, high_threshold`` that of the recipe: the
threshold that Youden's rule would choose with all patients there are.
"""

# ruff: noqa: E402  (the number of threads is set before numpy is imported)
from __future__ import annotations

import argparse
import json
import math
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
from robustkit.stats.proportion import clustered_proportion
from robustkit.stats.threshold import youden
from robustkit.stats.threshold_draws import point_draws
from scipy.special import expit, logit, ndtr

DEVELOPMENT, EXTERNAL, POSITIVE, SIGNAL = 94, 1867, 0.45, 1.5
BEST = SIGNAL / 2
"""Where two normals of one variance cross: Youden's threshold with all patients there are."""


def one(seed: int, draws: int) -> dict[str, float]:
    """Give what one pair of data sets says of the sensitivity."""
    random = np.random.default_rng(seed)

    def cohort(n: int) -> tuple[np.ndarray, np.ndarray]:
        labels = random.random(n) < POSITIVE
        return labels, expit(SIGNAL * labels + random.standard_normal(n))

    (own, scores), (labels, external) = cohort(DEVELOPMENT), cohort(EXTERNAL)
    cut = youden(own, scores).value
    fixed = clustered_proportion(external[labels] >= cut, np.arange(int(labels.sum())))
    cuts = point_draws("youden", own, scores, np.arange(len(own)), draws=draws, random=random)
    n = int(labels.sum())
    weights = random.multinomial(n, np.full(n, 1 / n), size=draws)
    shares = ((external[labels][None, :] >= cuts[:, None]) * weights).sum(axis=1) / n
    low, high = np.nanquantile(shares, [0.025, 0.975])
    true, recipe = float(ndtr(SIGNAL - logit(cut))), float(ndtr(SIGNAL - BEST))
    return {
        "fixed covers the fixed rule": float(fixed.low <= true <= fixed.high),
        "fixed covers the recipe": float(fixed.low <= recipe <= fixed.high),
        "recipe covers the recipe": float(low <= recipe <= high),
        "width fixed": fixed.high - fixed.low,
        "width recipe": high - low,
    }


def _one(given: tuple[int, int]) -> dict[str, float]:
    return one(*given)


def main() -> None:
    """Simulate and print; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="")
    parser.add_argument("--page", default="")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--draws", type=int, default=200)
    wish = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        rows = list(pool.map(_one, [(seed, wish.draws) for seed in range(wish.pairs)], chunksize=20))
    found = {k: round(float(np.mean([r[k] for r in rows])), 4) for k in rows[0]}
    found |= {"pairs": wish.pairs, "margin 99 %": round(2.576 * math.sqrt(0.95 * 0.05 / wish.pairs), 4)}
    print(json.dumps(found))
    if wish.json:
        Path(wish.json).write_text(json.dumps(found, indent=1), encoding="utf-8")
    if wish.page:
        _write(Path(wish.page), found)


def _write(page: Path, found: dict[str, float]) -> None:
    """Put the figures between the marks of the page, and leave the rest of it as it is."""
    begin, end = "<!-- thresholds: begin -->", "<!-- thresholds: end -->"
    text = page.read_text(encoding="utf-8")
    said = "\n".join(f"| {k} | {v:g} |" for k, v in found.items())
    table = f"| share of the pairs; mean width | value |\n| --- | --- |\n{said}"
    page.write_text(text.split(begin)[0] + f"{begin}\n{table}\n{end}" + text.split(end)[1], encoding="utf-8")


if __name__ == "__main__":
    main()
