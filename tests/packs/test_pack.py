"""Packs tell a reader nothing that they must not know; the same study is written again the same, another is refused."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.readers_pack import readers_pack
from robustkit.api.stratify import stratify
from robustkit.errors import InputError
from robustkit.results.folder import RunFolder

from made_lookers import LAYER, write_cohort, write_lookers


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    lesion, _ = write_lookers(folder)
    manifest = write_cohort(folder)
    frame = pd.read_csv(manifest)
    frame["cohort"], frame["centre"] = "hospital-north", "centre-seven"
    frame["age_years"], frame["sex"] = range(20, 60), "F"
    frame.to_csv(manifest, index=False)
    out = folder / "run"
    perturb(
        model=[f"model-of-note={lesion}"], manifest=[manifest], shifts=["0.1"], repeats=2, out=out, device="cpu",
        backend="eager", command=["robustkit"],
    )  # fmt: skip
    stratify(run=out, draws=100, threshold=0.5)
    heatmaps(run=out, layer=LAYER, repeats=0, draws=200, check_cases=0, device="cpu")
    return out


@pytest.fixture(scope="module")
def study(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return readers_pack(run=run, n=12, practice=2, out=tmp_path_factory.mktemp("packs") / "study", film_px=300)


def _told(page: Path) -> str:
    """Everything of a page but the bytes of its films."""
    return re.sub(r'<script type="text/plain" id="film-[^>]*>[^<]*</script>', "", page.read_text(encoding="utf-8"))


def _data(page: Path) -> Any:
    """What the page's script is given."""
    found = re.search(r'id="data-pack">(.*?)</script>', page.read_text(encoding="utf-8"), re.S)
    assert found
    return json.loads(found[1])


def test_a_reader_has_four_packs(study: Any) -> None:
    assert [(p.reader, p.session, p.arm) for p in study.packs] == [
        (r, s, a) for r in ("reader-1", "reader-2") for s in (1, 2) for a in ("unaided", "aided")
    ]
    assert all((p.n_cases, p.n_practice) == (6, 2) for p in study.packs)


def test_no_pack_tells_what_its_reader_must_not_know(study: Any, run: Path) -> None:
    cases = RunFolder(run).cases()
    hidden = {
        *cases["label"], *cases["subtype"], *cases["cohort"], *cases["centre"], *cases["case_id"], *cases["patient_id"],
        *(Path(i).name for i in cases["image"]), "films/", "model-of-note", str(run),
        "osteosarcoma", "malignant", "key.csv",
    }  # fmt: skip
    for pack in study.packs:
        told = _told(pack.file).lower()
        found = [h for h in hidden if re.search(rf"(?<![a-z0-9]){re.escape(str(h).lower())}(?![a-z0-9])", told)]
        assert found == [], pack.file


def test_unaided_packs_have_no_answer_of_the_model(study: Any, run: Path) -> None:
    rows = RunFolder(run).predictions(filters=[("perturbation", "==", "nominal")])
    for pack in study.packs:
        data = _data(pack.file)
        assert all(("aid" in c) == (pack.arm == "aided") for c in data["cases"])
        told = _told(pack.file)
        for score in rows["score"]:
            assert f"{score:.3f}" not in told
            assert f"{score:.4f}" not in told


def test_aided_packs_say_what_the_run_says(study: Any, run: Path) -> None:
    rows = RunFolder(run).predictions(filters=[("perturbation", "==", "nominal")]).set_index("case_id")["score"]
    key = pd.read_csv(study.key).set_index(["reader_id", "code"])["case_id"]
    key = key[~key.index.duplicated()]
    for pack in (p for p in study.packs if p.arm == "aided"):
        data = _data(pack.file)
        for case in data["cases"]:
            score = rows[key[pack.reader, case["code"]]]
            assert case["aid"]["above"] == bool(score >= 0.5)
            below = (rows < score).mean() + (rows == score).mean() / 2
            assert case["aid"]["rank"] == pytest.approx(100 * below, abs=0.51)
            # this network has no map where there is no blob
            assert bool(case["aid"]["heatmap"]) == bool(score > 0.2)


def test_films_carry_no_data_of_the_file(study: Any) -> None:
    page = study.packs[0].file.read_text(encoding="utf-8")
    films = re.findall(r'id="film-[^"]*">([^<]*)</script>', page)
    assert len(films) == 8
    with Image.open(io.BytesIO(base64.b64decode(films[0]))) as film:
        assert film.size == (260, 260)
        assert not film.getexif()
        assert set(film.info) <= {"loop", "background", "timestamp", "duration"}


def test_the_same_study_is_written_again_the_same(study: Any, run: Path) -> None:
    before = {p.file: p.file.read_bytes() for p in study.packs}
    again = readers_pack(run=run, n=12, practice=2, out=study.folder, film_px=300)
    assert {p.file: p.file.read_bytes() for p in again.packs} == before


def test_another_study_does_not_go_over_one_that_is_out(study: Any, run: Path) -> None:
    with pytest.raises(InputError, match="seed"):
        readers_pack(run=run, n=12, practice=2, out=study.folder, film_px=300, seed=1)


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ({"facts": ["subtype"]}, "tell the reader"),
        ({"reader": ["Dr. Who"]}, "--reader"),
        ({"reader": ["a", "a"]}, "different"),
        ({"n": 1}, "--n"),
        ({"model": "other"}, "model-of-note"),
        ({"film_px": 10}, "--film-px"),
        ({"by": ["shoe"]}, "shoe"),
    ],
)
def test_bad_flags_are_refused_and_nothing_is_written(
    run: Path, tmp_path: Path, flags: dict[str, Any], match: str
) -> None:
    with pytest.raises(InputError, match=match):
        readers_pack(run=run, out=tmp_path / "study", **flags)
    assert not (tmp_path / "study").exists()


def test_what_is_less_than_asked_is_said(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    shutil.rmtree(copy / "heatmaps")
    found = readers_pack(run=copy, n=500, practice=3, design="sequential", film_px=300, readers=1)
    said = " ".join(found.warnings)
    assert "500 cases were asked for; the run has 40" in said
    assert "0 patients are left" in said
    assert "no heatmaps" in said
    assert "cannot be told apart" in said
    assert [p.arm for p in found.packs] == ["unaided", "aided"]


@pytest.mark.parametrize("allowed", [True, False])
def test_films_are_read_as_the_run_read_them(tmp_path: Path, allowed: bool) -> None:
    """A truncated film that the run was allowed to read is in the pack; one that it refused is no case of the run."""
    lesion, _ = write_lookers(tmp_path)
    manifest = write_cohort(tmp_path, n=24)
    frame = pd.read_csv(manifest)
    Image.open(tmp_path / frame["image"][1]).save(tmp_path / "films" / "cut.jpg", quality=95)
    whole = (tmp_path / "films" / "cut.jpg").read_bytes()
    (tmp_path / "films" / "cut.jpg").write_bytes(whole[: len(whole) * 9 // 10])
    frame.loc[1, "image"] = "films/cut.jpg"
    frame.to_csv(manifest, index=False)
    out = tmp_path / "run"
    perturb(
        model=[f"m={lesion}"], manifest=[manifest], shifts=["0.1"], repeats=2, out=out, device="cpu", backend="eager",
        allow_truncated=allowed, command=["robustkit"],
    )  # fmt: skip
    stratify(run=out, draws=100, threshold=0.5)
    made = readers_pack(run=out, practice=0, no_heatmaps=True, out=tmp_path / "study", film_px=200)
    assert (frame["case_id"][1] in set(pd.read_csv(made.key)["case_id"])) == allowed
