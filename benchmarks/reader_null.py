"""How often do the multi-reader tests reject where nothing differs? Simulated studies of Roe and Metz' model.

    python benchmarks/reader_null.py --studies 10000 --keep robustkit/stats/assets/multireader_null.json
    python benchmarks/reader_null.py --studies 0 --keep robustkit/stats/assets/multireader_null.json --page docs/readers.md

The first takes half an hour on one core; the second writes the page's table from what is kept.

Ratings are sums of normal effects of truth, reader, case and their meetings with the arm, the arms alike (Roe and Metz 1997,
Academic Radiology 4:587); variances as published for a median AUC of 0.855: readers who differ little or much, cases of
high or low correlation. Under "fixed readers" the same readers read new cases in every study, each equally well in both arms;
under "fixed cases" new readers read the same cases, which are equally hard in both arms: these tests' own nulls. What is
kept is printed beside every result of `robustkit readers analyse` of so many readers.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from robustkit.atomic import write_text
from robustkit.stats.multireader import Covariance, Inference, components, obuchowski_rockette, reader_aucs
from robustkit.stats.proportion import wilson

MEAN = 1.5
READER = {"alike": 0.0055, "apart": 0.0300}
CASES = {"high": (0.3, 0.3, 0.2, 0.2), "low": (0.1, 0.1, 0.2, 0.6)}
"""Variances of case, arm x case, reader x case, and the rest."""

READERS = (2, 3, 5, 10)
EACH = 50
"""Positive and negative cases of a study."""

COVARIANCES: tuple[Covariance, ...] = ("jackknife", "DeLong")
RANDOM: Inference = "random readers and cases"
FIXED: Inference = "fixed readers"
SAME: Inference = "fixed cases"
BEGIN, END = "<!-- null -->", "<!-- end of null -->"


@dataclass(frozen=True)
class Lasting:
    """What is the same in every study.

    Attributes:
        readers: ``(2, R)``: what each reader adds to negative and to positive cases, in both arms alike; None: drawn anew.
        cases: ``(n,)``: what each case adds, in both arms alike; None: drawn anew.
    """

    readers: NDArray[np.float64] | None = None
    cases: NDArray[np.float64] | None = None


def main() -> None:
    """Simulate; keep rates and write the page's table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=10_000)
    parser.add_argument("--keep", default="build/multireader_null.json")
    parser.add_argument("--page", default="")
    wish = parser.parse_args()
    if wish.studies:
        rates = list(measure(wish.studies))
        made = {
            "studies": wish.studies,
            "cases": 2 * EACH,
            "machine": platform.machine(),
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
            "rates": rates,
        }
        write_text(Path(wish.keep), json.dumps(made, indent=1) + "\n")
    found = json.loads(Path(wish.keep).read_text(encoding="utf-8"))
    if wish.page:
        page = Path(wish.page)
        before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
        write_text(page, f"{before}{BEGIN}\n{table(found)}{END}{rest.partition(END)[2]}")


def measure(studies: int) -> Iterator[dict[str, Any]]:
    """Give the share of rejections of every setting, and of all four together."""
    for readers in READERS:
        for covariance in COVARIANCES:
            for inference in (RANDOM, FIXED, SAME):
                counts = {}
                for name, (own, cases) in settings().items():
                    counts[name] = rejections(studies, readers, covariance, inference, of=(own, cases))
                    print(readers, covariance, inference, name, counts[name] / studies, file=sys.stderr, flush=True)
                k, n = sum(counts.values()), studies * len(counts)
                low, high = wilson(k / n, n)
                yield {
                    "readers": readers, "covariance": covariance, "inference": inference, "rate": k / n, "low": low, "high": high,
                    "lowest": min(counts.values()) / studies, "highest": max(counts.values()) / studies,
                }  # fmt: skip


