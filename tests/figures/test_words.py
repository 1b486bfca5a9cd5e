from __future__ import annotations

import pytest
from robustkit.figures._words import level_text, number, p_text, with_interval

NAN = float("nan")


def test_numbers_and_intervals() -> None:
    assert number(0.12345) == "0.123"
    assert number(0.12345, is_share=True) == "12.3%"
    assert with_interval(0.5, 0.25, 0.75) == "0.500 (0.250 to 0.750)"
    assert with_interval(0.5, NAN, NAN, is_share=True) == "50.0%"
    assert with_interval(NAN, NAN, NAN) == "not estimable"


@pytest.mark.parametrize(("p", "said"), [(0.0004, "<0.001"), (0.0123, "0.012"), (NAN, "")])
def test_p(p: float, said: str) -> None:
    assert p_text(p) == said


@pytest.mark.parametrize(("unit", "said"), [("side", "10%"), ("px", "0.1 px"), ("mm", "0.1 mm")])
def test_levels(unit: str, said: str) -> None:
    assert level_text(0.1, unit) == said
