"""drift as a user meets it: a run in, a table, a summary and JSON out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.api.drift import drift
from robustkit.api.stratify import stratify
from robustkit.cli.main import app
from robustkit.errors import InputError
from robustkit.results.folder import RunFolder
from typer.testing import CliRunner

from factories import Answers, cohort, redrawn, scores_of, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """100 patients with films, all but one of which are there."""
    folder = tmp_path_factory.mktemp("drift")
    cases = cohort(90, 60)
    (folder / "films").mkdir()
    rng = np.random.default_rng(0)
    for path in cases["image"]:
        Image.fromarray(rng.integers(0, 200, (500, 400), dtype=np.uint8)).resize((200, 250)).save(folder / path)
    cases["image_path"] = [str(folder / i) for i in cases["image"]]
    Path(cases["image_path"].iloc[-1]).unlink()
    nominal = scores_of(cases)
    return write_run(folder / "run", cases, {"m": Answers(nominal, {("shift", 0.1): redrawn(cases, nominal)})})


def test_the_errors_are_those_of_stratify_at_the_same_threshold(run: RunFolder) -> None:
    stratify(run=run.path, draws=200)
    found = drift(run=run.path, no_films=True, draws=200)
    errors = (
        run.table("errors").query("by == 'all' and perturbation == 'nominal'").set_index(["cohort", "kind"])["rate"]
    )
    rows = [r for r in found.rows if r.part == "error" and r.name == "sex"]
    assert {r.metric: r.value_a for r in rows} == pytest.approx(errors["external"].to_dict())
    assert {r.metric: r.value_b for r in rows} == pytest.approx(errors["internal"].to_dict())
    assert {r.operating_point for r in rows} == {"youden"}
    assert not any(r.part == "films" for r in found.rows)
    assert not any("films" in w for w in found.warnings)


def test_the_table_is_written_with_films_and_read_again(run: RunFolder) -> None:
    told: list[tuple[str, int, int]] = []
    found = drift(run=run.path, draws=200, progress=lambda *now: told.append(now))
    table = run.table("drift")
    assert found.table == run.path / "tables" / "drift.csv"
    assert len(table) == len(found.rows)
    assert set(table["part"]) == {"facts", "films", "error"}
    # the films of development rows are not read
    judged = run.cases()["split"].ne("val").sum()
    assert told[-1] == ("films", judged, judged)
    assert any(w.endswith("films of external were not measured: the film is missing.") for w in found.warnings)
    sentences = [s for s in found.sentences if "distribution of sex, the share missed among positive cases" in s]
    row = next(r for r in found.rows if (r.part, r.name, r.metric) == ("error", "sex", "missed"))
    assert f"{100 * row.value_a:.1f} %, would change by {100 * row.value:+.1f} percentage points" in sentences[0]
    assert not any("explain" in s for s in found.sentences)
    # nothing is 0 for want of evidence: a row without a value has its reason
    blank = table[table["value"].isna() & (table["measure"] != "count")]
    assert (blank["reason"] != "").all()


def test_the_command_prints_a_summary_and_json(run: RunFolder) -> None:
    arguments = ["drift", str(run.path), "--no-films", "--draws", "200", "--by", "sex", "--by", "age"]
    plain = CliRunner().invoke(app, arguments)
    assert plain.exit_code == 0, plain.output
    assert "external against internal: facts" in plain.output
    assert "would change by" in plain.output
    assert "Cliff" not in plain.output
    machine = CliRunner().invoke(app, [*arguments, "--json"])
    read = json.loads(machine.stdout)
    assert {r["name"] for r in read["rows"]} == {"sex", "age"}
    assert read["rows"][0]["cohort_b"] == "internal"
    with_films = CliRunner().invoke(app, ["drift", str(run.path), "--draws", "100", "--by", "sex"])
    assert "laplacian_variance" in with_films.output
    assert "the film is missing" in with_films.stderr


def test_numbers_out_of_range_are_refused(run: RunFolder) -> None:
    with pytest.raises(InputError, match=r"expected a score in 0\.\.1, got 2"):
        drift(run=run.path, threshold=2.0)
    with pytest.raises(InputError, match="at least 100 draws, got 10"):
        drift(run=run.path, draws=10)
    with pytest.raises(InputError, match="or more threads, got -1"):
        drift(run=run.path, workers=-1)


def test_a_run_of_one_cohort_is_one_sentence(tmp_path: Path) -> None:
    cases = cohort(40, 0)
    write_run(tmp_path / "run", cases, {"m": Answers(scores_of(cases))})
    done = CliRunner().invoke(app, ["drift", str(tmp_path / "run")])
    assert isinstance(done.exception, InputError)
    assert "the cohorts found are internal" in str(done.exception)
    assert not (tmp_path / "run" / "tables").exists()


def test_a_table_of_before_stays_where_nothing_new_is_made(run: RunFolder) -> None:
    before = run.table("drift")
    with pytest.raises(InputError, match="no case has the fact"):
        drift(run=run.path, by=["nonsense"])
    pd.testing.assert_frame_equal(run.table("drift"), before)
