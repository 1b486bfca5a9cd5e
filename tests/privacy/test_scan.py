"""doctor --privacy: every kind of finding is planted and found, a clean folder has none, and no value is ever quoted."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, PngImagePlugin
from robustkit.api.perturb import perturb
from robustkit.api.report import report
from robustkit.api.stratify import stratify
from robustkit.errors import InputError
from robustkit.findings import Finding
from robustkit.privacy._folder import open_folder, scan
from robustkit.privacy.columns import is_telling
from robustkit.privacy.dates import has_date
from robustkit.privacy.paths import has_home
from robustkit.report.markup import packed, packed_table
from robustkit.results.folder import RunFolder

from made_dicom import dicom_film, ramp, written
from small_world import write_films, write_network

SECRET = "Mustermann"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with hashed ids and no pictures, as it may be given away."""
    folder = tmp_path_factory.mktemp("world")
    network, manifest = write_network(folder / "a.pt"), write_films(folder)
    run = folder / "run"
    perturb(
        model=[str(network)], manifest=[manifest], shifts=["0.1"], repeats=3, device="cpu", out=run, no_images=True,
        hash_ids=True, hash_key=folder / "our.key", command=["robustkit", "perturb"],
    )  # fmt: skip
    stratify(run=run, draws=200, threshold=0.5)
    report(runs=[run], no_images=True)
    return run


@pytest.fixture
def run(clean: Path, tmp_path: Path) -> Path:
    shutil.copytree(clean, tmp_path / "run")
    return tmp_path / "run"


def _bad(folder: Path) -> list[Finding]:
    return [f for f in scan(open_folder(folder)) if f.is_bad]


def test_a_run_without_pictures_and_plain_ids_is_clean(clean: Path) -> None:
    found = scan(open_folder(clean))
    assert [f for f in found if f.is_bad] == []
    # where the films lie stands in run.json and cases.parquet: to be read by a person
    assert {(f.check, f.subject) for f in found} == {("paths", "run.json"), ("paths", "cases.parquet")}


def _dicom(run: Path) -> str:
    written(dicom_film(ramp(8, 8)), run / "film")
    return "film"


def _dicom_without_preamble(run: Path) -> str:
    (run / "x.DCM").write_bytes(b"\0" * 20)
    return "x.DCM"


def _exif(run: Path) -> str:
    exif = Image.Exif()
    exif[0x010E] = SECRET
    Image.new("L", (4, 4)).save(run / "a.jpg", exif=exif)
    return "a.jpg"


def _gps(run: Path) -> str:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x8825] = {1: "N", 2: (50.0, 7.0, 0.0)}
    Image.new("L", (4, 4)).save(run / "a.webp", exif=exif)
    return "a.webp"


def _png_text(run: Path) -> str:
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", SECRET)
    Image.new("L", (4, 4)).save(run / "a.png", pnginfo=info)
    return "a.png"


def _tiff_description(run: Path) -> str:
    Image.new("L", (4, 4)).save(run / "a.tif", tiffinfo={270: SECRET})
    return "a.tif"


