"""Leaks that are planted and found: patients, films and rows that are judged elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from robustkit.cohort.case import Case
from robustkit.errors import InputError
from robustkit.geometry import Box
from robustkit.provenance import file_digest
from robustkit.training.leaks import check_patients, equal_films, external_rows
from robustkit.training.windows import Window

from made_lessons import windows


def _case(name: str, patient: str, split: str, *, film: Path = Path("film.png"), cohort: str = "internal") -> Case:
    return Case(name, film, Box(1, 1, 9, 9), "benign", patient, split, None, {"cohort": cohort})


@pytest.mark.parametrize("other", ["val", "test", ""])
@pytest.mark.parametrize("own", ["train", "val"])
def test_a_patient_in_two_splits_is_found(own: str, other: str) -> None:
    if own == other:
        return
    cases = [_case("a", "p", own), _case("b", "q", "train"), _case("c", "p", other)]
    said = rf"1 patients \(or films\) stand in more than one split \(case a in {own} and case c in {other or 'none'}"
    with pytest.raises(InputError, match=said):
        check_patients(cases)


def test_patients_who_are_never_learnt_from_may_stand_anywhere() -> None:
    check_patients([_case("a", "p", "train"), _case("b", "p", "train"), _case("c", "q", "test"), _case("d", "q", "")])


def test_external_rows_are_refused_or_counted() -> None:
    cases = [
        _case("a", "p", "train"), _case("b", "q", "val", cohort="External "), _case("c", "r", "test", cohort="external"),
    ]  # fmt: skip
    with pytest.raises(
        InputError, match=r"1 rows of cohort=external have split=train or val \(case b\).*--allow-external"
    ):
        external_rows(cases, allow=False)
    assert external_rows(cases, allow=True) == 1
    assert external_rows([cases[0], cases[2]], allow=False) == 0


def _window(name: str, film: Path) -> Window:
    return replace(windows(1, gap=0, seed=0)[0], case_id=name, film_sha256=file_digest(film))


def test_equal_films_under_two_names_are_found(tmp_path: Path) -> None:
    films = {}
    for name, content in {"a": b"one", "b": b"two", "copy": b"one", "same-size": b"six", "longer": b"three"}.items():
        films[name] = tmp_path / f"{name}.png"
        films[name].write_bytes(content)
    cases = [
        _case("a", "p", "train", film=films["a"]), _case("b", "q", "val", film=films["b"]),
        _case("c", "r", "test", film=films["same-size"]), _case("d", "s", "", film=films["longer"]),
        _case("gone", "t", "test", film=tmp_path / "gone.png"),
    ]  # fmt: skip
    held = {"train": [_window("a", films["a"])], "val": [_window("b", films["b"])]}
    assert equal_films(held, cases) == ()
    copied = _case("e", "u", "test", film=films["copy"])
    with pytest.raises(
        InputError,
        match=r"1 films stand in more than one split, byte for byte the same \(case a in train and case e in test",
    ):
        equal_films(held, [*cases, copied])
    (said,) = equal_films({**held, "val": [*held["val"], _window("f", films["copy"])]}, cases)
    assert said.startswith("1 films of train and val are byte for byte the same (case a in train and case f in val)")
