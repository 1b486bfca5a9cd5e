"""The oracle on the phantom: what is planted comes out of strata.csv, and nothing does where nothing is planted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from robustkit.analysis.tables import Choices, make_tables
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.models.oracle import oracle_logits
from robustkit.phantom.facts import draw_facts
from robustkit.phantom.weaknesses import NOTHING_PLANTED, PLANTED, WEAKNESSES, Planted, Weakness
from robustkit.seeds import uniforms
from scipy.special import expit

from factories import BOX, Answers, write_run

SEEDS, NULL_SEEDS = range(20), range(8)
REPEATS, LEVEL = 6, 0.1


def strata_of(seed: int, folder: Path, planted: Planted) -> pd.DataFrame:
    """Give strata.csv of the oracle on one drawn cohort, at the threshold that the weaknesses are written for."""
    facts = draw_facts(seed)
    facts = facts[facts["split"] != "train"].reset_index(drop=True)
    boxes = facts[BOX].to_numpy(dtype=np.float64)
    u = uniforms(seed, facts["case_id"].tolist(), repeats=range(REPEATS), stream=0)
    moved = LEVEL * (boxes[:, 2:] - boxes[:, :2])[:, None] * (2 * u[..., :2] - 1)
    redrawn = boxes[:, None] + np.concatenate([moved, moved], axis=-1)
    nominal, scores = (expit(oracle_logits(facts, b, planted=planted)) for b in (boxes[:, None], redrawn))
    at = ("shift", LEVEL)
    run = write_run(folder / str(seed), facts, {"oracle": Answers(nominal[:, 0], {at: scores})}, boxes={at: redrawn})
    choices = Choices(("region", "size", "subtype"), 0.5, "smoothed", "case", (), None, 100, seed)
    return make_tables(run, read_vocabulary(), choices).frames["strata"].assign(seed=seed)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    folder = tmp_path_factory.mktemp("planted")
    return pd.concat([strata_of(s, folder, PLANTED) for s in SEEDS], ignore_index=True)


def found(strata: pd.DataFrame, weakness: Weakness) -> pd.DataFrame:
    """Give ``difference`` (stratum minus rest) and ``p_adjusted`` of every seed in which both are estimable."""
    level = LEVEL if weakness.metric == "flip_rate" else 0.0
    rows = strata[(strata["metric"] == weakness.metric) & (strata["level"] == level) & strata["value"].notna()]
    out = []
    for _, part in rows.groupby("seed"):
        if weakness.by == "cohort":
            whole = part[part["by"] == "all"].set_index("cohort")["value"]
            out.append((whole["external"] - whole["internal"], np.nan))
            continue
        part = part[(part["by"] == weakness.by) & (part["cohort"] == weakness.cohort)]
        own = part["stratum"].str.startswith(weakness.stratum)
        if own.any() and not own.all():
            rest = np.average(part.loc[~own, "value"], weights=part.loc[~own, "n_cases"])
            out.append((part.loc[own, "value"].item() - rest, part.loc[own, "p_adjusted"].item()))
    return pd.DataFrame(out, columns=["difference", "p_adjusted"])


@pytest.mark.parametrize("weakness", WEAKNESSES, ids=lambda w: f"{w.cohort} {w.by} {w.stratum} {w.metric}")
def test_planted_weaknesses_come_out(planted: pd.DataFrame, weakness: Weakness) -> None:
    seeds = found(planted, weakness)
    if len(seeds) < 5:
        reasons = set(planted.loc[planted["stratum"].str.startswith(weakness.stratum), "reason"])
        assert any(r.startswith("fewer than 10 patients of either class") for r in reasons)
        return
    mean, error = seeds["difference"].mean(), seeds["difference"].sem()
    assert np.sign(mean) == weakness.sign
    assert (np.sign(seeds["difference"]) == weakness.sign).mean() >= 0.8
    # `about` holds for endless cohorts: three errors of the mean, and a quarter for the mix of the rest
    assert abs(mean - weakness.about) < 3 * error + 0.25 * abs(weakness.about)


@pytest.mark.parametrize(
    ("stratum", "metric", "power"),
    [("giant cell tumour", "sensitivity", 0.9), ("osteosarcoma", "sensitivity", 0.9), ("axial", "flip_rate", 0.9)],
)
def test_large_weaknesses_are_called_after_adjustment(
    planted: pd.DataFrame, stratum: str, metric: str, power: float
) -> None:
    weakness = next(w for w in WEAKNESSES if (w.stratum, w.metric, w.cohort) == (stratum, metric, "external"))
    assert (found(planted, weakness)["p_adjusted"] < 0.05).mean() >= power


def test_nothing_is_called_where_nothing_is_planted(tmp_path: Path) -> None:
    strata = pd.concat([strata_of(s, tmp_path, NOTHING_PLANTED) for s in NULL_SEEDS], ignore_index=True)
    tested = strata[strata["p"].notna() & strata["metric"].isin(["sensitivity", "specificity"])]
    is_overall = tested["stratum"] == "(heterogeneity)"
    families = tested[~is_overall].groupby(["seed", "family"])["p_adjusted"].min()
    assert len(families) == len(NULL_SEEDS) * 36
    assert (families < 0.05).mean() <= 0.075
    assert (tested.loc[is_overall, "p"] < 0.05).mean() <= 0.075