def _broken_picture(run: Path) -> str:
    (run / "a.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    return "a.png"


def _tagged_thumbnail(run: Path) -> str:
    _exif(run)
    content = (run / "a.jpg").read_bytes()
    (run / "a.jpg").unlink()
    (run / "thumbnails").mkdir()
    pd.DataFrame({"case_id": ["case-1"], "webp": [content]}).to_parquet(run / "thumbnails" / "0.parquet")
    return "thumbnails/0.parquet"


def _tagged_picture_in_a_page(run: Path) -> str:
    _png_text(run)
    content = base64.b64encode((run / "a.png").read_bytes()).decode()
    (run / "a.png").unlink()
    page = f'<script type="application/gzip" id="data-cases">{packed(json.dumps({"webp": [content]}))}</script>'
    (run / "page.html").write_text(page)
    return "page.html"


def _cases(run: Path, **columns: Any) -> str:
    frame = pd.read_parquet(run / "cases.parquet").assign(**columns)
    frame.to_parquet(run / "cases.parquet")
    return "cases.parquet"


def _plain_ids(run: Path) -> str:
    n = len(pd.read_parquet(run / "cases.parquet"))
    return _cases(run, patient_id=[f"{SECRET}{i}" for i in range(n)])


def _unkeyed_hashes(run: Path) -> str:
    folder = RunFolder(run)
    record = folder.record()
    folder.write_record({k: v for k, v in record.items() if k != "ids"})
    return "cases.parquet"


def _name_column(run: Path) -> str:
    return _cases(run, PatientName=SECRET)


def _name_key(run: Path) -> str:
    (run / "more.json").write_text(json.dumps({"films": [{"AccessionNumber": SECRET}]}))
    return "more.json"


def _name_in_a_page(run: Path) -> str:
    block = packed_table(pd.DataFrame({"birth_date": [SECRET], "value": [1.0]}))
    (run / "page.html").write_text(f'<script type="application/gzip" id="data-table-cases">{block}</script>')
    return "page.html"


def _date_text(run: Path) -> str:
    return _cases(run, remark=f"{SECRET}, seen on 12.03.2019")


def _date_number(run: Path) -> str:
    return _cases(run, taken=20190312)


def _date_in_a_stratum(run: Path) -> str:
    file = run / "tables" / "strata.csv"
    table = pd.read_csv(file)
    table.loc[0, "stratum"] = "2019-03-12"
    table.to_csv(file, index=False)
    return "tables/strata.csv"


def _date_file(run: Path) -> str:
    (run / "notes 2019-03-12.txt").write_text("nothing")
    return "notes 2019-03-12.txt"


def _home(run: Path) -> str:
    folder = RunFolder(run)
    record = folder.record()
    folder.write_record({**record, "command": ["robustkit", "perturb", "--model", f"/home/{SECRET.lower()}/a.pt"]})
    return "run.json"


def _windows_home(run: Path) -> str:
    return _cases(run, image_path=rf"C:\Users\{SECRET}\films\a.png")


def _thumbnails(run: Path) -> str:
    Image.new("L", (4, 4)).save(run / "a.webp")
    content = (run / "a.webp").read_bytes()
    (run / "a.webp").unlink()
    (run / "thumbnails").mkdir()
    pd.DataFrame({"case_id": ["case-1"], "webp": [content]}).to_parquet(run / "thumbnails" / "0.parquet")
    return "thumbnails/0.parquet"


def _hash_key(run: Path) -> str:
    shutil.copy(next(Path(run).parents[0].glob("*.key"), _key(run)), run / "robustkit.key")
    return "robustkit.key"


def _key(run: Path) -> Path:
    file = run.parent / "made.key"
    file.write_text("0f" * 32 + "\n")
    return file


def _reader_key(run: Path) -> str:
    (run / "readers").mkdir()
    pd.DataFrame({"code": ["A1"], "case_id": ["case-1"]}).to_csv(run / "readers" / "key.csv", index=False)
    return "readers/key.csv"


def _checkpoint(run: Path) -> str:
    from robustkit.models.native import read_native, save_native

    write_network(run / "net.pt")
    own = read_native(run / "net.pt")
    assert own is not None
    given = {f: getattr(own, f) for f in own.__slots__ if f != "state_dict"}
    given["seen"] = {"films": [], "patients": ["00" * 16], "salt": "s"}
    save_native(run / "net.pt", own.state_dict, **given)
    return "net.pt"


def _archive(run: Path) -> str:
    (run / "films.zip").write_bytes(b"PK\3\4")
    return "films.zip"


def _half_a_table(run: Path) -> str:
    file = run / "cases.parquet"
    file.write_bytes(file.read_bytes()[:200])
    return "cases.parquet"


def _link(run: Path) -> str:
    (run / "films").symlink_to(run.parent)
    return "films"


PLANTED: tuple[tuple[str, Callable[[Path], str]], ...] = (
    ("dicom_films", _dicom), ("dicom_films", _dicom_without_preamble), ("pictures", _exif), ("pictures", _gps),
    ("pictures", _png_text), ("pictures", _tiff_description), ("pictures", _broken_picture), ("pictures", _tagged_thumbnail),
    ("pictures", _tagged_picture_in_a_page), ("ids", _plain_ids), ("ids", _unkeyed_hashes), ("columns", _name_column),
    ("columns", _name_key), ("columns", _name_in_a_page), ("dates", _date_text), ("dates", _date_number),
    ("dates", _date_in_a_stratum), ("dates", _date_file), ("paths", _home), ("paths", _windows_home), ("films", _thumbnails),
    ("keys", _hash_key), ("keys", _reader_key), ("checkpoints", _checkpoint), ("unread", _archive), ("unread", _half_a_table),
    ("unread", _link),
)  # fmt: skip


def test_everything_planted_is_found(clean: Path, tmp_path: Path, trust: Any) -> None:
    missed = []
    for i, (check, plant) in enumerate(PLANTED):
        run = tmp_path / str(i) / "run"
        shutil.copytree(clean, run)
        file = plant(run)
        found = _bad(run)
        if (check, file) not in {(f.check, f.subject) for f in found}:
            missed.append(plant.__name__)
        for finding in found:
            assert SECRET.lower() not in f"{finding.said} {finding.fix}".lower(), plant.__name__
            assert "2019" not in finding.said
            assert finding.fix
    trust.row(
        "doctor --privacy: kinds of leaks planted into a clean run",
        tried=len(PLANTED),
        found=len(PLANTED) - len(missed),
    )
    assert missed == []


def test_simulated_runs_show_nobody(run: Path) -> None:
    _thumbnails(run)
    _plain_ids(run)
    folder = RunFolder(run)
    folder.write_record({**folder.record(), "simulated": True})
    assert _bad(run) == []


def test_a_folder_of_several_runs_is_judged_run_by_run(clean: Path, tmp_path: Path) -> None:
    shutil.copytree(clean, tmp_path / "runs" / "hashed")
    shutil.copytree(clean, tmp_path / "runs" / "plain")
    _plain_ids(tmp_path / "runs" / "plain")
    assert {(f.check, f.subject) for f in _bad(tmp_path)} == {("ids", "runs/plain/cases.parquet")}


def test_no_such_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_folder(tmp_path / "nowhere")


def test_a_file_that_may_not_be_read_is_named(run: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (run / "cases.parquet").chmod(0)
    assert ("unread", "cases.parquet") in {(f.check, f.subject) for f in _bad(run)}


@pytest.mark.parametrize(
    "text",
    ["2019-03-12", "12.03.2019", "3/12/2019", "12/3/2019", "20190312", "12 March 2019", "Mar 12, 2019", "12. M\u00e4rz 2019",
     "seen 2019/3/12 again", "IMG_20190312_1.png", "study-20190312", "1. Dez 1999", "2019.03.12"],
)  # fmt: skip
def test_dates_are_seen(text: str) -> None:
    assert has_date(text)


@pytest.mark.parametrize(
    "text",
    ["2019", "March 2019", "20191312", "20190399", "19.5", "1.2.840.10008", "0.20190312", "120190312", "3.11.15", "31/2/19",
     "20260101T000000Z-aaaa0000", "6e7f95983e0f20190312f5deadbeef00", "aged 20-30", "12 to 2019 px", "v2.13.0", "openvino 2026.4.1"],
)  # fmt: skip
def test_numbers_that_are_no_dates_are_not(text: str) -> None:
    assert not has_date(text)


@pytest.mark.parametrize("heading", ["PatientName", "patient_name", "DOB", "birthDate", "date of birth", "MRN", "StudyInstanceUID",
                                     "Accession Number", "last_name", "name", "Nachname", "study date", "e-mail: email"])  # fmt: skip
def test_telling_headings(heading: str) -> None:
    assert is_telling(heading, is_table=True)


@pytest.mark.parametrize("heading", ["case_id", "patient_id", "image", "filename", "n_patients", "spacing_mm", "site", "fluid",
                                     "age_years", "sex", "rename", "model"])  # fmt: skip
def test_headings_that_tell_nothing(heading: str) -> None:
    assert not is_telling(heading, is_table=True)


def test_paths_through_homes() -> None:
    assert has_home("/home/erika/films/a.png", user="")
    assert has_home("--model=/Users/erika/a.pt", user="")
    assert has_home(r"D:\Users\erika\a.pt", user="")
    assert has_home("/data/erika/a.pt", user="erika")
    assert not has_home("/data/films/erika", user="erika")  # the file itself may be called so
    assert not has_home("/data/films/a.png", user="")
    assert not has_home("home/femur", user="")


def test_arrays_and_archives_of_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", remark=np.array(["seen 12.03.2019"]))
    np.savez(tmp_path / "b.npz", pickled=np.array([{"a": 1}], dtype=object))
    assert {(f.check, f.subject) for f in _bad(tmp_path)} == {("dates", "a.npz"), ("unread", "b.npz")}
