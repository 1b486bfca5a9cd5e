"""Hostile settings: study files, robustkit.toml, rules of a gate, readings, boxes of readers, vocabularies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from robustkit.analysis.readings import Known, read_readings
from robustkit.analysis.rules import read_rules
from robustkit.api.box_noise import box_noise
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.config import read_config
from robustkit.study.read import read_protocol

from bounds import Outcome, Tally

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
STUDY = 'title = "t"\n[[cohorts]]\nmanifest = "phantom"\n[[networks]]\nname = "a"\narch = "resnet18"\n'
VALUES = ("1", '"x"', '"a\\u0000b"', "[]", "[1]", '["x"]', "{}", "{ a = 1 }", "[{}]", "[[1]]", "true", "nan", "inf", "1e400", "1979-05-27",
          "9" * 400, '"../../../etc"', '"' + "x" * 5000 + '"')  # fmt: skip
BROKEN = (
    "",
    "\0",
    "a = " + "[" * 100_000,
    "a = " + "{ a = " * 5000,
    ".".join("a" * 16_000) + " = 1",
    "seed = " + "9" * 5000,
    "x" * 10**6,
    "[[[",
)
PARTS = ("title", "out", "seed", "notes", "split", "train", "checkpoints", "baselines", "perturb", "stratify", "drift", "compare",
         "heatmaps", "readers", "published", "cohorts", "networks")  # fmt: skip
INNER = (
    "cohorts.manifest", "cohorts.import", "cohorts.set", "networks.weights", "networks.seeds", "checkpoints.path", "baselines.kind",
    "published.value", "published.model", "readers.readings", "readers.simulate", "readers.study",
)  # fmt: skip


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
@pytest.mark.parametrize("name", ["study.toml", "robustkit.toml"])
def test_toml_of_nothing(tmp_path: Path, tally: Tally, name: str, text: str) -> None:
    path = written(tmp_path, name, text)
    act = (lambda: read_protocol(path)) if name == "study.toml" else (lambda: read_config(tmp_path))
    outcome, said = tally.judge(f"documents: {name}", act)
    assert outcome == "error" or (text == "" and name == "robustkit.toml")
    assert len(said) < 3000


@pytest.mark.parametrize("key", PARTS)
def test_study_of_strange_values(tmp_path: Path, tally: Tally, key: str) -> None:
    for value in VALUES:
        rest = STUDY.replace('title = "t"\n', "")
        rest = rest.replace("[[cohorts]]", "[[perturb_]]") if key == "cohorts" else rest
        path = written(
            tmp_path, "s.toml", f"{key} = {value}\n{rest if key != 'networks' else rest.partition('[[networks]]')[0]}"
        )
        tally.judge("documents: study.toml", lambda p=path: read_protocol(p))


@pytest.mark.parametrize("place", INNER)
def test_study_of_strange_fields(tmp_path: Path, tally: Tally, place: str) -> None:
    table, _, field = place.partition(".")
    head = "[readers]" if table == "readers" else f"[[{table}]]"
    for value in (*VALUES, '"stand-in:²"', '"stand-in:٣"', "{ format = 1, source = 2 }"):
        path = written(tmp_path, "s.toml", f"{STUDY}{head}\n{field} = {value}\n")
        tally.judge("documents: study.toml", lambda p=path: read_protocol(p))


@pytest.mark.parametrize("key", ["manifest", "runs", "other"])
def test_folder_settings_of_strange_values(tmp_path: Path, tally: Tally, key: str) -> None:
    for value in VALUES:
        written(tmp_path, "robustkit.toml", f"{key} = {value}\n")
        outcome, _ = tally.judge("documents: robustkit.toml", lambda: read_config(tmp_path))
        assert outcome == "error" or value.strip('"').startswith(("x", "..", "[]", '["x"]'))


RULES = (
    "a<", "<1", "a{b=c}", "a{b=c", "a{" * 100_000, "a<1e999", "a<" + "9" * 100_000, "a<nan", 'a{b="' + "x" * 10**6, "a{b=c|*}<1",
    "a" * 10**6,
    "\0<1", "a<1%%", "a{=}<1", "diff.<1", "diff.diff.a<1", '"a"<1', "a{b=c,}<1", "a{b=c,b=d}<1", "a > ١", "ａ<1",
    "a{" + ",".join(f"k{i}=v" for i in range(100_000)) + "}<1", "a\x1b[2J<1",
)  # fmt: skip


@pytest.mark.parametrize("text", RULES, ids=range(len(RULES)))
def test_rules(tally: Tally, text: str) -> None:
    outcome, said = tally.judge("documents: rules of a gate", lambda: read_rules(text, where="rules"))
    assert outcome == "error"
    assert len(said) < 1000


HEADING = "reader_id,case_id,arm,score\n"
READINGS = HEADING + "r,a,unaided,5\nr,a,aided,6\n"
DATED = "reader_id,case_id,arm,score,read_at,seconds\n"
KNOWN = Known((0, 100), 0.0)
CSVS: dict[str, tuple[str | bytes, Outcome]] = {
    "one value more": (READINGS.replace(",5", ",5,9").replace(",6", ",6,9"), "error"),
    "a column twice": (READINGS.replace("score", "arm", 1), "error"),
    "NaN": (READINGS.replace(",5", ",nan"), "error"),
    "infinite": (READINGS.replace(",5", ",1e999"), "error"),
    "another encoding": (READINGS.encode("utf-16"), "error"),
    "one arm": (HEADING + "r,a,x,5\n", "error"),
    "three arms": (READINGS + "r,a,z,5\n", "error"),
    "no such day": (DATED + "r,a,unaided,5,9999-99-99,x\nr,a,aided,6,0001-01-01,-1\n", "error"),
    "years far apart": (DATED + "r,a,unaided,5,99999-12-31,1\nr,a,aided,6,-1,1\n", "error"),
    "practice alone": (READINGS.replace("score", "score,practice").replace(",5", ",5,true").replace(",6", ",6,true"), "error"),
    "nothing": ("", "error"), "a heading": (HEADING, "error"),

    "own words of ours": ("score_said,row," + HEADING + "x,y,r,a,unaided,5\nx,y,r,a,aided,5\n", "accepted"),
}  # fmt: skip


@pytest.mark.parametrize("name", CSVS)
def test_readings_as_csv(tmp_path: Path, tally: Tally, name: str) -> None:
    content, expected = CSVS[name]
    path = written(tmp_path, "r.csv", content)
    assert tally.judge("documents: readings", lambda: read_readings([path], KNOWN))[0] == expected


JSONS = (
    "", "[", "{}", "[]", "null", '{"readings":1}', '{"readings":[1]}', '{"readings":{}}', '{"readings":[{}]}', '{"readings":[[]]}',
    '{"readings":null}',
    "[" * 100_000, '{"readings":' + "[" * 100_000, '{"readings":[{"reader_id":{},"case_id":[],"arm":1e999,"score":[1]}]}',
    '{"readings":[{"reader_id":"r","case_id":"a","arm":"x","score":' + "9" * 5000 + "}]}",
)  # fmt: skip


@pytest.mark.parametrize("text", JSONS, ids=range(len(JSONS)))
def test_readings_as_json(tmp_path: Path, tally: Tally, text: str) -> None:
    path = written(tmp_path, "r.json", text)
    assert tally.judge("documents: readings", lambda: read_readings([path], KNOWN))[0] == "error"


@pytest.mark.parametrize("text", ["", "x,y\n1,2\n", "case_id,x0,y0,x1,y1\na,0,0,nan,1\n", "case_id,x0,y0,x1,y1\na,0,0,1\n",
                                  "case_id,x0,y0,x1,y1\na,0,0,1,1,9\n", "case_id,x0,y0,x1,x1\na,0,0,1,1\n", "\0"])  # fmt: skip
def test_boxes_of_readers(tmp_path: Path, tally: Tally, text: str) -> None:
    paths = [written(tmp_path, f"{n}.csv", text) for n in "ab"]
    assert tally.judge("documents: boxes of readers", lambda: box_noise(boxes=paths))[0] == "error"


@pytest.mark.parametrize("text", ["", "\0", "site\n", "site,bone\n" + "x" * 200_000 + ",y\n", '"', "[" * 1000])
def test_vocabularies(tmp_path: Path, tally: Tally, text: str) -> None:
    written(tmp_path, "sites.csv", text)
    assert tally.judge("documents: vocabularies", lambda: read_vocabulary(tmp_path))[0] == "error"


def test_a_vocabulary_of_short_rows(tmp_path: Path, tally: Tally) -> None:
    written(tmp_path, "sites.csv", "site,bone,region_icdo,region_anatomical,girdle,icdo_code\nfemur\n")
    written(tmp_path, "subtypes.csv", "subtype,aliases,group,label,icdo_morphology,edition\nx\n")
    written(tmp_path, "labels.csv", "label,non_benign\nx\n")
    assert tally.judge("documents: vocabularies", lambda: read_vocabulary(tmp_path))[0] == "accepted"


def test_commands_say_it_in_one_sentence(tmp_path: Path, typed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = written(tmp_path, "s.toml", BROKEN[2])
    readings = written(tmp_path, "r.json", "[" * 100_000)
    for arguments in (
        ("study", study), ("readers", "analyse", readings), ("box-noise", "--boxes", readings, "--boxes", study),
        ("validate", readings), ("describe", readings), ("inspect", readings), ("perturb", "--model", readings),
        ("stratify", tmp_path), ("report", tmp_path), ("gate", tmp_path, "auc > 0.5"), ("curves", tmp_path),
        ("compare", tmp_path, tmp_path),
    ):  # fmt: skip
        outcome, said = typed("documents: at the command line", *arguments)
        assert outcome == "error", (arguments, said)
    written(tmp_path, "robustkit.toml", BROKEN[2])
    assert typed("documents: at the command line", "perturb", "--model", "x.pt")[0] == "error"


@QUICK
@given(text=st.text(alphabet="[]{}=\"'.,\n #abtrue0123-:_", max_size=100))
def test_any_toml(tmp_path: Path, tally: Tally, text: str) -> None:
    path = written(tmp_path, "s.toml", text)
    assert tally.judge("documents: any TOML (generated)", lambda: read_protocol(path))[0] == "error"


@QUICK
@given(text=st.text(alphabet="abdif.{}=|*,<>% #'\"0123e-+\n", max_size=60))
def test_any_rules(tally: Tally, text: str) -> None:
    tally.judge("documents: any rules (generated)", lambda: read_rules(text, where="rules"))


row = st.dictionaries(
    st.sampled_from(["reader_id", "case_id", "arm", "score", "read_at", "seconds", "decision", "practice", "label", "code"]),
    st.none() | st.booleans() | st.floats() | st.text(max_size=4) | st.sampled_from(["r", "a", "aided", "unaided", "2020-01-01"]),
)  # fmt: skip


@QUICK
@given(rows=st.lists(row, max_size=4), is_json=st.booleans())
def test_any_readings(tmp_path: Path, tally: Tally, rows: list[dict[str, Any]], is_json: bool) -> None:
    if is_json:
        path = written(tmp_path, "r.json", json.dumps({"readings": rows}))
    else:
        path = written(tmp_path, "r.csv", READINGS + "\n".join(",".join(str(v) for v in r.values()) for r in rows))
    tally.judge("documents: any readings (generated)", lambda: read_readings([path], KNOWN))
