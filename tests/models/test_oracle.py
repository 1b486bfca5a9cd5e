"""The oracle: its written formula by hand, and its planted weaknesses by plain counting over several seeds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.cohort.case import Case
from robustkit.geometry import Box
from robustkit.models.oracle import ORACLE_SEED, oracle, oracle_logits
from robustkit.phantom.anatomy import BY_NAME
from robustkit.phantom.facts import draw_facts
from robustkit.phantom.weaknesses import NOTHING_PLANTED, PLANTED, WEAKNESSES, Weakness
from robustkit.seeds import uniforms
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

QUIET = replace(PLANTED, patient_sd=0.0, case_sd=0.0, shift=0.0, stretch=0.0)


def nominal(facts: pd.DataFrame) -> np.ndarray:
    return facts[["x0", "y0", "x1", "y1"]].to_numpy(dtype=float)[:, None]


def case(*, label: str = "benign", spacing_mm: float | None = 0.5, **facts: str) -> Case:
    return Case("c", Path("c.png"), Box(100, 100, 200, 180), label, "p", "test", spacing_mm, facts)


def quiet_logit(of: Case, *boxes: list[float]) -> list[float]:
    model = oracle(planted=QUIET).runner
    return model.logits(of, np.array(boxes or [[100, 100, 200, 180]], dtype=float))[:, 0].tolist()


def test_logit_by_hand() -> None:
    # 100 px at 0.5 mm = 50 mm: not small. bias -0.1, signal 1.25.
    assert quiet_logit(case(site="femur")) == pytest.approx([-0.1 - 1.25])
    assert quiet_logit(case(site="femur", label="non-benign")) == pytest.approx([-0.1 + 1.25])
    # axial: signal 1.25 - 0.6
    assert quiet_logit(case(site="spine", label="malignant")) == pytest.approx([-0.1 + 0.65])
    # 100 px at 0.26 mm = 26 mm: half-way from 34 to 18, so 0.65 / 2 is lost.
    assert quiet_logit(case(spacing_mm=0.26)) == pytest.approx([-0.1 - (1.25 - 0.325)])
    assert quiet_logit(case(spacing_mm=None)) == pytest.approx([-1.35])


@pytest.mark.parametrize(
    ("subtype", "cohort", "added"),
    [
        ("giant cell tumour", "external", -2.0),
        ("giant cell tumour", "internal", 0.0),
        ("chondrosarcoma", "internal", -0.9),
        ("osteosarcoma", "external", 0.6),
        ("aneurysmal bone cyst", "external", 0.9),
        ("never heard of", "", 0.0),
    ],
)
def test_tumours_add_their_term(subtype: str, cohort: str, added: float) -> None:
    of = case(label="non-benign", subtype=subtype, cohort=cohort)
    assert quiet_logit(of) == pytest.approx([-0.1 + 1.25 + added])


def test_moving_the_box_loses_signal_by_hand() -> None:
    # dx = 10 px of 100, dy = 8 px of 80: |move|^2 = 0.02, times 4; axial and 50 mm: loose = 1.7.
    moved = [110.0, 108.0, 210.0, 188.0]
    of = case(label="non-benign", site="pelvis")
    assert quiet_logit(of, moved) == pytest.approx([-0.1 + 0.65 - 1.7 * 4 * 0.02])


def test_slope_and_stretch_come_from_the_keyed_draws() -> None:
    planted = replace(PLANTED, patient_sd=0.0, case_sd=0.0, off_target=0.0)
    own = norm.ppf(uniforms(ORACLE_SEED, ["c"], repeats=range(2), stream=0)).reshape(8)
    # Right edge 20 px further: middle moves by 10 of 100, width grows by a factor of 1.2.
    boxes = np.array([[100.0, 100, 220, 180]])
    expected = -1.35 + 3.0 * own[1] * 0.1 + 2.0 * own[3] * np.log(1.2)
    got = oracle(planted=planted).runner.logits(case(), boxes)
    assert got.dtype == np.float32
    assert got.shape == (1, 1)
    assert float(got[0, 0]) == pytest.approx(expected, abs=1e-6)


def test_peculiarities_have_their_written_spread() -> None:
    facts = draw_facts(1, n_internal=6000, n_external=0 + 1).drop_duplicates("patient_id")
    with_noise = oracle_logits(facts, nominal(facts))[:, 0] - oracle_logits(facts, nominal(facts), planted=QUIET)[:, 0]
    # sqrt(0.6^2 + 1.0^2) = 1.166; standard error of a standard deviation over 6,000: 1.166 / sqrt(12,000) = 0.011.
    assert with_noise.std() == pytest.approx(1.166, abs=0.043)
    assert with_noise.mean() == pytest.approx(0, abs=0.06)


def test_cases_of_one_patient_share_a_part() -> None:
    facts = draw_facts(1, n_internal=8000, n_external=1)
    noise = oracle_logits(facts, nominal(facts))[:, 0] - oracle_logits(facts, nominal(facts), planted=QUIET)[:, 0]
    pairs = facts.assign(noise=noise).groupby("patient_id")["noise"].apply(list)
    two = np.array([p[:2] for p in pairs if len(p) > 1])
    # Within-patient correlation 0.36 / 1.36 = 0.265; standard error over more than 700 pairs below 0.036.
    assert np.corrcoef(two.T)[0, 1] == pytest.approx(0.265, abs=0.11)


def test_one_case_answers_as_in_the_batch(manifest_cases) -> None:
    cases, facts = manifest_cases
    boxes = nominal(facts) + np.array([[3.0, -2, 3, -2]])
    together = oracle_logits(facts, boxes)
    shuffled = np.random.default_rng(0).permutation(len(facts))
    assert np.array_equal(oracle_logits(facts.iloc[shuffled], boxes[shuffled]), together[shuffled])
    model = oracle().runner
    for i in (0, 17, 101):
        alone = model.logits(cases[i], boxes[i])
        assert np.array_equal(alone[:, 0], together[i].astype(np.float32))


@pytest.fixture(scope="module")
def manifest_cases(tmp_path_factory):
    from robustkit.cohort.manifest import read_manifest

    path = tmp_path_factory.mktemp("phantom") / "manifest.csv"
    draw_facts(9).to_csv(path, index=False)
    manifest = read_manifest(path)
    return list(manifest.cases()), manifest.frame


def test_no_displacement_is_the_nominal_answer() -> None:
    facts = draw_facts(2)
    repeated = np.repeat(nominal(facts), 3, axis=1)
    logits = oracle_logits(facts, repeated)
    assert np.array_equal(logits, np.repeat(oracle_logits(facts, nominal(facts)), 3, axis=1))


def test_classifier_says_what_it_is() -> None:
    model = oracle()
    assert (model.name, model.engine, model.classes, model.positive) == (
        "phantom-oracle", "facts", ("benign", "non-benign"), ("non-benign",),
    )  # fmt: skip
    assert model.output.kind == "sigmoid-logit"
    assert model.n_outputs == 1
    assert len(model.sha256) == 64
    assert oracle().sha256 == model.sha256
    assert oracle(seed=1).sha256 != model.sha256
    assert oracle(planted=NOTHING_PLANTED).sha256 != model.sha256


def studied(seed: int, *, n: int, planted=PLANTED, kind="phantom") -> pd.DataFrame:
    facts = draw_facts(seed, kind=kind, n_internal=n, n_external=n)
    facts = facts[facts["split"] == "test"].reset_index(drop=True)
    box = nominal(facts)
    side = box[:, :, 2:] - box[:, :, :2]
    move = 0.1 * (2 * uniforms(0, facts["case_id"].tolist(), repeats=range(10), stream=0)[..., :2] - 1) * side
    z = oracle_logits(facts, box, planted=planted)[:, 0]
    moved = oracle_logits(facts, box + np.concatenate([move, move], axis=-1), planted=planted)
    size = np.maximum(side[:, 0, 0], side[:, 0, 1]) * facts["spacing_mm"]
    return facts.assign(
        z=z, y=facts["label"] == "non-benign", flip_rate=((moved >= 0) != (z >= 0)[:, None]).mean(axis=1),
        size=np.where(size < 20, "<20", "other"), region=facts["site"].map(lambda s: BY_NAME[s].region),
    )  # fmt: skip


def value(rows: pd.DataFrame, metric: str) -> float:
    match metric:
        case "auc":
            return float(roc_auc_score(rows["y"], rows["z"]))
        case "sensitivity":
            return float((rows.loc[rows["y"], "z"] >= 0).mean())
        case "specificity":
            return float((rows.loc[~rows["y"], "z"] < 0).mean())
        case _:
            return float(rows["flip_rate"].mean())


@pytest.fixture(scope="module")
def large() -> list[pd.DataFrame]:
    return [studied(seed, n=9000) for seed in (101, 102, 103)]


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda w: f"{w.stratum}-{w.cohort}-{w.metric}")
def test_every_planted_weakness_has_its_sign_and_size(large: list[pd.DataFrame], weakness: Weakness) -> None:
    assert np.sign(weakness.about) == weakness.sign
    for rows in large:
        if weakness.cohort != "all":
            rows = rows[rows["cohort"] == weakness.cohort]
        here = rows[weakness.by] == weakness.stratum
        difference = value(rows[here], weakness.metric) - value(rows[~here], weakness.metric)
        # The smallest cell (chondrosarcoma, internal test) has about 80 patients: standard error 0.056.
        assert difference == pytest.approx(weakness.about, abs=0.17 if here.sum() < 150 else 0.06)
        assert np.sign(difference) == weakness.sign


def test_signs_of_the_large_effects_at_the_bundled_size() -> None:
    sure = [("region", "axial", "external", "auc"), ("subtype", "giant cell tumour", "external", "sensitivity")]
    found = dict.fromkeys(sure, 0)
    for seed in range(20):
        rows = studied(seed, n=400)
        for by, stratum, cohort, metric in sure:
            one = rows[rows["cohort"] == cohort]
            here = one[by] == stratum
            found[by, stratum, cohort, metric] += value(one[here], metric) < value(one[~here], metric)
    assert all(n == 20 for n in found.values())


def test_nothing_planted_nothing_found() -> None:
    rows = studied(7, n=9000, planted=NOTHING_PLANTED, kind="phantom-null")
    for by, stratum in (("region", "axial"), ("size", "<20"), ("cohort", "external")):
        here = rows[by] == stratum
        assert value(rows[here], "auc") == pytest.approx(value(rows[~here], "auc"), abs=0.03)
        assert value(rows[here], "flip_rate") == pytest.approx(value(rows[~here], "flip_rate"), abs=0.012)


def test_bundled_auc_is_neither_useless_nor_perfect() -> None:
    rows = studied(2026, n=440)
    assert 0.68 < value(rows, "auc") < 0.86
