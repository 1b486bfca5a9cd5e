"""A reader study from end to end on the phantom (simulated films): packs, ratings in a browser, analysis, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from robustkit.api.perturb import perturb
from robustkit.api.readers_analyse import readers_analyse
from robustkit.api.readers_pack import readers_pack
from robustkit.api.report import report
from robustkit.api.stratify import stratify
from robustkit.errors import InputError, ReadingsError
from robustkit.phantom.facts import PHANTOM_SEED, draw_lesions
from robustkit.phantom.manifest import bundled_manifest
from robustkit.phantom.store import film_bytes
from robustkit.results.folder import RunFolder

from watched import watch

N, RATED = 40, 3
"""Cases of the study, and those of a pack that are rated in a browser."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give the packs of two readers."""
    folder = tmp_path_factory.mktemp("phantom")
    manifest = folder / "manifest.csv"
    manifest.write_bytes(bundled_manifest())
    frame = pd.read_csv(manifest)
    test = frame[frame["split"].ne("train") & frame["split"].ne("val")].drop_duplicates("patient_id")
    kept = test.groupby(["cohort", "label"]).head(15)
    kept.to_csv(manifest, index=False)
    lesions = draw_lesions(PHANTOM_SEED)
    for name, rows in lesions[lesions["image"].isin(kept["image"])].groupby("image", sort=False):
        file = folder / str(name)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(film_bytes(rows))
    run = folder / "run"
    perturb(
        model=["phantom-oracle"],
        manifest=[manifest],
        shifts=["0.1"],
        repeats=6,
        out=run,
        device="cpu",
        command=["robustkit"],
    )
    stratify(run=run, draws=100, threshold=0.5)
    return readers_pack(run=run, n=N, practice=1, film_px=300)


def _rated(browser: Any, pack: Any, folder: Path) -> pd.DataFrame:
    """Rate the first cases of a pack as a reader does, and save."""
    context = browser.new_context(accept_downloads=True)
    page = context.new_page()
    said = watch(page)
    page.goto(pack.file.as_uri())
    page.click("#begin")
    for rating in ("50", "80", "20", "60")[: 1 + RATED]:
        for key in rating:
            page.keyboard.press(key)
        page.keyboard.press("f")
        page.keyboard.press("Enter")
    with page.expect_download() as waiting:
        page.click("[data-save=csv]")
    file = folder / f"{pack.file.stem}.csv"
    waiting.value.save_as(file)
    assert said == []
    context.close()
    return pd.read_csv(file, dtype=str, keep_default_na=False)


def _session_2_later(frame: pd.DataFrame) -> pd.DataFrame:
    """Move the second session by the washout: the clock of this test does not wait for it."""
    at = pd.to_datetime(frame["read_at"]) + pd.to_timedelta(np.where(frame["session"] == "2", 29, 0), unit="D")
    return frame.assign(read_at=[t.isoformat() for t in at])


def _simulated(key: pd.DataFrame, done: pd.DataFrame, truth: pd.Series, random: np.random.Generator) -> pd.DataFrame:
    """Give readings of all cases of the key that were not rated: readers who see the truth through noise."""
    rated = set(zip(done["reader_id"], done["session"], done["arm"], done["code"], strict=True))
    rest = key[[k not in rated for k in zip(key["reader_id"], key["session"], key["arm"], key["code"], strict=True)]]
    rest = rest[rest["practice"] == "False"]
    noise = np.where(rest["arm"] == "aided", 12, 22)
    score = np.clip(np.where(truth.loc[rest["case_id"]], 68, 32) + random.normal(0, 1, len(rest)) * noise, 0, 100)
    return rest[["reader_id", "session", "arm", "code"]].assign(
        study=done["study"].iloc[0], score=np.rint(score).astype(int).astype(str), practice="false", decision="follow",
        read_at=done["read_at"].min(), seconds="20",
    )  # fmt: skip


@pytest.fixture(scope="module")
def readings(browser: Any, study: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    done = pd.concat([_rated(browser, p, folder) for p in study.packs])
    assert len(done) == len(study.packs) * (1 + RATED)
    run = RunFolder(study.folder.parent)
    cases = run.cases().set_index("case_id")
    key = pd.read_csv(study.key, dtype=str)
    rest = _simulated(key, done, cases["label"].eq("non-benign"), np.random.default_rng(0))
    file = folder / "readings.csv"
    _session_2_later(pd.concat([done, rest])).to_csv(file, index=False)
    return file


def test_from_packs_to_the_report(study: Any, readings: Path) -> None:
    run = study.folder.parent
    found = readers_analyse(readings=[readings], run=run, draws=200)
    assert found.n_readings == 2 * 2 * N
    assert found.n_practice == len(study.packs)
    assert found.model == "phantom-oracle"
    per_reader = {(r.reader_id, r.cohort): r for r in found.rows if (r.analysis, r.metric) == ("per reader", "auc")}
    assert all(per_reader[f"reader-{k}", "all"].n_cases == N for k in (1, 2))
    assert {c for _, c in per_reader} == {"all", "internal", "external"}
    assert any(r.analysis == "gain by stability" and r.value_a == r.value_a for r in found.rows)
    page = report(runs=[run]).path.read_text(encoding="utf-8")
    assert 'id="readers"' in page
    assert "Does help depend on the model being stable?" in page


def test_ratings_of_the_browser_are_those_of_the_analysis(study: Any, readings: Path) -> None:
    frame = pd.read_csv(readings, dtype=str, keep_default_na=False)
    own = frame[frame["practice"].eq("false")].groupby(["reader_id", "session", "arm"], sort=False).head(RATED)
    assert own["score"].tolist() == ["80", "20", "60"] * len(study.packs)
    assert set(own["decision"]) == {"follow"}


def test_readings_without_their_washout_are_refused(study: Any, readings: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(readings, dtype=str, keep_default_na=False)
    early = tmp_path / "early.csv"
    frame.assign(read_at="2026-05-05T10:00:00Z").to_csv(early, index=False)
    with pytest.raises(ReadingsError) as caught:
        readers_analyse(readings=[early], run=study.folder.parent)
    assert len(caught.value.rows) == 2 * N


def test_packs_of_another_run_are_refused(study: Any, readings: Path, tmp_path: Path) -> None:
    other = tmp_path / "study"
    other.mkdir()
    for name in ("study.json", "key.csv"):
        text = (study.folder / name).read_text(encoding="utf-8")
        (other / name).write_text(text.replace('"identity": "', '"identity": "0'), encoding="utf-8")
    with pytest.raises(InputError, match="another run"):
        readers_analyse(readings=[readings], run=study.folder.parent, study=other)
