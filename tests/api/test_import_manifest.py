"""import: what is written can be used as it is; what cannot be used is not written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.api.describe import describe
from robustkit.api.import_manifest import ImportSummary, import_manifest
from robustkit.api.validate import validate
from robustkit.cohort.manifest import read_manifest
from robustkit.errors import InputError, ManifestError, UnknownNameError

from made_annotations import BOXES, write_coco, write_films, write_labelme, write_voc, write_yolo


def _coco(tmp_path: Path, **options: object) -> ImportSummary:
    films = write_films(tmp_path / "films")
    source = write_coco(tmp_path / "boxes.json")
    given = {"output": tmp_path / "out" / "cases.csv", "images": films, **options}
    return import_manifest(format="coco", source=source, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["cases.csv", "cases.parquet"])
def test_what_is_written_reads_validates_and_counts(tmp_path: Path, name: str) -> None:
    summary = _coco(tmp_path, output=tmp_path / "out" / name)
    assert (summary.n_cases, summary.n_films, summary.labels) == (3, 2, {"benign": 3})
    frame = read_manifest(summary.manifest).frame.set_index("case_id")
    assert frame.loc["b-1", ["x0", "y0", "x1", "y1"]].tolist() == list(BOXES["b"][0])
    assert validate(manifest=[summary.manifest]).is_good
    assert describe(manifest=[summary.manifest]).n_films == 2
    assert [p.name for p in summary.manifest.parent.iterdir()] == [name]


def test_beside_its_films_a_manifest_needs_no_root(tmp_path: Path) -> None:
    summary = _coco(tmp_path, output=tmp_path / "films" / "cases.csv")
    assert "image_root" not in pd.read_csv(summary.manifest)
    assert validate(manifest=[summary.manifest]).is_good


def test_a_manifest_above_its_films_can_be_moved_with_them(tmp_path: Path) -> None:
    summary = _coco(tmp_path, output=tmp_path / "cases.csv")
    assert set(pd.read_csv(summary.manifest)["image_root"]) == {"films"}
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("films", "cases.csv"):
        (tmp_path / name).rename(moved / name)
    assert validate(manifest=[moved / "cases.csv"]).is_good


@pytest.mark.parametrize(
    ("name", "write"), [("voc", write_voc), ("yolo", write_yolo), ("labelme", write_labelme)], ids=lambda x: str(x)[:8]
)
def test_every_format_gives_a_manifest_that_validates(tmp_path: Path, name: str, write: object) -> None:
    films = write_films(tmp_path / "films", orientation=6)
    source = write(tmp_path / name)  # type: ignore[operator]
    out = tmp_path / "cases.csv"
    summary = import_manifest(format=name, source=source, output=out, images=films, box_frame="stored")
    assert summary.n_cases == 3
    assert validate(manifest=[out]).is_good


def test_all_bad_boxes_are_named_and_nothing_is_written(tmp_path: Path) -> None:
    source = write_coco(tmp_path / "boxes.json")
    content = json.loads(source.read_text())
    content["annotations"][0]["bbox"][2] = 0
    content["annotations"][2]["bbox"][3] = -5
    source.write_text(json.dumps(content))
    out = tmp_path / "cases.csv"
    with pytest.raises(ManifestError, match="2 bad values in 2 boxes; nothing is written") as caught:
        import_manifest(format="coco", source=source, output=out, images=write_films(tmp_path / "films"))
    assert [r.reason[-10:] for r in caught.value.rows] == ["(case a-1)", "(case b-1)"]
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"format": "dicom"}, UnknownNameError, "dicom"),
        ({"column": ["xmin"]}, InputError, "expected THEIRS=OURS, got 'xmin'"),
        ({"split_blocks": -1}, InputError, "expected 0 or more, got -1"),
        ({"source": Path("nowhere.json")}, InputError, "not readable JSON"),
        ({"images": Path("nowhere")}, InputError, "no such folder of films"),
        ({"output": Path()}, InputError, "expected a file to write to, got a folder"),
        ({"label": " "}, ManifestError, "must not be empty"),
    ],
)
def test_mistakes_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object], error: type[InputError], match: str
) -> None:
    monkeypatch.chdir(tmp_path)
    films, source = write_films(tmp_path / "films"), write_coco(tmp_path / "boxes.json")
    given = {"format": "coco", "source": source, "images": films, "output": Path("cases.csv"), **options}
    with pytest.raises(error, match=match):
        import_manifest(**given)  # type: ignore[arg-type]
    assert not Path("cases.csv").exists()


def test_a_film_linked_from_elsewhere_is_refused(tmp_path: Path) -> None:
    films = write_films(tmp_path / "films")
    (films / "b.jpg").rename(tmp_path / "b.jpg")
    (films / "b.jpg").symlink_to(tmp_path / "b.jpg")
    source = write_coco(tmp_path / "boxes.json")
    with pytest.raises(ManifestError, match="the path leaves the manifest's folder"):
        import_manifest(format="coco", source=source, output=tmp_path / "c.csv", images=films)


def test_a_subtype_as_a_label_is_kept_as_both(tmp_path: Path) -> None:
    source = write_coco(tmp_path / "boxes.json")
    source.write_text(source.read_text().replace('"benign"', '"Osteosarcoma"'))
    films = write_films(tmp_path / "films")
    out = tmp_path / "cases.csv"
    import_manifest(format="coco", source=source, output=out, images=films)
    frame = pd.read_csv(out)
    assert set(frame["label"]) == set(frame["subtype"]) == {"Osteosarcoma"}
    assert validate(manifest=[out]).is_good
    counts = {(c.by, c.value): c.n_positive for c in describe(manifest=[out]).counts}
    assert counts["group", "malignant"] == 3


def _two_kinds(folder: Path, *, n: int) -> Path:
    """Write n films with a bright lesion and n without, all dark at one side, as a table."""
    random = np.random.default_rng(2)
    rows = []
    for i in range(2 * n):
        film = random.normal(20, 3, (80, 100))
        film[:, 30:70] += 100
        box = ["", "", "", ""]
        if i < n:
            y = int(random.integers(5, 55))
            film[y : y + 16, 40:56] += 60
            box = [40, y, 56, y + 16]
        Image.fromarray(film.clip(0, 255).astype(np.uint8)).save(folder / f"{i:03d}.png")
        corners = dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))
        rows.append(
            {"image": f"{i:03d}.png", **corners, "label": "malignant" if i < n else "normal", "view": "frontal"}
        )
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


@pytest.mark.parametrize("kind", ["matched", "placed"])
def test_controls_and_the_shortcut_that_they_leave(tmp_path: Path, kind: str) -> None:
    source = _two_kinds(tmp_path, n=12)
    out = tmp_path / "cases.csv"
    summary = import_manifest(format="csv", source=source, output=out, controls=kind)  # type: ignore[arg-type]
    frame = pd.read_csv(out)
    assert frame["box_source"].value_counts().to_dict() == {"lesion": 12, "control": 12}
    assert summary.labels == {"malignant": 12, "normal": 12}
    assert validate(manifest=[out]).is_good
    # lesions are 60 levels brighter than bone: no control can match them, and six numbers tell them apart
    assert summary.no_network_auc > 0.9
    assert any("without any network" in w for w in summary.warnings)
    assert any("AUC" in n and "grey summaries, sizes, view)" in n for n in summary.notes)


def test_without_controls_free_films_are_left_out_and_said(tmp_path: Path) -> None:
    summary = import_manifest(format="csv", source=_two_kinds(tmp_path, n=2), output=tmp_path / "cases.csv")
    assert summary.n_cases == 2
    assert "2 films without a lesion are left out; --controls matched draws boxes on them" in summary.notes
    assert np.isnan(summary.no_network_auc)


def test_too_few_films_for_the_shortcut_are_said(tmp_path: Path) -> None:
    out = tmp_path / "cases.csv"
    summary = import_manifest(format="csv", source=_two_kinds(tmp_path, n=2), output=out, controls="placed")
    assert np.isnan(summary.no_network_auc)
    assert any("not estimable" in n for n in summary.notes)
    assert not summary.warnings


def _btxrd(folder: Path) -> Path:
    write_films(folder / "images")
    write_labelme(folder / "Annotations", label="osteosarcoma", polygon=True)
    rows = [{"image_id": f"{s}.jpeg", "center": 1, "tumor": 1, "malignant": 1, "osteosarcoma": 1} for s in "ab"]
    # films a and b show the same; a third one differs
    low = Image.effect_mandelbrot((80, 60), (-2, -1, 1, 1), 30)
    for name in ("a", "b"):
        low.save(folder / "images" / f"{name}.jpg", quality=95)
    low.rotate(180).save(folder / "images" / "c.jpg")
    rows.append({"image_id": "c.jpeg", "center": 1, "tumor": 0, "malignant": 0})
    pd.DataFrame(rows).to_excel(folder / "dataset.xlsx", index=False)
    return folder


def test_btxrd_shares_patients_by_look_and_writes_masks_that_are_found(tmp_path: Path) -> None:
    source = _btxrd(tmp_path / "bt")
    out = tmp_path / "x" / "cases.csv"
    summary = import_manifest(format="btxrd", source=source, output=out, masks=tmp_path / "masks", controls="placed")
    assert validate(manifest=[out]).is_good
    frame = read_manifest(out).frame.set_index("case_id")
    for case in ("a-1", "b-1"):
        root = Path(frame.loc[case, "image_root"])
        with Image.open(root / frame.loc[case, "mask"]) as mask, Image.open(frame.loc[case, "image_path"]) as film:
            assert mask.size == film.size
            left, top, right, bottom = (int(v) for v in frame.loc[case, ["x0", "y0", "x1", "y1"]])
            assert mask.getbbox() == (left, top, right, bottom)
    assert frame.loc["a-1", "patient_id"] == frame.loc["b-1", "patient_id"]
    assert frame.loc["a-1", "patient_id"].startswith("look-")
    # the third film is its own patient: the default, its path
    assert frame.loc["c-c1", "patient_id"].endswith("c.jpg")
    assert "2 films look like another one and share a patient with it (1 groups)" in summary.notes
