"""What a DICOM header says of a patient stands in no output, no message and no log, whatever command reads the film."""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.uid import ExplicitVRLittleEndian
from robustkit.api.heatmaps import heatmaps
from robustkit.cli.main import app
from robustkit.errors import FilmError
from robustkit.images.film import film_size, read_film
from robustkit.images.held import HeldFilm
from robustkit.images.quiet import quiet
from typer.testing import CliRunner

from made_dicom import ramp
from made_lookers import LAYER, write_cohort, write_lookers
from made_named_films import as_it_is, contents, described_film, marks_in, named_film, save, to_described, to_dicom


@dataclass
class World:
    """What was made from the marked films.

    Attributes:
        folder: All of it; the films are in ``films``.
        said: stdout, stderr and logs of every command.
        n_marks: Planted.
    """

    folder: Path
    said: list[str]
    n_marks: int


@pytest.fixture(scope="module")
def logs() -> Iterator[io.StringIO]:
    """Everything that is logged at any level, by anybody."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, logs: io.StringIO) -> World:
    folder = tmp_path_factory.mktemp("named")
    lesion, _ = write_lookers(folder)
    manifest = write_cohort(folder, n=16, masks=False)
    to_described(manifest, OTHERS)
    made = World(folder, [], to_dicom(manifest, but=tuple(OTHERS)))
    _break_one(folder, manifest)
    run, checkpoint = str(folder / "run"), str(lesion)
    _ask(made, "validate", str(manifest), ok=2)
    _ask(made, "describe", str(manifest))
    flags = ("--shifts", "0.1", "--repeats", "3", "--device", "cpu", "--backend", "eager", "--out", run)
    _ask(made, "perturb", "--model", checkpoint, "--manifest", str(manifest), *flags, ok=3)
    _ask(made, "stratify", run, "--draws", "200", "--threshold", "0.5")
    _ask(made, "replay", run, "--case", "case-03", "-o", str(folder / "out" / "crop.png"))
    heatmaps(
        run=folder / "run", layer=LAYER, repeats=1, draws=200, check_cases=0, device="cpu", png=folder / "out" / "maps",
        npz=folder / "out" / "maps.npz",
    )  # fmt: skip
    _ask(made, "readers", "pack", run, "--n", "6", "--practice", "0", "--out", str(folder / "packs"))
    _ask(made, "report", run, "--output", str(folder / "out" / "report.html"))
    _ask(made, "import", "csv", str(manifest), "-o", str(folder / "again.csv"))
    _ask(made, "train", "--manifest", str(_with_splits(manifest)), "--arch", "test_resnet", "--input-size", "32",
         "--epochs", "1", "-o", str(folder / "out" / "trained.pt"), ok=None)  # fmt: skip
    made.said.append(logs.getvalue())
    return made


OTHERS = {2: ".jpg", 4: ".png", 6: ".tif", 7: ".jpg"}
"""Rows whose films are of another kind."""


def _ask(world: World, *arguments: str, ok: int | None = 0) -> None:
    done = CliRunner().invoke(app, list(arguments))
    world.said += [done.output, done.stderr, str(done.exception or "")]
    assert ok is None or done.exit_code == ok, (arguments, done.output, done.exception)


def _break_one(folder: Path, manifest: Path) -> None:
    """Cut the last film off in the middle of its pixels."""
    film = folder / pd.read_csv(manifest)["image"].iloc[-1]
    film.write_bytes(film.read_bytes()[:-9000])


def _with_splits(manifest: Path) -> Path:
    table = pd.read_csv(manifest).iloc[:-1]
    table["split"] = ["train", "train", "val"] * 5
    path = manifest.with_name("splits.csv")
    table.to_csv(path, index=False)
    return path


def _marked(folder: Path) -> dict[str, list[str]]:
    """Give the files that hold marks."""
    found = {}
    for file in sorted(f for f in folder.rglob("*") if f.is_file() and "films" not in f.relative_to(folder).parts):
        marks = sorted({m for content in contents(file) for m in marks_in(content)})
        if marks:
            found[str(file.relative_to(folder))] = marks
    return found


def test_the_films_hold_the_marks_and_the_search_finds_them(world: World) -> None:
    film = world.folder / "films" / "f1.dcm"
    assert world.n_marks > 12 * 1800
    assert {m for c in contents(film) for m in marks_in(c)} >= {"ZQXJKW", "18710217", "031733", "1.2.826.0.1.77717771"}


def test_no_file_that_was_made_holds_a_mark(world: World, trust: Any) -> None:
    made = [f for f in world.folder.rglob("*") if f.is_file() and f.parent.name != "films"]
    kinds = {f.suffix for f in made}
    assert {".parquet", ".json", ".csv", ".html", ".npz", ".png", ".pt"} <= kinds
    found = _marked(world.folder)
    trust.row("DICOM headers: marks planted, files searched for them", tried=world.n_marks, found=len(found),
              note=f"{len(made)} files of perturb, stratify, report, heatmaps, readers, replay, train")  # fmt: skip
    assert found == {}


def test_no_message_and_no_log_holds_a_mark(world: World) -> None:
    text = "\n".join(world.said)
    assert "f15" in text or "case-15" in text  # the broken film was spoken of
    assert marks_in(text.encode()) == []


@pytest.mark.parametrize("name", ["cases.parquet", "report.html", "maps.png", "maps.npz", "crop.webp"])
def test_the_search_sees_a_mark_wherever_it_is_hidden(tmp_path: Path, name: str) -> None:
    """The search itself: a mark put into a file of every kind, packed as that kind packs."""
    from PIL import Image, PngImagePlugin
    from robustkit.report.markup import packed

    file = tmp_path / name
    if name.endswith(".parquet"):
        pd.DataFrame({"x": ["ZQXJKW"] * 50}).to_parquet(file)
    elif name.endswith(".html"):
        file.write_text(f'<script type="application/gzip" id="data-x">{packed("ZQXJKW" * 3)}</script>')
    elif name.endswith(".npz"):
        np.savez_compressed(file, names=np.array(["ZQXJKW"] * 40))
    elif name.endswith(".png"):
        info = PngImagePlugin.PngInfo()
        info.add_text("Comment", "ZQXJKW" * 9, zip=True)
        Image.new("L", (4, 4)).save(file, pnginfo=info)
    else:
        exif = Image.Exif()
        exif[0x010E] = "ZQXJKW"
        Image.new("L", (4, 4)).save(file, exif=exif)
    assert _marked(tmp_path) == {name: ["ZQXJKW"]}


BROKEN: dict[str, dict[str, Any]] = {
    "photometric": {"PhotometricInterpretation": "ZQXJKW"},
    "bits": {"BitsAllocated": 13},
    "frames": {"NumberOfFrames": "3"},
    "window": {"WindowCenter": "ZQXJKW", "WindowWidth": "ZQXJKW"},
    "spacing": {"PixelSpacing": ["ZQXJKW", "ZQXJKW"]},
    "slope": {"RescaleSlope": "ZQXJKW", "RescaleIntercept": "ZQXJKW"},
    "function": {"VOILUTFunction": "ZQXJKW", "WindowCenter": "10", "WindowWidth": "20"},
    "calibration": {"PixelSpacingCalibrationType": "ZQXJKW", "PixelSpacing": ["1", "1"]},
    "characters": {"SpecificCharacterSet": "ZQXJKW"},
    "lut": {"PresentationLUTShape": "ZQXJKW"},
}


def _messages(path: Path) -> Iterator[str]:
    """Give whatever reading a film says: errors with their causes left out, as a user sees them, notes and values."""
    for act in (film_size, lambda p: read_film(p, allow_truncated=True), read_film):
        for source in (path, HeldFilm(path.read_bytes(), name="own film")):
            try:
                found = act(source)
            except FilmError as error:
                yield f"{error} {error.what} {error.fix} {error.where}"
            else:
                yield str(getattr(found, "notes", ""))


def _written(folder: Path, tags: dict[str, Any]) -> Path:
    with quiet(), as_it_is():
        data, _ = named_film(ramp(40, 50))
        for keyword, value in tags.items():
            if keyword in data:
                del data[keyword]
            if "ZQXJKW" in str(value):
                # another kind of element than the standard has there, so that any text can stand in it
                data.add_new(tag_for_keyword(keyword), "LO", value)
            else:
                setattr(data, keyword, value)
    path = folder / "film.dcm"
    save(data, path)
    return path


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_header_is_told_without_its_values(tmp_path: Path, how: str, logs: io.StringIO) -> None:
    film = _written(tmp_path, BROKEN[how])
    logs.truncate(0)
    said = list(_messages(film))
    assert len(said) == 6
    assert marks_in("\n".join([*said, logs.getvalue()]).encode()) == []


def test_an_unknown_syntax_is_told_without_its_uid(tmp_path: Path) -> None:
    data, _ = named_film(ramp(40, 50))
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    save(data, tmp_path / "film.dcm")
    raw = (tmp_path / "film.dcm").read_bytes()
    (tmp_path / "film.dcm").write_bytes(raw.replace(b"1.2.840.10008.1.2.1\0", b"1.2.826.0.1.77717771", 1))
    said = "\n".join(_messages(tmp_path / "film.dcm"))
    assert "transfer syntax" in said
    assert "1.2.826" not in said


@pytest.mark.parametrize("n", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_films_cut_or_spoilt_anywhere_say_no_value(tmp_path: Path, logs: io.StringIO, trust: Any, n: int) -> None:
    """n films cut off at, and n spoilt in, seeded places all over the file."""
    data, _ = named_film(ramp(40, 50))
    save(data, tmp_path / "whole.dcm")
    whole = (tmp_path / "whole.dcm").read_bytes()
    logs.truncate(0)
    rng = np.random.default_rng(11)
    film = tmp_path / "film.dcm"
    said: list[str] = []
    for place in rng.integers(132, len(whole), n):
        film.write_bytes(whole[:place])
        said += _messages(film)
        spoilt = bytearray(whole)
        spoilt[place : place + 6] = rng.bytes(6)
        film.write_bytes(bytes(spoilt))
        said += _messages(film)
    seen = marks_in("\n".join([*said, logs.getvalue()]).encode())
    trust.row(f"DICOM films damaged at {n} places, messages searched for marks", tried=2 * n, found=len(seen))
    assert any("damaged" in s or "truncated" in s for s in said)
    assert seen == []


def test_a_film_opened_in_the_dashboard_keeps_its_header_to_itself(world: World, tmp_path: Path) -> None:
    import base64

    from robustkit.api.dashboard import shelved
    from robustkit.dashboard.cases import case_rows
    from robustkit.dashboard.lesion.loans import Loans
    from robustkit.dashboard.shelf import Choice, Shelf
    from robustkit.results.folder import RunFolder

    film = (world.folder / "films" / "f1.dcm").read_bytes()
    lent = Loans().put("visitor", "film.dcm", "data:application/dicom;base64," + base64.b64encode(film).decode())
    copy = tmp_path / "run"
    shutil.copytree(world.folder / "run", copy)
    shelf = Shelf([shelved(RunFolder(copy))])
    tables = "\n".join(t.to_csv() for t in shelf.tables(Choice()).values())
    seen = f"{lent.name}{lent.film.notes}{tables}{case_rows(shelf, Choice())}{[shelf.figure(n, Choice()) for n in shelf.figure_names(())]}"
    assert marks_in(seen.encode()) == []


@pytest.mark.parametrize("name", ["film.tif", "film.png", "film.jpg"])
def test_what_other_films_say_beside_their_pixels_is_not_logged(tmp_path: Path, name: str, logs: io.StringIO) -> None:
    film = described_film(tmp_path / name, ramp(40, 50).astype(np.uint8))
    assert {m for c in contents(film) for m in marks_in(c)} >= {"ZQXJKW"}
    logs.truncate(0)
    said = list(_messages(film))
    raw = film.read_bytes()
    film.write_bytes(raw[: 4 * len(raw) // 5])
    said += list(_messages(film))
    assert marks_in("\n".join([*said, logs.getvalue()]).encode()) == []
