"""Which model: the joint test is no pair, and many pairs are folded, each with the number that is asked first."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pandas as pd
from robustkit.report.comparisons import comparisons_section
from robustkit.results.schema import COMPARISONS_COLUMNS

from made_tables import comparisons, made_row
from made_view import view


def _joint(**more: object) -> pd.DataFrame:
    row = made_row(
        COMPARISONS_COLUMNS, model_a="all", model_b="", by="all", stratum="all", cohort="all", split="test",
        perturbation="nominal", level=0.0, metric="auc", n_cases=40, n_patients=30, **more,
    )  # fmt: skip
    return pd.DataFrame([row], columns=list(COMPARISONS_COLUMNS))


def _html(*tables: pd.DataFrame) -> str:
    usual = view()
    section = comparisons_section(replace(usual, tables={**usual.tables, "comparisons": pd.concat(tables)}))
    assert section is not None
    return section.html


def test_the_test_of_all_models_is_no_pair() -> None:
    html = _html(_joint(statistic=9.0, p=0.0111, method="DeLong, chi-square with 2 df"), comparisons("a", "b"))
    assert "All models at once" in html
    assert "<b>0.011</b><small>DeLong, chi-square with 2 df</small>" in html
    assert "all minus" not in html
    assert "not estimable" not in html


def test_a_joint_test_without_a_p_says_why() -> None:
    assert "not estimable: one class only" in _html(_joint(reason="one class only"), comparisons("a", "b"))


def test_few_pairs_are_open_and_many_are_folded_with_their_auc() -> None:
    three = _html(*(comparisons(a, b) for a, b in combinations("abc", 2)))
    assert three.count("<h3>") == 3
    assert "<details>" not in three
    six = _html(*(comparisons(a, b) for a, b in combinations("abcd", 2)))
    assert six.count("<details>") == 6
    assert ": AUC <b>\N{MINUS SIGN}0.050</b>, p 0.014</summary>" in six
