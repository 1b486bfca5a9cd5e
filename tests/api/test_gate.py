"""gate as a user calls it: exit codes, tables made where they are missing, files of rules, JSON and JUnit."""

from __future__ import annotations

import json
from pathlib import Path
from xml.dom import minidom

import pandas as pd
import pytest
from robustkit.api.gate import gate
from robustkit.api.stratify import stratify
from robustkit.cli.main import app
from robustkit.errors import InputError, RobustkitError, RunError
from robustkit.results.folder import RunFolder
from typer.testing import CliRunner, Result

from factories import Answers, cohort, redrawn, scores_of, write_run

SHIFT = ("shift", 0.1)


def _write(path: Path, models: tuple[str, ...] = ("m",)) -> RunFolder:
    cases = cohort(40, 40)
    scores = {m: scores_of(cases, seed=i, signal=4) for i, m in enumerate(models)}
    return write_run(path, cases, {m: Answers(s, {SHIFT: redrawn(cases, s, repeats=4)}) for m, s in scores.items()})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of two models with its tables; nothing below writes to it."""
    run = _write(tmp_path_factory.mktemp("gate") / "run", ("a", "b"))
    stratify(run=run.path, by=["size", "region"], draws=200)
    return run


def typed(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["gate", *map(str, arguments)])


def test_exit_0_where_all_hold(made: RunFolder) -> None:
    done = typed(made.path, "auc > 0.5", "flip_rate{shift=0.1} < 0.9")
    assert (done.exit_code, done.exception) == (0, None), done.output
    assert "0 of 4 checks fail" in done.output  # two rules, two models


def test_exit_1_names_the_line_the_bound_and_n(made: RunFolder) -> None:
    done = typed(made.path, "auc > 0.5", "auc{model=a} > 0.999")
    assert done.exit_code == 1
    strata = made.table("strata").query(
        "by == 'all' and cohort == 'all' and model == 'a' and perturbation == 'nominal'"
    )
    auc = strata[strata["metric"] == "auc"].iloc[0]
    (line,) = [x for x in done.output.splitlines() if "FAIL" in x]
    assert f"low bound {auc['low']:.4g}, limit 0.999" in line
    assert f"{auc['n_cases']} cases, {auc['n_patients']} patients" in line
    assert "rule 2: auc{model=a} > 0.999" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["auc >"], "rule 1, column 6: expected a number"),
        (["acu > 1"], "Near: auc"),
        ([], "there is no rule to check"),
        (["--rules", "none.rules"], "the rules cannot be read"),
    ],
)
def test_exit_2_for_what_cannot_be_read(made: RunFolder, arguments: list[str], said: str) -> None:
    done = typed(made.path, *arguments)
    assert isinstance(done.exception, InputError)
    assert (done.exception.exit_code, said in str(done.exception)) == (2, True), done.exception


def test_rules_are_read_before_any_table_is_made(tmp_path: Path) -> None:
    run = _write(tmp_path / "run")
    with pytest.raises(InputError, match="rule 1, column 6"):
        gate(run=run.path, rules=["auc >"])
    assert not (run.path / "tables").exists()


def test_missing_tables_are_made_first(tmp_path: Path) -> None:
    run = _write(tmp_path / "run")
    found = gate(run=run.path, rules=["auc > 0.5", "missed{cohort=external} < 1"])
    assert found.passed
    assert {p.name for p in (run.path / "tables").iterdir()} >= {"strata.csv", "errors.csv"}


def test_missing_comparisons_alone_leave_the_other_tables_as_they_are(made: RunFolder, tmp_path: Path) -> None:
    run = _write(tmp_path / "run", ("a", "b"))
    (run.path / "tables").mkdir()
    kept = made.path / "tables" / "strata.csv"
    (run.path / "tables" / "strata.csv").write_bytes(kept.read_bytes())
    found = gate(run=run.path, rules=["diff.auc{model_a=a,model_b=b} > -0.5", "auc > 0.5"])
    assert (found.passed, found.checks[0].cell) == (True, "a - b, all, nominal")
    assert {p.name for p in (run.path / "tables").iterdir()} == {"strata.csv", "comparisons.csv"}


def test_one_model_has_no_differences(tmp_path: Path) -> None:
    run = _write(tmp_path / "run")
    with pytest.raises(InputError, match="a comparison needs two models"):
        gate(run=run.path, rules=["diff.auc{model_a=m,model_b=n} > 0"])


def test_a_run_that_is_not_complete_is_refused(tmp_path: Path) -> None:
    cases = cohort(10, 10)
    run = write_run(tmp_path / "run", cases, {"m": Answers(scores_of(cases))}, status="partial")
    with pytest.raises(RunError, match="not complete"):
        gate(run=run.path, rules=["auc > 0"])


def test_a_file_of_rules_and_the_newest_run(made: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "newest").symlink_to(made.path)
    file = tmp_path / "gate.rules"
    file.write_text("# of the study\n\nauc{model=a} > 0.5\nauc{model=b} > 0.999\n", encoding="utf-8")
    # a rule in the place of the run is a rule
    done = typed("auc{model=a} > 0.4", "--rules", file)
    assert done.exit_code == 1, done.output
    lines = done.output.splitlines()
    assert lines[0] == "rule 1: auc{model=a} > 0.4"
    assert lines[2] == f"{file}, line 3: auc{{model=a}} > 0.5"
    assert lines[4] == f"{file}, line 4: auc{{model=b}} > 0.999"
    assert lines[5].startswith("  FAIL")
    assert gate(rules_file=file).passed is False


def test_an_empty_file_of_rules_does_not_pass(made: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "gate.rules"
    file.write_text("# nothing yet\n", encoding="utf-8")
    with pytest.raises(InputError, match="there is no rule to check"):
        gate(run=made.path, rules_file=file)


def test_no_evidence_closes_the_gate_unless_allowed(made: RunFolder) -> None:
    small = made.table("strata").query("by == 'size' and stratum == '<20 mm' and metric == 'auc' and cohort == 'all'")
    assert small["value"].isna().all()  # the condition of this test
    rule = "auc{size=small,model=a} > 0.5"
    refused, allowed = (gate(run=made.path, rules=[rule], allow_unknown=a) for a in (False, True))
    assert [(r.passed, r.checks[0].verdict) for r in (refused, allowed)] == [(False, "no evidence"), (True, "allowed")]
    assert typed(made.path, rule).exit_code == 1
    assert typed(made.path, rule, "--allow-unknown").exit_code == 0


def test_json_and_junit(made: RunFolder, tmp_path: Path) -> None:
    done = typed(
        made.path, "auc > 0.999", "auc{size=small,model=a} > 0.5", "--json", "--quiet", "--junit", tmp_path / "gate.xml"
    )
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["passed"], len(found["checks"])) == (False, 3)
    assert [c["verdict"] for c in found["checks"]] == ["fails", "fails", "no evidence"]
    assert found["checks"][2]["bound"] is None
    (suite,) = minidom.parse(str(tmp_path / "gate.xml")).getElementsByTagName("testsuite")
    assert (suite.getAttribute("name"), suite.getAttribute("failures")) == ("run", "3")


def test_one_half_written_table_is_an_input_error(made: RunFolder, tmp_path: Path) -> None:
    run = _write(tmp_path / "run")
    (run.path / "tables").mkdir()
    pd.DataFrame({"by": ["all"], "stratum": ["all"]}).to_csv(run.path / "tables" / "strata.csv", index=False)
    with pytest.raises(RobustkitError, match="strata.csv: the table lacks cohort"):
        gate(run=run.path, rules=["auc > 0"])
