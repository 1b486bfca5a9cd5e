"""The oracle on the phantom, 200 cohorts: is what is planted found, and nothing where nothing is, and do intervals cover?

    python benchmarks/oracle.py --json build/oracle.json --page docs/statistics.md

Every cohort is drawn anew, patients and cases as well as what is peculiar to them to the oracle. The truth comes from 2,200
further cohorts (about two million cases), none of which is judged. Goes on where it was stopped. Source of the bars: the
project's own estimands, section 9.
"""

# ruff: noqa: E402  (the number of threads is set before numpy is imported)
from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, cast

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from robustkit.analysis.tables import Choices, make_tables
from robustkit.atomic import write_text
from robustkit.cohort.derive import derive
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.engine.rows import SCHEMA
from robustkit.models.oracle import NON_BENIGN, ORACLE_SEED, oracle, oracle_logits
from robustkit.phantom.facts import N_EXTERNAL, N_INTERNAL, Kind, draw_facts
from robustkit.phantom.weaknesses import NOTHING_PLANTED, PLANTED, WEAKNESSES
from robustkit.registry import load
from robustkit.results.folder import RunFolder
from robustkit.seeds import uniforms
from robustkit.stats.auc import auc
from robustkit.strata._base import Stratifier
from scipy.special import expit

BOX = ["x0", "y0", "x1", "y1"]
BY = ("region", "size", "subtype")
LEVEL, REPEATS, THRESHOLD = 0.1, 8, 0.5
COHORTS, DRAWS = 200, 2000
TRUTH_FROM, TRUTH_COHORTS = 100_000, 2_200
METRICS = ("auc", "sensitivity", "specificity", "flip_rate")
SETTINGS = {"planted": (False, 1, DRAWS), "null": (True, 1, 200), "larger": (False, 4, 200)}
"""Is nothing planted, times the patients of the bundled cohort, draws of patients (few where no interval is asked)."""

LARGE = (("giant cell tumour", "sensitivity"), ("osteosarcoma", "sensitivity"), ("axial", "flip_rate"))
"""Planted in the external cohort, and large enough to be called in at least 90 % of the cohorts."""


