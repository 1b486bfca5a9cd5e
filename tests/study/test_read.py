"""A study file: what it says comes out; whatever is wrong with it is said at once, with its place."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from robustkit.errors import InputError
from robustkit.study.needed import from_the_network, needed_files
from robustkit.study.read import read_protocol

WHOLE = """
title = "A study"
out = "made"
seed = 7
notes = ["Films of one vendor."]
[[cohorts]]
manifest = "cases.csv"
set = { cohort = "internal" }
from = "our archive"
[[cohorts]]
import = { format = "btxrd", source = "BTXRD", groups = "groups.xlsx", lesions = "largest" }
from = "figshare"
[split]
shares = "60/20/20"
[train]
epochs = 3
seeds = 2
[[networks]]
name = "A"
arch = "resnet50"
weights = "weights/ResNet50.pt"
from = "the authors"
epochs = 9
[[networks]]
name = "B"
arch = "resnet50"
weights = "imagenet"
seeds = 1
[[networks]]
name = "C"
arch = "resnet10t"
weights = "stand-in:4"
[[checkpoints]]
name = "D"
path = "theirs.pt"
[[baselines]]
name = "E"
kind = "clinical"
facts = ["age_years"]
[perturb]
shifts = ["0.1"]
[readers]
readings = "readings.csv"
washout_days = 14
[[published]]
model = "A"
cohort = "external"
value = 0.738
low = 0.714
high = 0.762
source = "a paper"
"""


def _written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "study.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_all_that_it_says_comes_out(tmp_path: Path) -> None:
    found = read_protocol(_written(tmp_path, WHOLE))
    assert (found.title, found.seed, found.out, found.notes) == (
        "A study", 7, tmp_path / "made", ("Films of one vendor.",)
    )  # fmt: skip
    first, second = found.cohorts
    assert (first.manifest, dict(first.fill), first.is_phantom) == (
        tmp_path / "cases.csv",
        {"cohort": "internal"},
        False,
    )
    assert second.imported == {
        "format": "btxrd", "source": tmp_path / "BTXRD", "groups": tmp_path / "groups.xlsx", "lesions": "largest"
    }  # fmt: skip
    a, b, c = found.networks
    assert (a.file, a.seeds, dict(a.options)) == (tmp_path / "weights/ResNet50.pt", 2, {"epochs": 9})
    assert (b.file, b.seeds, dict(b.options), b.weights) == (None, 1, {"epochs": 3}, "imagenet")
    assert (c.file, c.is_stand_in) == (None, True)
    assert found.names == ("A", "B", "C", "D", "E")
    assert dict(found.baselines[0].options) == {"facts": ["age_years"]}
    assert found.readers is not None
    assert found.readers.readings == (tmp_path / "readings.csv",)
    assert dict(found.readers.options) == {"washout_days": 14}
    assert (found.published[0].metric, found.published[0].low) == ("auc", 0.714)
    assert found.heatmaps is None
    assert not found.is_phantom


def test_every_file_that_is_needed_is_named_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").touch()
    found = needed_files(read_protocol(_written(tmp_path, WHOLE)))
    assert [(f.what, f.path.name, f.is_there, f.origin) for f in found[:5]] == [
        ("manifest of cohort 1", "cases.csv", True, "our archive"),
        ("source of cohort 2 (btxrd)", "BTXRD", False, "figshare"),
        ("groups of cohort 2 (btxrd)", "groups.xlsx", False, "figshare"),
        ("weights of A", "ResNet50.pt", False, "the authors"),
        ("model file of D", "theirs.pt", False, ""),
    ]
    assert found[5].path.name == "readings.csv"
    assert from_the_network(read_protocol(_written(tmp_path, WHOLE))) == ("B",)


@pytest.mark.parametrize("name", ["phantom", "btxrd-own-internal", "btxrd-only", "template"])
def test_ready_studies_can_be_read(name: str, tmp_path: Path) -> None:
    text = files("robustkit.study").joinpath("assets", f"{name}.toml").read_text(encoding="utf-8")
    found = read_protocol(_written(tmp_path, text))
    assert {b.kind for b in found.baselines} == {"radiomics", "clinical", "combined"}
    assert found.networks
    assert found.is_phantom == (name == "phantom")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("titel = 'x'", "unknown key 'titel'; did you mean title?"),
        ("[[cohorts]]\nset = { a = 'b' }", r'cohorts\[1\]: expected manifest = "cases.csv"'),
        ("[[cohorts]]\nimport = { format = 'btxrd' }", r"cohorts\[1\]: import: expected \{ format"),
        ("[[cohorts]]\nmanifest = 'a.csv'\nfill = 1", r"cohorts\[1\]: unknown key 'fill'"),
        ("title = 'x'", r"cohorts: expected at least one"),
        ("title = 'x'", r"networks: expected at least one"),
        ("seed = 'one'", "seed: expected a whole number, got 'one'"),
        ("[[networks]]\narch = 'resnet50'", r"networks\[1\]: name is missing"),
        (
            "[[networks]]\nname = 'A'\narch = 'r'\nweights = 'stand-in'",
            r'networks\[1\]: weights: expected "stand-in:1"',
        ),
        ("[[networks]]\nname = 'A'\narch = 'r'\nseeds = 0", r"networks\[1\]: seeds: expected 1 or more, got 0"),
        ("[[baselines]]\nname = 'A'\nkind = 'magic'", r"baselines\[1\]: kind: expected radiomics, clinical, combined"),
        ("[[checkpoints]]\nname='A'\npath='a'\n[[checkpoints]]\nname='A'\npath='b'", "two arms are called 'A'"),
        ("[readers]\nby = ['region']", "readers: expected readings"),
        ("[[cohorts]]\nmanifest='a.csv'\n[readers]\nsimulate = 2", "of real films readers are never made up"),
        ("[[published]]\nmodel='X'\ncohort='c'\nsource='s'\nvalue=1", "no arm is called 'X'"),
        ("heatmaps = 3", r"heatmaps: expected a table \[heatmaps\], got 3"),
        ("networks = 3", r"networks: expected \[\[networks\]\] tables"),
    ],
)
def test_faults_are_named(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_protocol(_written(tmp_path, text))


def test_all_faults_come_together(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"4 faults:\n.*titel[\s\S]*seed[\s\S]*cohorts[\s\S]*networks"):
        read_protocol(_written(tmp_path, "titel = 1\nseed = 1.5"))


def test_no_file_and_no_toml_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such study file\. Write one with `robustkit study --init template`"):
        read_protocol(tmp_path / "study.toml")
    with pytest.raises(InputError, match="not a TOML file"):
        read_protocol(_written(tmp_path, "= 3"))
