"""The search for slices: what is planted comes out, nothing does where nothing is, and a parent explains its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis._conjunctions import Conjunctions, Population, Smallest, conjunctions, population
from robustkit.analysis._nested import above_p, moments
from robustkit.analysis._slice_questions import METRICS, Question, questions
from robustkit.analysis.cohort import Judged
from robustkit.analysis.matrix import ModelAnswers, ScoreMatrix
from robustkit.analysis.slices import (
    ALWAYS_TESTED,
    Asked,
    Search,
    ask,
    half_draws,
    halves,
    slices_table,
    smallest_half,
)
from robustkit.analysis.thresholds import Threshold
from robustkit.models.oracle import oracle_logits
from robustkit.phantom.facts import draw_facts
from robustkit.results.schema import SLICES_COLUMNS
from robustkit.seeds import uniforms
from robustkit.stats.contrast import score_contrast_p
from scipy.sparse import csr_array
from scipy.special import expit
from scipy.stats import hypergeom
from statsmodels.stats.multitest import multipletests

from factories import BOX

CUT = Threshold("m", "given", 0.5, "flag")
Chance = Callable[[pd.DataFrame], Any]


def made(chance: Chance, *, seed: int = 0, patients: int = 400, positive: bool = True) -> tuple[Judged, ModelAnswers]:
    """Give patients with one to three lesions, facts drawn apart, and a model that is wrong with this chance.

    Half of the region axial is spine, half pelvis; errors of one patient hang together.
    """
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    n = len(codes)
    site = rng.choice(["spine", "pelvis", "femur", "tibia"], n)
    frame = pd.DataFrame({
        "case_id": [f"c{i:04d}" for i in range(n)], "cohort": "internal", "split": "test", "centre": "A", "site": site,
        "region": np.where(np.isin(site, ["spine", "pelvis"]), "axial", "limb"),
        "size": rng.choice(["small", "large"], n), "sex": rng.choice(["F", "M"], patients)[codes],
    })  # fmt: skip
    luck = np.where(rng.random(patients)[codes] < 0.3, rng.random(patients)[codes], rng.random(n))
    wrong = luck < chance(frame)
    truth = np.full(n, positive)
    judged = np.ones(n, dtype=bool)
    cohort = Judged(frame, truth, codes.astype(np.intp), judged, ~judged, ("internal",), frame.iloc[:0], ())
    return cohort, ModelAnswers("m", np.where(wrong != truth, 0.9, 0.1), (), frame.iloc[:0])


def searched(
    cohort: Judged,
    own: ModelAnswers,
    metric: str,
    *,
    by: tuple[str, ...] = ("site", "region", "size", "sex"),
    **flags: Any,
) -> Asked:
    strata = {b: cohort.frame[b] for b in by}
    confirms = halves(cohort, 0)
    draws = half_draws(cohort, confirms, draws=100, seed=0)
    search = Search(strata, confirms, draws, flags.get("depth", 3), smallest_half(20, 10))
    (question,) = questions(cohort, own, (metric,), name="all", threshold=CUT)  # type: ignore[arg-type]
    return ask(cohort, question, search)


def confirmed(found: Asked) -> list[str]:
    return found.table.loc[found.table["verdict"] == "confirmed", "slice"].tolist()


def axial_and_small(frame: pd.DataFrame) -> Any:
    return np.where(frame["region"].eq("axial") & frame["size"].eq("small"), 0.7, 0.1)


def axial(frame: pd.DataFrame) -> Any:
    return np.where(frame["region"].eq("axial"), 0.5, 0.1)


@pytest.mark.parametrize(("metric", "positive"), [("missed", True), ("false_alarm", False), ("wrong", True)])
def test_a_planted_conjunction_is_found(metric: str, positive: bool) -> None:
    found = searched(*made(axial_and_small, positive=positive), metric)
    assert "region=axial & size=small" in confirmed(found)
    row = found.table.set_index("slice").loc["region=axial & size=small"]
    assert row["parent"] in ("region=axial", "size=small")
    assert row["low"] < 0.7 < row["high"]
    # half of the axial lesions are small: (.7 + .1) / 2, and as many of the small ones are axial
    assert row["diff"] == pytest.approx(0.3, abs=0.1)
    assert row["diff_low"] < row["diff"] < row["diff_high"]
    assert not [s for s in confirmed(found) if "sex" in s]


@pytest.mark.parametrize("seed", range(5))
def test_what_a_parent_explains_is_folded_under_it(seed: int) -> None:
    found = searched(*made(axial, seed=seed), "missed")
    assert confirmed(found) == ["region=axial"]
    table = found.table.set_index("slice")
    # spine and pelvis are axial: they are held to it, though they name no region
    assert table.loc["site=spine", "parent"] == "region=axial"
    inside = table.index.str.contains("region=axial &") | table.index.str.contains("site=spine|site=pelvis")
    assert set(table.loc[inside, "under"]) == {"region=axial"}
    assert set(table.loc[~inside, "under"]) == {""}
    assert not [s for s in table.index if "site" in s and "region" in s]


def test_where_nothing_is_planted_nothing_is_confirmed() -> None:
    # 2 % in longer simulations; the search alone, without the other half, proposes something in most cohorts
    found = [searched(*made(lambda f: 0.2, seed=s, patients=200), "missed") for s in range(100)]
    assert np.mean([bool(confirmed(f)) for f in found]) <= 0.05
    assert np.mean([(f.table["verdict"] == "not confirmed").any() for f in found]) > 0.3


def test_the_parent_is_the_worst_of_the_searched_half() -> None:
    table = searched(*made(lambda f: 0.2, seed=3), "missed").table.set_index("slice")
    value = table["search_value"]
    assert table.loc[table.index[1:], "search_parent_value"].equals(
        value[table["parent"].iloc[1:]].set_axis(table.index[1:]).rename("search_parent_value")
    )
    for name in table.index[1:]:
        facts = name.split(" & ")
        parts = [" & ".join(p) or "all" for p in combinations(facts, len(facts) - 1)]
        assert table.loc[name, "search_parent_value"] >= max(value[p] for p in parts if p in value)


def test_every_slice_is_listed_and_counted() -> None:
    found = searched(*made(axial_and_small), "missed")
    table = found.table
    assert tuple(table.columns) == SLICES_COLUMNS
    assert table["slice"].is_unique
    assert table.loc[0, ["slice", "verdict", "depth"]].tolist() == ["all", "whole", 0]
    tried = table.iloc[1:]
    assert set(tried["n_tried"]) == {len(tried)} == {found.n_tried}
    outside = multipletests(tried["search_p"], method="fdr_bh")[1]
    assert tried["search_p_adjusted"].to_numpy() == pytest.approx(outside)
    tested = tried[tried["verdict"] != "not proposed"]
    assert set(table["n_proposed"]) == {len(tested)}
    assert tested["p_adjusted"].to_numpy() == pytest.approx(multipletests(tested["p"], method="holm")[1])
    # what was not proposed has no p on the half that confirms
    assert tried.loc[tried["verdict"] == "not proposed", ["p", "p_adjusted"]].isna().all(axis=None)
    assert slices_table([found, found]).equals(pd.concat([table, table], ignore_index=True))


def test_the_worst_of_the_search_are_put_to_the_test_and_no_other() -> None:
    table = searched(*made(lambda f: 0.2, seed=3), "missed").table.iloc[1:]
    assert not (table["search_p_adjusted"] <= 0.2).any()
    wanted = set(table.nsmallest(ALWAYS_TESTED, "search_p").query("search_p < 0.05")["slice"])
    assert set(table.loc[table["verdict"] != "not proposed", "slice"]) == wanted


def test_both_halves_are_counted_apart() -> None:
    cohort, own = made(axial)
    table = searched(cohort, own, "missed").table.set_index("slice")
    confirms = halves(cohort, 0)
    members = cohort.frame["region"].eq("axial").to_numpy()
    for half, prefix in ((confirms, ""), (~confirms, "search_")):
        inside = half & members
        assert table.loc["region=axial", f"{prefix}n_cases"] == inside.sum()
        assert table.loc["region=axial", f"{prefix}n_patients"] == len(set(cohort.patients[inside]))
        assert table.loc["region=axial", f"{prefix}value"] == pytest.approx((own.nominal[inside] < 0.5).mean())


def test_no_patient_is_in_both_halves_and_the_halves_are_alike() -> None:
    rng = np.random.default_rng(1)
    patients = np.repeat(np.arange(101), rng.integers(1, 4, 101))
    place = pd.DataFrame({"cohort": rng.choice(["internal", "external"], 101), "centre": rng.choice(["A", "B"], 101)})
    truth = (rng.random(101) < 0.3)[patients]
    judged = np.ones(len(patients), dtype=bool)
    frame = place.iloc[patients].reset_index(drop=True)
    cohort = Judged(frame, truth, patients.astype(np.intp), judged, ~judged, ("all",), frame.iloc[:0], ())
    confirms = halves(cohort, 7)
    by_patient = pd.DataFrame({"patient": patients, "confirms": confirms, "positive": truth, **frame}).drop_duplicates()
    assert by_patient["patient"].is_unique
    for _, part in by_patient.groupby(["cohort", "centre", "positive"]):
        assert abs(part["confirms"].sum() - (~part["confirms"]).sum()) <= 1
    assert halves(cohort, 7).tolist() == confirms.tolist()
    assert halves(cohort, 8).tolist() != confirms.tolist()


# --- the test of a part against what it lies in


def one_part(values: Any, inside: Any, patients: Any, *, step: float = 0.0) -> float:
    members = csr_array(np.stack([np.ones(len(values)), np.asarray(inside, dtype=np.float64)]))
    found = moments(members, np.asarray(values, dtype=np.float64), np.asarray(patients, dtype=np.intp))
    return float(above_p(found, np.array([1]), np.array([0]), step=step)[0])


@pytest.mark.parametrize(("n", "events", "size"), [(200, 20, 20), (60, 12, 30), (500, 100, 30), (100, 10, 30)])
def test_beside_fisher(n: int, events: int, size: int) -> None:
    values = np.arange(n) < events
    seen = 0
    for k in range(1, min(events, size) + 1):
        exact = hypergeom.sf(k - 1, n, events, size)
        if 0.01 < exact < 0.3:
            inside = np.concatenate([np.arange(events) < k, np.arange(n - events) < size - k])
            p = one_part(values, inside, np.arange(n), step=1.0)
            assert 0.97 * exact < p < 1.25 * exact
            seen += 1
    assert seen >= 2


def test_a_patient_counts_once() -> None:
    rng = np.random.default_rng(0)
    values, inside, patients = rng.gamma(1.0, size=60), np.arange(60) < 20, np.arange(60)
    values[:20] += 0.6
    once = one_part(values, inside, patients)
    thrice = one_part(np.repeat(values, 3), np.repeat(inside, 3), np.repeat(patients, 3))
    assert thrice == pytest.approx(once)
    # what it would be if the lesions of a patient were so many patients
    assert one_part(np.repeat(values, 3), np.repeat(inside, 3), np.arange(180)) < once / 5


def test_beside_the_two_sided_test_of_a_stratum() -> None:
    rng = np.random.default_rng(2)
    patients = np.sort(rng.integers(0, 40, 120))
    # mostly 1: the upper tail is normal, and p is half of the two-sided one
    values = np.minimum((rng.random(40) < 0.9)[patients], rng.random(120) < 0.9).astype(np.float64)
    inside = rng.random(120) < 0.3
    two_sided = score_contrast_p(values, patients, inside)
    is_above = values[inside].mean() > values.mean()
    assert one_part(values, inside, patients) == pytest.approx(two_sided / 2 if is_above else 1 - two_sided / 2)


def test_nothing_varies() -> None:
    assert one_part(np.full(20, 0.3), np.arange(20) < 5, np.arange(20)) == 1.0


# --- conjunctions


def people_of(columns: Mapping[str, list[str]], patients: list[int] | None = None) -> Population:
    strata = {k: pd.Series(v) for k, v in columns.items()}
    n = len(next(iter(columns.values())))
    own = np.arange(n) if patients is None else np.array(patients)
    return population(strata, own.astype(np.intp), np.arange(n) % 2 == 1, rows=np.arange(n))


def named(people: Population, found: Conjunctions) -> list[frozenset[str]]:
    return [frozenset(people.names[f] for f in facts) for facts in found.facts]


def test_conjunctions_are_those_of_a_plain_search() -> None:
    rng = np.random.default_rng(3)
    people = people_of(
        {v: [f"{x}" for x in rng.integers(0, k, 120)] for v, k in (("a", 2), ("b", 3), ("c", 3), ("d", 2))}
    )
    found = conjunctions(people, depth=3, smallest=Smallest(5, 5))
    wanted: dict[bytes, frozenset[str]] = {}
    sizes = {frozenset(): 120}
    for depth in (1, 2, 3):
        for chosen in combinations(range(len(people.names)), depth):
            own = people.facts[:, list(chosen)].all(axis=1)
            names = frozenset(people.names[f] for f in chosen)
            sizes[names] = int(own.sum())
            halves_of = [(own & half).sum() for half in (people.confirms, ~people.confirms)]
            if min(halves_of) >= 5 and all(sizes[names - {f}] > own.sum() for f in names):
                wanted.setdefault(own.tobytes(), names)
    assert set(named(people, found)) == {frozenset(), *wanted.values()}
    masks = found.members.toarray().astype(bool)
    assert len({m.tobytes() for m in masks}) == len(masks)
    # every wider conjunction, and only such
    for child, parent in zip(found.child, found.parent, strict=True):
        assert (masks[parent] >= masks[child]).all()
        assert masks[parent].sum() > masks[child].sum()
    links = {(c, p) for c, p in zip(found.child, found.parent, strict=True)}
    names = named(people, found)
    assert {(names.index(a), names.index(b)) for a in names for b in names if b < a} <= links


def test_facts_with_the_same_cases_are_one_slice() -> None:
    side = ["x"] * 12 + ["y"] * 12
    people = people_of(
        {"centre": side, "cohort": ["in" if s == "x" else "ex" for s in side], "sex": ["F", "F", "M"] * 8}
    )
    found = conjunctions(people, depth=3, smallest=Smallest(1, 1))
    names = named(people, found)
    assert frozenset({"centre=x"}) in names
    assert frozenset({"cohort=in"}) not in names
    at = names.index(frozenset({"centre=x"}))
    assert [{people.names[f] for f in facts} for facts in found.also[at]] == [{"cohort=in"}]


def test_unknown_and_what_all_share_are_no_facts() -> None:
    people = people_of({"sex": ["F", "unknown"] * 5, "view": ["frontal"] * 10})
    assert people.names == ("sex=F",)


def test_patients_are_counted_not_cases() -> None:
    columns = {"sex": ["F", "F", "F", "F", "M", "M", "M", "M"]}
    few = conjunctions(people_of(columns, [0, 1, 0, 1, 2, 3, 4, 5]), depth=1, smallest=Smallest(2, 2))
    assert few.facts == ((), (1,))
    assert few.too_small == 1


# --- questions


def moved(scores: Any, *, development: bool = True) -> tuple[Judged, ModelAnswers]:
    cohort, own = made(axial, patients=30)
    n = len(own.nominal)
    wide = np.broadcast_to(scores, (n, np.shape(scores)[-1])).astype(np.float64)
    zero = np.zeros(wide.shape)
    matrix = ScoreMatrix("m", "shift", 0.1, wide, own.nominal, zero, zero, zero > 0, np.zeros(n, dtype=np.intp))
    if development:
        cohort.development[:] = True
    return cohort, ModelAnswers("m", own.nominal, (matrix,), own.failures)


def asked(cohort: Judged, own: ModelAnswers, metric: str) -> Question:
    return questions(cohort, own, (metric,), name="all", threshold=CUT)[0]  # type: ignore[arg-type]


def test_flip_rate_by_hand_and_more_repeats_are_no_more_cases() -> None:
    cohort, own = moved([0.2, 0.9, 0.8, 0.7])
    found = asked(cohort, own, "flip_rate")
    assert found.values.tolist() == np.where(own.nominal >= 0.5, 0.25, 0.75).tolist()
    many = asked(*moved(np.tile([0.2, 0.9, 0.8, 0.7], 10)), "flip_rate")
    assert many.values == pytest.approx(found.values)
    assert found.fixed["perturbation"] == "shift"
    assert asked(cohort, own, "missed").fixed["perturbation"] == "nominal"


@pytest.mark.parametrize(
    ("world", "metric", "reason"),
    [
        (made(axial, patients=30), "flip_rate", "the run moved no box"),
        (moved([0.1, 0.2], development=False), "rank_sd", "no development rows to rank against"),
        (moved([0.1]), "rank_sd", "fewer than two repeats"),
        (made(axial, patients=30), "false_alarm", "fewer than 5 patients in a half"),
        (made(axial, patients=8), "missed", "fewer than 5 patients in a half"),
    ],
)
def test_what_cannot_be_asked_says_why(world: tuple[Judged, ModelAnswers], metric: str, reason: str) -> None:
    found = searched(*world, metric)
    assert found.question.reason == reason
    assert found.table.empty
    assert slices_table([found]).columns.tolist() == list(SLICES_COLUMNS)


def test_failed_cases_are_left_out() -> None:
    cohort, own = moved([0.2, 0.9])
    own.nominal[3] = np.nan
    own.matrices[0].scores[5, 1] = np.nan
    assert 3 not in asked(cohort, own, "wrong").rows
    assert {3, 5}.isdisjoint(asked(cohort, own, "flip_rate").rows.tolist())
    assert {3, 5}.isdisjoint(asked(cohort, own, "rank_sd").rows.tolist())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_oracle_moves_more_on_axial_lesions(seed: int) -> None:
    facts = draw_facts(seed)
    facts = facts[facts["split"] != "train"].reset_index(drop=True)
    boxes = facts[BOX].to_numpy(dtype=np.float64)
    u = uniforms(seed, facts["case_id"].tolist(), repeats=range(6), stream=0)
    shift = 0.1 * (boxes[:, 2:] - boxes[:, :2])[:, None] * (2 * u[..., :2] - 1)
    nominal, scores = (
        expit(oracle_logits(facts, b))
        for b in (boxes[:, None], boxes[:, None] + np.concatenate([shift, shift], axis=-1))
    )
    facts["region"] = np.where(facts["site"].isin(["spine", "pelvis", "sacrum", "ribs"]), "axial", "limb")
    judged = facts["split"].eq("test").to_numpy()
    codes = pd.factorize(facts["patient_id"])[0].astype(np.intp)
    truth = facts["label"].eq("non-benign").to_numpy()
    cohort = Judged(facts, truth, codes, judged, ~judged, ("all",), facts.iloc[:0], ())
    zero = np.zeros(scores.shape)
    matrix = ScoreMatrix("o", "shift", 0.1, scores, nominal[:, 0], zero, zero, zero > 0, codes)
    found = searched(
        cohort, ModelAnswers("o", nominal[:, 0], (matrix,), facts), "rank_sd", by=("region", "sex", "view")
    )
    assert "region=axial" in confirmed(found)
    assert not [s for s in confirmed(found) if "sex" in s]


def test_all_metrics_are_asked() -> None:
    found = questions(*moved([0.2, 0.9]), METRICS, name="all", threshold=CUT)
    assert [q.metric for q in found] == list(METRICS)
    assert [q.fixed["operating_point"] for q in found] == ["given"] * 4 + [""]
    assert len({q.fixed["family"] for q in found}) == len(METRICS)