def drawn(
    seed: int, *, is_null: bool, repeats: int, times: int = 1
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Give facts, nominal scores ``(n,)``, redrawn boxes and scores ``(n, R)`` of one cohort."""
    kind: Kind = "phantom-null" if is_null else "phantom"
    facts = draw_facts(seed, kind=kind, n_internal=times * N_INTERNAL, n_external=times * N_EXTERNAL)
    boxes = facts[BOX].to_numpy(dtype=np.float64)
    u = uniforms(seed, facts["case_id"].tolist(), repeats=range(repeats), stream=0)
    moved = LEVEL * (boxes[:, 2:] - boxes[:, :2])[:, None] * (2 * u[..., :2] - 1)
    redrawn = boxes[:, None] + np.concatenate([moved, moved], axis=-1)
    planted = NOTHING_PLANTED if is_null else PLANTED
    nominal, scores = (
        expit(oracle_logits(facts, b, planted=planted, seed=ORACLE_SEED + seed)) for b in (boxes[:, None], redrawn)
    )
    return facts, nominal[:, 0], redrawn, scores


def judged(seed: int, what: str) -> list[dict[str, Any]]:
    """Give the rows of strata.csv of one cohort that the questions need; ``what`` is one of ``SETTINGS``."""
    is_null, times, draws = SETTINGS[what]
    facts, nominal, boxes, scores = drawn(seed, is_null=is_null, repeats=REPEATS, times=times)
    keep = (facts["split"] != "train").to_numpy()
    with tempfile.TemporaryDirectory() as name:
        folder = _write(
            Path(name), facts[keep].reset_index(drop=True), nominal[keep], boxes=boxes[keep], scores=scores[keep]
        )
        choices = Choices(BY, THRESHOLD, "smoothed", "case", (), None, draws, seed)
        strata = make_tables(folder, read_vocabulary(), choices).frames["strata"]
    kept = strata[strata["metric"].isin(METRICS) & (strata["value"].notna() | strata["p"].notna())]
    columns = [
        "by",
        "stratum",
        "cohort",
        "metric",
        "level",
        "value",
        "low",
        "high",
        "n_cases",
        "p",
        "p_adjusted",
        "family",
    ]
    return [{**r, "seed": seed} for r in kept[columns].to_dict("records")]


def _write(path: Path, facts: pd.DataFrame, nominal: np.ndarray, *, boxes: np.ndarray, scores: np.ndarray) -> RunFolder:
    """Write a run of the oracle without asking it again."""
    n, per = scores.shape
    every = np.concatenate([facts[BOX].to_numpy(dtype=float)[:, None], boxes], axis=1).reshape(-1, 4)
    told = np.concatenate([nominal[:, None], scores], axis=1).ravel()
    kinds = pa.array(["nominal", *["shift"] * per] * n)
    rows = pa.table({
        "model": pa.array(["oracle"] * len(told)), "case_id": pa.array(np.repeat(facts["case_id"].to_numpy(str), per + 1)),
        "perturbation": kinds, "level": np.tile([0.0, *[LEVEL] * per], n), "repeat": np.tile([0, *range(per)], n).astype(np.int32),
        **{b: every[:, i] for i, b in enumerate(BOX)}, "score": told,
        "logits": pa.array([[float(v)] for v in told], pa.list_(pa.float32())),
        "status": pa.array(["ok"] * len(told)), "reason": pa.array([""] * len(told)),
    }, schema=SCHEMA)  # fmt: skip
    (path / "predictions").mkdir(parents=True)
    pq.write_table(rows, path / "predictions" / "part-0.parquet")
    facts.to_parquet(path / "cases.parquet", index=False)
    one = oracle()
    folder = RunFolder(path)
    folder.write_record({
        "format": 1, "status": "complete", "seed": 0, "repeats": per,
        "perturbations": [{"kind": "shift", "levels": [LEVEL], "units": "side"}],
        "models": [{"name": "oracle", "classes": list(one.classes), "positive": list(one.positive), "operating_points": {}}],
        "positive_labels": sorted(NON_BENIGN),
    })  # fmt: skip
    return folder


def truth(n_cohorts: int) -> dict[str, float]:
    """Give the value of every cohort, stratum, metric and level over many cohorts."""
    with ProcessPoolExecutor(os.cpu_count() or 1) as pool:
        frames = list(pool.map(_truth_rows, range(TRUTH_FROM, TRUTH_FROM + n_cohorts), chunksize=20))
    rows = pd.concat(frames, ignore_index=True)
    for column in ("cohort", *BY):
        rows[column] = rows[column].astype("category")
    found = {}
    for cohort in ("all", "internal", "external"):
        # a judged cohort holds the test fifth of the internal patients and all external ones
        own = rows if cohort == "all" else rows[rows["cohort"] == cohort]
        own = own[(own["cohort"] == "external") | own["is_test"]] if cohort == "all" else own
        for by in ("all", *BY):
            for stratum, part in [("all", own)] if by == "all" else own.groupby(by, observed=True):
                found |= {f"{cohort}|{by}|{stratum}|{m}|{v:g}": x for m, v, x in _values(part)}
    return found


def _truth_rows(seed: int) -> pd.DataFrame:
    facts, nominal, _, scores = drawn(seed, is_null=False, repeats=1)
    derived = derive(facts, read_vocabulary())
    development = pd.Series(np.zeros(len(facts), dtype=bool), index=facts.index)
    strata = {
        by: cast(Stratifier, load("strata", by)).assign(derived, development=development).astype(str) for by in BY
    }
    return pd.DataFrame({
        "cohort": facts["cohort"], "is_test": facts["split"] == "test", **strata, "positive": facts["label"].isin(NON_BENIGN),
        "nominal": nominal.astype(np.float32), "moved": scores[:, 0].astype(np.float32),
    })  # fmt: skip


def _values(part: pd.DataFrame) -> Iterator[tuple[str, float, float]]:
    y = part["positive"].to_numpy()
    z, s = (part[c].to_numpy(dtype=np.float64) for c in ("nominal", "moved"))
    for level, own in ((0.0, z), (LEVEL, s)):
        if y.any():
            yield "sensitivity", level, float((own[y] >= THRESHOLD).mean())
        if not y.all():
            yield "specificity", level, float((own[~y] < THRESHOLD).mean())
        if y.any() and not y.all():
            yield "auc", level, float(auc(y, own))
    yield "flip_rate", LEVEL, float(((s >= THRESHOLD) != (z >= THRESHOLD)).mean())


def main() -> None:
    """Judge what is not there yet; write JSON and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="build/oracle.json")
    parser.add_argument("--page", default="")
    parser.add_argument("--cohorts", type=int, default=COHORTS)
    parser.add_argument("--truth-cohorts", type=int, default=TRUTH_COHORTS)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    wish = parser.parse_args()
    file, scratch = Path(wish.json), Path(wish.json).with_suffix("")
    scratch.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(wish.workers) as pool:
        asked = {
            pool.submit(judged, seed, what): scratch / f"{what}-{seed:04d}.json"
            for what in SETTINGS
            for seed in range(wish.cohorts)
            if not (scratch / f"{what}-{seed:04d}.json").is_file()
        }
        for done in as_completed(asked):
            write_text(asked[done], json.dumps(done.result()))
    held = scratch / f"truth-{wish.truth_cohorts}.json"
    if not held.is_file():
        write_text(held, json.dumps(truth(wish.truth_cohorts), indent=1))
    found = summary(_read(scratch, "planted"), _read(scratch, "null"), json.loads(held.read_text(encoding="utf-8")))
    found["called, larger"], found["right way, larger"] = power(_read(scratch, "larger"))
    found |= {"cohorts": wish.cohorts, "truth_cohorts": wish.truth_cohorts}
    write_text(file, json.dumps(found, indent=1))
    print(json.dumps(found, indent=1))
    if wish.page:
        write_text(Path(wish.page), page(Path(wish.page), found))


