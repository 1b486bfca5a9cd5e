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
from robustkit.stats.auc import clustered_auc
from robustkit.stats.bootstrap import patient_draws, weighted_auc
from robustkit.stats.groups import groups_of
from robustkit.stats.of_sums import COUNT, Question, Statistic, bounds_of_sums
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score


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


def test_bootstrap_of_auc_against_a_loop_over_scikit_learn(benchmark) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    labels = rng.random(2000) < 0.4
    scores = rng.normal(labels[:, None], 1.5, (2000, 50))
    weights = rng.multinomial(2000, np.full(2000, 1 / 2000), size=1000).astype(np.float64)
    work = lambda: weighted_auc(labels, scores.T, weights)  # noqa: E731
    found = benchmark.pedantic(work, rounds=2, iterations=1)
    plain = [roc_auc_score(labels, scores[:, r], sample_weight=weights[0]) for r in range(50)]
    assert abs(found[0] - np.mean(plain)) < 1e-12
    loop = _seconds(
        lambda: [roc_auc_score(labels, scores[:, r], sample_weight=weights[0]) for r in range(10)], rounds=1
    )
    benchmark.extra_info["times faster than scikit-learn"] = round(loop * 5 * 1000 / _seconds(work, rounds=1), 1)


def test_delong_against_naive_pairs(benchmark) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    labels = rng.random(2000) < 0.4
    scores = rng.normal(labels, 1.5, 2000)
    work = lambda: clustered_auc(labels, scores[None], np.arange(2000))  # noqa: E731
    found = benchmark(work)

    def pairs() -> float:
        x, y = scores[labels], scores[~labels]
        wins = (x[:, None] > y).astype(float) + 0.5 * (x[:, None] == y)
        return float(wins.mean(axis=1).var(ddof=1) / len(x) + wins.mean(axis=0).var(ddof=1) / len(y))

    assert abs(found.se**2 - pairs()) < 1e-10
    benchmark.extra_info["times faster than all pairs"] = round(_seconds(pairs) / _seconds(work), 1)


def test_rates_of_14_groups_against_fairlearn(benchmark) -> None:  # type: ignore[no-untyped-def]
    metrics = pytest.importorskip("fairlearn.metrics", reason="fairlearn is not installed")
    rng = np.random.default_rng(0)
    n, draws = 2000, 100
    labels, decided = rng.random(n) < 0.4, rng.random(n) < 0.5
    groups = rng.integers(0, 14, n)
    patients = patient_draws(np.zeros(n, dtype=np.intp), draws=draws, seed=0, purpose="fairlearn")
    right = (decided == labels).astype(np.float64)
    columns = {
        "right": right, "hit": right * labels, "positive": labels * 1.0, "rejected": right * ~labels, "negative": ~labels * 1.0,
        COUNT: np.ones(n),
    }  # fmt: skip
    pairs = {"accuracy": ("right", COUNT), "sensitivity": ("hit", "positive"), "specificity": ("rejected", "negative")}
    everywhere = np.ones(14, dtype=bool)
    statistics = {
        name: Statistic(lambda s, a=a, b=b: s[a] / s[b], everywhere, "no such case") for name, (a, b) in pairs.items()
    }

    def ours() -> object:
        question = Question({c: v[None] for c, v in columns.items()}, statistics)
        return bounds_of_sums(groups_of([groups], np.arange(n), sizes=[14]), patients, [question])

    benchmark(ours)
    frame = {
        "accuracy": accuracy_score, "sensitivity": recall_score,
        "specificity": lambda y, p: recall_score(~y.astype(bool), ~p.astype(bool)),
    }  # fmt: skip
    theirs = _seconds(
        lambda: metrics.MetricFrame(
            metrics=frame,
            y_true=labels,
            y_pred=decided,
            sensitive_features=groups,
            n_boot=draws,
            ci_quantiles=[0.025, 0.975],
        ),
        rounds=1,
    )
    benchmark.extra_info["times faster than fairlearn"] = round(theirs / _seconds(ours), 1)
