"""Splits: patients and films whole, labels in proportion, the same every time; every other column as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.api.split import split
from robustkit.cli.main import app
from robustkit.cohort.splits import draw_splits, groups_of
from robustkit.errors import InputError, ManifestError
from typer.testing import CliRunner

SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


def test_groups_by_hand() -> None:
    """a and b share a patient, b and c a film, d is alone."""
    patients = pd.Series(["p", "p", "q", "r"])
    films = pd.Series(["1", "2", "2", "3"])
    found = groups_of([patients, films])
    assert found[0] == found[1] == found[2] != found[3]
    assert groups_of([films]).tolist() == [0, 1, 1, 2]


def test_shares_by_hand() -> None:
    """Ten alike: 6, 2 and 2."""
    dealt = draw_splits(np.arange(10), pd.Series(["x"] * 10), SHARES, seed=0)
    assert {s: dealt.count(s) for s in SHARES} == {"train": 6, "val": 2, "test": 2}


def test_a_share_of_0_gets_nothing() -> None:
    dealt = draw_splits(np.arange(10), pd.Series(["x"] * 10), {"train": 0.5, "val": 0.5, "test": 0.0}, seed=0)
    assert set(dealt) == {"train", "val"}


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abc")), min_size=30, max_size=200), st.integers(0, 1000))
def test_no_group_is_divided_and_shares_are_near(rows: list[tuple[int, str]], seed: int) -> None:
    groups = np.unique([g for g, _ in rows], return_inverse=True)[1]
    dealt = pd.Series(draw_splits(groups, pd.Series([k for _, k in rows]), SHARES, seed=seed))
    assert (dealt.groupby(groups).nunique() == 1).all()
    most = int(np.bincount(groups).max())
    for name, share in SHARES.items():
        # what is dealt last may be off by a group in each kind that groups can be: 7 sets of three letters
        assert abs((dealt == name).sum() - share * len(rows)) <= 2 * most + 4


def test_the_seed_changes_the_deal_and_nothing_else_does() -> None:
    strata = pd.Series(["a", "b"] * 50)
    one, again, other = (draw_splits(np.arange(100), strata, SHARES, seed=s) for s in (0, 0, 1))
    assert one == again != other


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    n = 240
    frame = pd.DataFrame({
        "case_id": [f"c{i}" for i in range(n)], "image": [f"films/{i // 2}.png" for i in range(n)],
        "patient_id": [f"p{i // 4}" for i in range(n)], "label": np.where(random.random(n) < 0.3, "non-benign", "benign"),
        "x0": 1.5, "y0": 2, "x1": 30, "y1": 40, "cohort": np.where(np.arange(n) < 200, "internal", "external"),
        "odd": ["007", ""] * 120, "centre": ["north", "south", "north"] * 80,
    })  # fmt: skip
    file = tmp_path / "manifest.csv"
    frame.to_csv(file, index=False)
    return file


def test_a_manifest_gets_its_splits_and_keeps_all_else(manifest: Path) -> None:
    before = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    found = split(manifest=manifest)
    after = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(after.drop(columns="split"), before)
    own = after[after["cohort"] == "internal"]
    assert (own.groupby("patient_id")["split"].nunique() == 1).all()
    assert after.loc[after["cohort"] == "external", "split"].eq("").all()
    assert found.n_left == 40
    assert found.n_groups == 50
    share = own.groupby("label")["split"].value_counts(normalize=True)
    for label in ("benign", "non-benign"):
        assert share[label, "train"] == pytest.approx(0.6, abs=0.06)
        assert share[label, "val"] == pytest.approx(0.2, abs=0.06)
    counts = {(p.split, p.label): p.n_cases for p in found.parts}
    assert counts["test", "all"] == (own["split"] == "test").sum()


def test_splits_that_are_there_are_not_dealt_again(manifest: Path) -> None:
    split(manifest=manifest)
    with pytest.raises(InputError, match="splits already"):
        split(manifest=manifest, seed=1)
    before = manifest.read_bytes()
    split(manifest=manifest, new=True)
    assert manifest.read_bytes() == before
    split(manifest=manifest, new=True, seed=1)
    assert manifest.read_bytes() != before


def test_another_group_and_another_file(manifest: Path) -> None:
    out = manifest.with_name("split.parquet")
    split(manifest=manifest, group="centre", output=out)
    found = pd.read_parquet(out)
    # patients and films go over centres here: all of them hang together
    assert set(found.loc[found["cohort"] == "internal", "split"]) != {""}
    assert "split" not in pd.read_csv(manifest)


def test_a_label_that_is_too_rare_is_said(manifest: Path) -> None:
    frame = pd.read_csv(manifest, dtype=str, keep_default_na=False)
    frame["label"] = ["non-benign"] + ["benign"] * 239
    frame.to_csv(manifest, index=False)
    found = split(manifest=manifest)
    assert sum("no case with the label non-benign" in w for w in found.warnings) == 2


@pytest.mark.parametrize(
    ("flags", "match"),
    [
        ({"shares": "60/20"}, "add up to 100"),
        ({"shares": "60/20/30"}, "add up to 100"),
        ({"shares": "0/50/50"}, "add up to 100"),
        ({"shares": "a/b/c"}, "add up to 100"),
        ({"shares": "120/-10/-10"}, "add up to 100"),
        ({"by": ["shoe"]}, "no case has the fact 'shoe'"),
        ({"group": "shoe"}, "no case has the fact 'shoe'"),
        ({"cohort": "north"}, "no cohort is called 'north'"),
        ({"output": Path("elsewhere.csv")}, "would not be found"),
    ],
)
def test_refusals(manifest: Path, flags: dict[str, Any], match: str) -> None:
    before = manifest.read_bytes()
    with pytest.raises(InputError, match=match):
        split(**{"manifest": manifest, **flags})
    assert manifest.read_bytes() == before


def test_several_cohorts_none_of_them_internal(manifest: Path) -> None:
    frame = pd.read_csv(manifest, dtype=str).replace("internal", "here")
    frame.to_csv(manifest, index=False)
    with pytest.raises(InputError, match="which cohort is to be split"):
        split(manifest=manifest)
    assert split(manifest=manifest, cohort="here").cohort == "here"


def test_a_manifest_with_faults_is_refused(manifest: Path) -> None:
    frame = pd.read_csv(manifest, dtype=str)
    frame.loc[3, "x1"] = "0"
    frame.to_csv(manifest, index=False)
    with pytest.raises(ManifestError):
        split(manifest=manifest)


def test_as_a_command(manifest: Path) -> None:
    said = CliRunner().invoke(app, ["split", str(manifest), "--shares", "70/15/15", "--json"])
    assert said.exit_code == 0, said.output
    told = json.loads(said.stdout)
    assert {p["split"] for p in told["parts"]} == {"train", "val", "test"}
    plain = CliRunner().invoke(app, ["split", str(manifest), "--new"])
    assert "50 groups of cases were kept together; 40 cases of other cohorts stay without a split" in plain.output