def _read(scratch: Path, kind: str) -> pd.DataFrame:
    return pd.DataFrame(
        [r for f in sorted(scratch.glob(f"{kind}-*.json")) for r in json.loads(f.read_text(encoding="utf-8"))]
    )


def summary(planted: pd.DataFrame, null: pd.DataFrame, known: dict[str, float]) -> dict[str, Any]:
    """Give power, direction, family-wise error and coverage."""
    called, signs = power(planted)
    tested = null[null["p"].notna() & null["metric"].isin(["sensitivity", "specificity"])]
    is_overall = tested["stratum"] == "(heterogeneity)"
    families = tested[~is_overall].groupby(["seed", "family"])["p_adjusted"].min()
    return {
        "called": called, "right way": signs,
        "family-wise error": round(float((families < 0.05).mean()), 4), "families": len(families),
        "heterogeneity rejects": round(float((tested.loc[is_overall, "p"] < 0.05).mean()), 4),
        "coverage": _coverage(planted, known),
    }  # fmt: skip


def power(planted: pd.DataFrame) -> tuple[dict[str, float], dict[str, float]]:
    """Give the share of cohorts in which each weakness is called, and in which it lies the right way."""
    called, signs = {}, {}
    for w in WEAKNESSES:
        if w.by == "cohort":
            continue
        level = LEVEL if w.metric == "flip_rate" else 0.0
        own = planted[
            (planted["by"] == w.by) & (planted["cohort"] == w.cohort) & (planted["metric"] == w.metric) & (planted["level"] == level)
            & planted["value"].notna()
        ]  # fmt: skip
        name = f"{w.cohort}: {w.stratum}, {w.metric}"
        inside = own["stratum"].str.startswith(w.stratum)
        rest = (
            own[~inside].assign(total=lambda d: d["value"] * d["n_cases"]).groupby("seed")[["total", "n_cases"]].sum()
        )
        mine = own[inside].set_index("seed")
        apart = mine["value"] - rest["total"] / rest["n_cases"]
        apart = apart.dropna()
        if apart.empty:
            continue  # never estimable: too few patients of either class
        signs[name] = round(float((np.sign(apart) == w.sign).mean()), 3)
        if mine["p_adjusted"].notna().any():
            called[name] = round(float((mine["p_adjusted"] < 0.05).mean()), 3)
    return called, signs


def _coverage(planted: pd.DataFrame, known: dict[str, float]) -> dict[str, dict[str, float]]:
    rows = planted[planted["low"].notna() & (planted["stratum"] != "(heterogeneity)")]
    keys = [f"{r.cohort}|{r.by}|{r.stratum}|{r.metric}|{r.level:g}" for r in rows.itertuples()]
    value = np.array([known.get(k, np.nan) for k in keys])
    covered = (rows["low"].to_numpy() <= value) & (value <= rows["high"].to_numpy())
    kinds = [
        f"{m}, {'boxes as given' if v == 0 else 'redrawn boxes'}"
        for m, v in zip(rows["metric"], rows["level"], strict=True)
    ]
    frame = pd.DataFrame({"kind": kinds, "key": keys, "covered": covered})[np.isfinite(value)]
    found = {}
    for kind, part in frame.groupby("kind"):
        by_key = part.groupby("key")["covered"].agg(["mean", "size"])
        own = by_key[by_key["size"] >= 100]
        found[str(kind)] = {
            "intervals": len(part), "coverage": round(float(part["covered"].mean()), 4),
            "lowest of a stratum": round(float(own["mean"].min()), 3), "highest of a stratum": round(float(own["mean"].max()), 3),
        }  # fmt: skip
    return found


def page(file: Path, found: dict[str, Any]) -> str:
    """Put the tables between the marks of the page, and leave the rest of it as it is."""
    begin, end = "<!-- oracle: begin -->", "<!-- oracle: end -->"
    text = file.read_text(encoding="utf-8")
    before, after = text.split(begin)[0], text.split(end)[1]
    lines = [
        f"{found['cohorts']} cohorts of about 480 judged cases; truth from {found['truth_cohorts']:,} others. Nothing planted: "
        f"family-wise error {found['family-wise error']:.1%} over {found['families']:,} families (at most 7.5 %), heterogeneity "
        f"called in {found['heterogeneity rejects']:.1%}.",
        "",
        "| planted | lies the right way | called (adjusted p under .05) | right way, four times the patients | called, four times |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {k} | {_share(found['right way'].get(k))} | {_share(found['called'].get(k))} | {_share(v)} "
            f"| {_share(found['called, larger'].get(k))} |"
            for k, v in found["right way, larger"].items()
        ),
        "",
        "| interval | how many | cover the truth | lowest, highest of a stratum with 100 or more |",
        "| --- | --- | --- | --- |",
        *(
            f"| {k} | {v['intervals']:,} | {v['coverage']:.1%} | {v['lowest of a stratum']:.1%}, {v['highest of a stratum']:.1%} |"
            for k, v in found["coverage"].items()
        ),
    ]
    return before + begin + "\n" + "\n".join(lines) + "\n" + end + after


def _share(value: float | None) -> str:
    return "not tested" if value is None else f"{value:.1%}"


if __name__ == "__main__":
    main()
