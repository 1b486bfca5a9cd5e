"""The judge's answers are the run's: nominal rows, redrawn boxes, rounding, errors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from robustkit.api.perturb import perturb
from robustkit.dashboard.lesion.answers import Answer
from robustkit.dashboard.lesion.desk import FOUR, Desk, case_key, held_key
from robustkit.dashboard.lesion.questions import checked_box
from robustkit.errors import InputError

from made_desk import made_run

VISITOR = "0" * 32


@pytest.fixture(scope="module", params=[("none", 0.2), ("whole", 0.0)], ids=["none", "whole"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    snap, margin = request.param
    found = Desk([made_run(tmp_path_factory.mktemp("world"), snap=snap, margin=margin)])
    yield found
    found.close()


def _four(row: object) -> FOUR:
    x0, y0, x1, y1 = (float(row[c]) for c in ("x0", "y0", "x1", "y1"))  # type: ignore[index]
    return x0, y0, x1, y1


def _ask(desk: Desk, case: str, box: FOUR, *, run: str = "run", model: str = "net") -> Answer:
    film = case if "\n" in case else case_key(run, case)
    ticket = desk.ask(VISITOR, film, run=run, model=model, box=box)
    return desk.judge.wait_done(VISITOR, ticket, seconds=60)


def test_every_nominal_box_has_the_score_of_the_run(desk: Desk) -> None:
    run = desk.run("run")
    spread = []
    for case in run.cases.index:
        nominal = run.nominal("net", case)
        assert nominal is not None
        answer = _ask(desk, case, _four(run.facts(case)))
        assert answer.box == nominal.box
        assert answer.score == pytest.approx(nominal.score, abs=1e-4)
        spread.append(answer.score)
    assert np.ptp(spread) > 0.01


def test_a_redrawn_box_has_the_score_of_its_row(desk: Desk) -> None:
    rows = desk.run("run").folder.predictions(filters=[("perturbation", "==", "shift")])
    for _, row in rows.head(4).iterrows():
        answer = _ask(desk, row["case_id"], _four(row))
        assert answer.box == _four(row)
        assert answer.score == pytest.approx(row["score"], abs=1e-4)


def test_boxes_of_the_map_have_the_scores_that_they_have_alone(desk: Desk) -> None:
    case = desk.run("run").cases.index[0]
    answer = _ask(desk, case, _four(desk.run("run").facts(case)))
    assert answer.shift is not None
    assert answer.size is not None
    assert answer.shift.is_whole
    assert answer.size.is_whole
    middle = answer.shift.grid.n // 2
    assert answer.shift.scores[middle, middle] == answer.score
    for found, at in ((answer.shift, (0, 16)), (answer.shift, (11, 3)), (answer.size, (8, 1))):
        alone = _ask(desk, case, tuple(found.boxes[at].tolist()))
        assert alone.score == pytest.approx(found.scores[at], abs=1e-4)


def test_a_second_model_of_facts_answers_too(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    perturb(model=["phantom-oracle"], shifts=["0.1"], repeats=1, out=folder, command=["robustkit"])
    desk = Desk([folder])
    run = desk.run("run")
    for case in run.cases.index[:3]:
        nominal = run.nominal("phantom-oracle", case)
        assert nominal is not None
        answer = _ask(desk, case, _four(run.facts(case)), model="phantom-oracle")
        assert answer.score == pytest.approx(nominal.score, abs=1e-9)
    desk.close()


def test_a_box_beside_the_film_is_a_sentence(desk: Desk) -> None:
    case = desk.run("run").cases.index[0]
    answer = _ask(desk, case, (500.0, 10.0, 560.0, 60.0))
    assert answer.state == "failed"
    assert "on the film of 150 x 130 px, got (500, 10, 560, 60)" in answer.message


@pytest.mark.parametrize("box", [(0, 0, 0.5, 10), (10, 10, 5, 20), (0, 0, float("nan"), 10), (0, 0, float("inf"), 10)])
def test_what_is_no_box(box: FOUR) -> None:
    with pytest.raises(InputError, match="expected a box with sides of at least 1 px"):
        checked_box(box, (100.0, 100.0))


@pytest.fixture
def copied(desk: Desk, tmp_path: Path) -> Path:
    """Give a copy of the run that may be damaged."""
    folder = tmp_path / "copy"
    shutil.copytree(desk.run("run").folder.path, folder)
    return folder


def _answer(folder: Path) -> Answer:
    other = Desk([folder])
    case = other.run("copy").cases.index[0]
    answer = _ask(other, case, _four(other.run("copy").facts(case)), run="copy")
    other.close()
    return answer


def _entry(folder: Path, **changed: object) -> None:
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    record["models"][0].update(changed)
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")


def test_a_missing_checkpoint_is_a_sentence(copied: Path, tmp_path: Path) -> None:
    _entry(copied, path=str(tmp_path / "gone.pt"))
    answer = _answer(copied)
    assert answer.state == "failed"
    assert "gone.pt: the checkpoint of the run is missing. Put it back" in answer.message


def test_another_checkpoint_is_refused(copied: Path) -> None:
    _entry(copied, sha256="0" * 64)
    assert "the model net is another file now than in the run" in _answer(copied).message


def test_a_run_of_another_program_cannot_be_asked(copied: Path) -> None:
    _entry(copied, path=None)
    assert "does not say where the model net lies" in _answer(copied).message


def test_a_missing_film_is_a_sentence(copied: Path, tmp_path: Path) -> None:
    import pandas as pd

    cases = pd.read_parquet(copied / "cases.parquet").assign(image_path=str(tmp_path / "gone.png"))
    cases.to_parquet(copied / "cases.parquet")
    assert "gone.png: the film is missing." in _answer(copied).message


def test_films_are_left_out_where_that_is_asked_for(desk: Desk) -> None:
    other = Desk([desk.run("run").folder.path], has_images=False)
    with pytest.raises(InputError, match="films are left out"):
        other.shown(case_key("run", other.run("run").cases.index[0]))
    other.close()


def test_a_film_of_the_visitor_that_is_gone(desk: Desk) -> None:
    assert "not held any more" in _ask(desk, held_key("none"), (0.0, 0.0, 10.0, 10.0)).message


def test_thresholds_and_readers(desk: Desk, copied: Path) -> None:
    run = desk.run("run")
    table = run.folder.table("thresholds")
    assert run.cut("net").value == pytest.approx(float(table["value"].iloc[0]))
    (copied / "tables" / "thresholds.csv").unlink()
    _entry(copied, operating_points={"high": 0.7, "youden": 0.31})
    assert desk.readers_shift("run") is None
    (copied / "box_noise.json").write_text('{"measures": [{"name": "shift", "value": 0.07}]}', encoding="utf-8")
    other = Desk([copied])
    assert other.cut("copy", "net").value == 0.31
    assert other.readers_shift("copy") == 0.07
    other.close()


def test_the_page_is_made_without_torch() -> None:
    code = (
        "import sys; import robustkit.dashboard.lesion.page, robustkit.dashboard.lesion.layout; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=False).returncode == 0


def test_the_heatmap_is_that_of_the_crop(desk: Desk) -> None:
    import torch
    from robustkit.backends._graph import Graph
    from robustkit.crops.pillow import PLUGIN as PILLOW
    from robustkit.heatmaps._base import find_layer
    from robustkit.heatmaps._target import positive_logit
    from robustkit.heatmaps.grad_cam import PLUGIN as GRAD_CAM
    from robustkit.models.reopen import reopened

    key, run = next(iter(desk.runs.items()))
    case = str(run.cases.index[0])
    nominal = run.nominal(run.models[0], case)
    assert nominal is not None
    ticket = desk.ask("d" * 32, case_key(key, case), run=key, model=run.models[0], box=nominal.box)
    found = desk.judge.wait_done("d" * 32, ticket, seconds=30).heatmap
    assert found is not None
    model = reopened(run.entry(run.models[0]))
    film = desk.film(case_key(key, case)).pixels
    crops = torch.from_numpy(
        PILLOW.crops(film, np.array([nominal.box]), model.input, snapping=run.record["snap"]).copy()
    )
    graph = Graph(model.runner, model.input).eval()
    wanted = GRAD_CAM.maps(graph, crops, positive_logit(model), find_layer(graph, crops))[0]
    assert np.allclose(found.values, wanted.numpy(), atol=1e-6)
