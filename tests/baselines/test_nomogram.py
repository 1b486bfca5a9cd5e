"""Points by hand, round marks, and scores that the points lead back to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.baselines.nomogram import SCORE, Scale, fact_scales, nearest, nomogram, round_marks, score_scale
from robustkit.models.terms import Category, Design, Number
from scipy.special import logit

DESIGN = Design(
    (Number("age", 30.0, 0.0, 80.0, has_missing_column=True), Category("sex", "M", ("F",), ("X", "Y"), ("Z",)))
)
WEIGHTS = np.array([0.05, 1.5, -1.0, 2.0])
CASES = [{"age": "10", "sex": "M"}, {"age": "", "sex": "F"}, {"age": "79", "sex": "X"}, {"age": "41", "sex": "Z"}]


def test_points_by_hand() -> None:
    ticks = nomogram(fact_scales(DESIGN, WEIGHTS, CASES), -2.0, fitted=np.zeros(4))
    age = {t.label: t for t in ticks if t.fact == "age"}
    # age adds 0 to 4 log-odds: the widest, so that 0.04 log-odds are a point; missing adds 0.05 x 30 + 1.5 = 3
    assert [(k, round(t.points, 9)) for k, t in age.items()] == [
        ("0", 0), ("20", 25), ("40", 50), ("60", 75), ("80", 100), ("missing", 75),
    ]  # fmt: skip
    assert [age[k].n_cases for k in ("0", "20", "40", "60", "80", "missing")] == [1, 0, 1, 0, 1, 1]
    sex = {t.label: (t.points, t.n_cases) for t in ticks if t.fact == "sex"}
    # F adds -1: no points; M 0: 25; X and Y 2: 75; Z is taken as M
    assert sex == {"M": (25.0, 2), "F": (0.0, 1), "other": (75.0, 1)}
    score = {t.label: t.points for t in ticks if t.fact == SCORE}
    # no points at all: -2 + 0 - 1 = -3 log-odds
    assert score["0.5"] == pytest.approx(3 / 0.04)
    assert score["0.9"] == pytest.approx((np.log(9) + 3) / 0.04)
    # from 0.047 to 0.982
    assert (min(score, key=float), max(score, key=float)) == ("0.05", "0.95")


def test_the_sum_of_points_leads_to_the_models_score() -> None:
    ticks = nomogram(fact_scales(DESIGN, WEIGHTS, CASES), -2.0, fitted=np.zeros(4))
    by = {(t.fact, t.label): t.points for t in ticks}
    total = by["age", "40"] + by["sex", "other"]
    marks = [(t.points, t.log_odds) for t in ticks if t.fact == SCORE]
    read = np.interp(total, [p for p, _ in marks], [z for _, z in marks])
    assert read == pytest.approx(-2 + 0.05 * 40 + 2.0)


def test_a_models_score_is_a_scale() -> None:
    scale = score_scale("net", 0.5, logit(np.array([0.03, 0.2, 0.2, 0.97])))
    assert scale.fact == "score of net"
    assert (scale.labels[0], scale.labels[-1]) == ("0.03", "0.97")
    np.testing.assert_allclose(scale.log_odds, 0.5 * logit(scale.x))
    assert dict(zip(scale.labels, scale.n_cases, strict=True))["0.2"] == 2


def test_nothing_to_draw() -> None:
    flat = Scale("sex", ("M",), np.array([np.nan]), np.array([0.0]), (4,))
    assert nomogram([flat], 1.0, fitted=np.zeros(4)) == nomogram([], 1.0, fitted=np.zeros(4)) == ()


def test_one_score_where_the_model_says_nearly_nothing() -> None:
    narrow = Scale("sex", ("M", "F"), np.full(2, np.nan), np.array([0.0, 0.01]), (2, 2))
    ticks = nomogram([narrow], 1.0, fitted=np.ones(4))
    assert [(t.label, t.n_cases) for t in ticks if t.fact == SCORE] == [("0.73", 4)]


@given(st.floats(-1e4, 1e4), st.floats(1e-3, 1e5))
def test_marks_are_few_rising_and_reach_both_ends(low: float, span: float) -> None:
    marks = round_marks(low, low + span)
    assert 2 <= len(marks) <= 9
    assert (np.diff(marks) > 0).all()
    assert (marks[0], marks[-1]) == (low, low + span)


def test_nearest() -> None:
    assert nearest(np.array([0.0, 0.4, 0.5, 3.0]), np.array([0.0, 1.0])) == (3, 1)
    assert nearest(np.empty(0), np.array([0.0, 1.0])) == (0, 0)
