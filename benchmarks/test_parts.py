"""Parts that a run spends its time in; every figure is a ratio to a plain way of doing the same, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from robustkit.crops.pillow import PLUGIN
from robustkit.inputs import InputSpec
from robustkit.seeds import case_hash, uniforms
from robustkit.stats.bootstrap import weighted_auc
from robustkit.stats.pairs import pair_wins, weighted_wins
from sklearn.metrics import roc_auc_score


def _seconds(work: Callable[[], object], *, rounds: int = 3) -> float:
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return best


def test_draws_against_one_numpy_generator_per_box(benchmark) -> None:  # type: ignore[no-untyped-def]
    cases = [f"case{i:05d}" for i in range(1000)]
    benchmark(lambda: uniforms(1, cases, repeats=range(50), stream=0))

    def plain() -> None:
        for c in cases[:40]:
            for r in range(50):
                np.random.Generator(np.random.Philox(key=[1, case_hash(c)], counter=[0, 0, r, 0])).random(4)

    ratio = _seconds(plain, rounds=1) * 25 / _seconds(lambda: uniforms(1, cases, repeats=range(50), stream=0))
    benchmark.extra_info["times faster"] = round(ratio, 1)


def test_crops_against_pillow_alone(benchmark) -> None:  # type: ignore[no-untyped-def]
    film = np.random.default_rng(0).integers(0, 256, (2500, 2000), dtype=np.uint8)
    start = np.random.default_rng(1).uniform(100, 800, (51, 2)).round()
    boxes = np.concatenate([start, start + 800], axis=1)
    spec = InputSpec()
    image = Image.fromarray(film)

    def plain() -> None:
        for b in boxes.astype(int).tolist():
            np.asarray(image.crop(tuple(b)).resize((224, 224), Image.Resampling.BILINEAR))

    benchmark(lambda: PLUGIN.crops(film, boxes, spec))
    ratio = _seconds(lambda: PLUGIN.crops(film, boxes, spec)) / _seconds(plain)
    benchmark.extra_info["times Pillow alone"] = round(ratio, 2)


@pytest.mark.parametrize("way", ["sorted once", "pairs"])
def test_bootstrap_of_auc_against_a_loop_over_scikit_learn(benchmark, way: str) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    labels = rng.random(2000) < 0.4
    scores = rng.normal(labels[:, None], 1.5, (2000, 50))
    weights = rng.multinomial(2000, np.full(2000, 1 / 2000), size=200).astype(np.float64)

    def sort_once() -> object:
        return weighted_auc(labels, scores.T, weights)

    def pairs() -> object:
        return weighted_wins(pair_wins(labels, scores), weights[:, labels], weights[:, ~labels])

    work = sort_once if way == "sorted once" else pairs
    benchmark.pedantic(work, rounds=2, iterations=1)
    loop = _seconds(
        lambda: [roc_auc_score(labels, scores[:, r], sample_weight=weights[0]) for r in range(10)], rounds=1
    )
    benchmark.extra_info["times faster than scikit-learn"] = round(loop * 5 * 200 / _seconds(work, rounds=1), 1)