def settings() -> dict[str, tuple[float, tuple[float, ...]]]:
    """Give the four published structures: variance of readers, and those of cases."""
    return {f"readers {r}, correlation {c}": (READER[r], CASES[c]) for r in READER for c in CASES}


def rejections(
    studies: int, readers: int, covariance: Covariance, inference: Inference, *, of: tuple[float, tuple[float, ...]]
) -> int:
    """Count studies whose test has p < 0.05; NaN counts as no rejection."""
    random = np.random.default_rng(20261124)
    labels, patients = np.repeat([True, False], EACH), np.arange(2 * EACH)
    lasting = lasting_of(random, inference, readers, of=of)
    k = 0
    for _ in range(studies):
        scores = ratings(random, labels, readers, of=of, lasting=lasting)
        aucs, errors = reader_aucs(labels, scores, patients, covariance=covariance)
        tests = obuchowski_rockette(aucs, components(errors, arms=2, readers=readers))
        k += bool(next(t for t in tests if t.inference == inference).p < 0.05)
    return k


def lasting_of(
    random: np.random.Generator, inference: Inference, readers: int, *, of: tuple[float, tuple[float, ...]]
) -> Lasting:
    """Draw what a test takes as fixed."""
    if inference == FIXED:
        return Lasting(readers=reader_effects(random, readers, of[0]))
    return Lasting(cases=random.normal(0, np.sqrt(of[1][0]), 2 * EACH)) if inference == SAME else Lasting()


def reader_effects(random: np.random.Generator, readers: int, variance: float) -> NDArray[np.float64]:
    """Give ``(2, R)``: what each reader adds to negative and to positive cases."""
    return random.normal(0, np.sqrt(variance), (2, readers))


def ratings(
    random: np.random.Generator,
    labels: NDArray[np.bool_],
    readers: int,
    *,
    of: tuple[float, tuple[float, ...]],
    lasting: Lasting,
) -> NDArray[np.float64]:
    """Give ``(2, R, n)`` ratings of one study; readers or cases that last have no arm of their own."""
    variance, parts = of
    case, arm_case, reader_case, rest = (np.sqrt(v) for v in parts)
    n, truth = len(labels), labels.astype(int)
    own = reader_effects(random, readers, variance) if lasting.readers is None else lasting.readers
    shown = random.normal(0, case, n) if lasting.cases is None else lasting.cases
    scores = np.tile(MEAN * truth + own.T[:, truth] + shown, (2, 1, 1))
    if lasting.cases is None:
        scores = scores + random.normal(0, arm_case, (2, 1, n))
    scores = scores + random.normal(0, reader_case, (readers, n))
    if lasting.readers is None:
        # a reader's own gain or loss in an arm: what makes readers random
        scores = scores + np.stack([reader_effects(random, readers, variance).T[:, truth] for _ in range(2)])
    return np.asarray(scores + random.normal(0, rest, (2, readers, n)))


def table(found: dict[str, Any]) -> str:
    """Give the rates as a table."""
    head = (
        "| Readers | Covariance | Random readers and cases | Fixed readers, their own null | Fixed cases, their own null |\n"
        "|---|---|---|---|---|\n"
    )
    by = {(r["readers"], r["covariance"], r["inference"]): r for r in found["rates"]}
    rows = "".join(
        f"| {n} | {c} | {' | '.join(said(by[n, c, inference]) for inference in (RANDOM, FIXED, SAME))} |\n"
        for n in READERS
        for c in COVARIANCES
    )
    return f"{head}{rows}\n{found['studies']:,} simulated studies of each of four structures, {found['cases']} cases; {found['date']}.\n"


def said(rate: dict[str, Any]) -> str:
    """Give ``5.1 % (4.9 to 5.3; 4.6 to 5.8 by structure)``."""
    a, b, c, d, e = (f"{100 * rate[k]:.1f}" for k in ("rate", "low", "high", "lowest", "highest"))
    return f"{a} % ({b} to {c}; {d} to {e} by structure)"


if __name__ == "__main__":
    main()
