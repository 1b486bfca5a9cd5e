"""A film that became another file after a run is shown and measured by no command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.api.drift import drift
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.readers_pack import readers_pack
from robustkit.api.replay import replay
from robustkit.api.report import report
from robustkit.dashboard.lesion.desk import Desk
from robustkit.errors import FilmError
from robustkit.report.cases import least_stable
from robustkit.results.folder import RunFolder

from small_world import write_films, write_network
from trust_rows import TrustRows

CHANGED = "the film is another file than when the run began"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Give a run of nine films, two of which are drawn anew afterwards."""
    path = write_films(tmp_path, n=12)
    cases = pd.read_csv(path)
    cases["cohort"] = np.where(cases.index >= 8, "external", "internal")
    cases.to_csv(path, index=False)
    write_network(tmp_path / "a.pt", seed=1)
    found = perturb(
        model=[str(tmp_path / "a.pt")], manifest=[path], out=tmp_path / "run", repeats=3, shifts=["0.1"], device="cpu",
        backend="eager", workers=1,
    ).run  # fmt: skip
    assert found is not None
    return found


def _redraw(run: Path, *, keep: tuple[str, ...] = ()) -> None:
    for film in sorted((run.parent / "films").glob("*.png")):
        if film.stem not in keep:
            pixels = np.random.default_rng(99).integers(0, 256, (130, 150), dtype=np.uint8)
            Image.fromarray(pixels).save(film)


def test_replay_shows_no_other_film(run: Path, tmp_path: Path) -> None:
    crop = tmp_path / "crop.png"
    replay(run=run, case="case-2", repeat=1, output=crop)
    crop.unlink()
    _redraw(run)
    with pytest.raises(FilmError, match=CHANGED):
        replay(run=run, case="case-2", repeat=1, output=crop)
    assert not crop.exists()


def test_a_run_of_another_program_may_not_know_its_films(run: Path) -> None:
    RunFolder(run).cases().drop(columns="image_path").to_parquet(run / "cases.parquet", index=False)
    with pytest.raises(FilmError, match="the run does not say where the film is"):
        replay(run=run, case="case-2", repeat=1)


def test_a_run_that_gives_no_reasons(run: Path, tmp_path: Path) -> None:
    for part in (run / "predictions").glob("*.parquet"):
        rows = pd.read_parquet(part)
        rows.assign(reason=rows["reason"].where(rows["reason"] != "")).to_parquet(part, index=False)
    assert replay(run=run, case="case-2", repeat=1, output=tmp_path / "crop.png").reason == ""


def test_a_report_shows_no_other_film(run: Path) -> None:
    report(runs=[run])
    folder = RunFolder(run)

    def notes() -> set[str]:
        shown = least_stable(
            folder, folder.table("stability"), condition=("shift", 0.1), thresholds={"a": 0.5}, n=12, has_images=True
        )
        return {c.picture.note for c in shown}

    assert notes() == {""}
    _redraw(run)
    assert notes() == {f"No picture: {CHANGED}."}


def test_packs_show_no_other_film(run: Path) -> None:
    _redraw(run)
    with pytest.raises(FilmError, match=CHANGED):
        readers_pack(run=run, readers=2, n=4, practice=0, no_heatmaps=True)


def test_pictures_of_heatmaps_show_no_other_film(run: Path, tmp_path: Path) -> None:
    given = {
        "run": run, "repeats": 1, "draws": 100, "check_cases": 0, "device": "cpu", "workers": 1, "method": "occlusion",
    }  # fmt: skip
    assert heatmaps(**given, png=tmp_path / "before").exported  # type: ignore[arg-type]
    _redraw(run)
    with pytest.raises(FilmError, match=CHANGED):
        heatmaps(**given, png=tmp_path / "png")  # type: ignore[arg-type]
    assert not list((tmp_path / "png").glob("*.png"))


def test_the_lesion_page_shows_no_other_film(run: Path) -> None:
    desk = Desk([run])
    _redraw(run)
    with pytest.raises(FilmError, match=CHANGED):
        desk.film("case\nrun\ncase-2")


def test_drift_measures_no_other_film(run: Path, trust: TrustRows) -> None:
    _redraw(run, keep=("f0", "f1", "f2", "f4", "f5", "f6", "f8", "f10"))
    warnings = drift(run=run, draws=100, workers=1).warnings
    # case-9 is external and judged; case-3, case-7 and case-11 chose the threshold
    assert [w for w in warnings if CHANGED in w], warnings
    trust.row("a film changed after the run, then shown or measured by six commands", tried=6, found=0)
