"""The grammar of a gate's rules: what is read, and where the fault stands."""

from __future__ import annotations

import doctest
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from robustkit.analysis import rules
from robustkit.analysis.rules import Choice, Rule, parse_rule, read_rules
from robustkit.errors import InputError


def test_a_whole_rule() -> None:
    found = parse_rule(
        " diff.auc { model_a = x , model_b='y, z', size=<20 mm|>=80 mm, region*size=* } >= -2 % # why", where="w"
    )
    assert found == Rule(
        text="diff.auc { model_a = x , model_b='y, z', size=<20 mm|>=80 mm, region*size=* } >= -2 %",
        where="w",
        metric="auc",
        is_difference=True,
        choices=(
            Choice("model_a", ("x",), 13),
            Choice("model_b", ("y, z",), 27),
            Choice("size", ("<20 mm", ">=80 mm"), 43),
            Choice("region*size", (), 64),
        ),
        operator=">=",
        limit=-0.02,
    )


def test_example_runs() -> None:
    found = doctest.testmod(rules)
    assert (found.attempted > 0, found.failed) == (True, 0)


@pytest.mark.parametrize(
    ("written", "limit"), [("0.05", 0.05), (".5", 0.5), ("5%", 0.05), ("-2e-2", -0.02), ("1.", 1.0), ("+3", 3.0)]
)
def test_limits(written: str, limit: float) -> None:
    assert parse_rule(f"auc<{written}").limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("operator", "below", "at", "above", "upper"),
    [("<", True, False, False, True), ("<=", True, True, False, True), (">", False, False, True, False),
     (">=", False, True, True, False)],
)  # fmt: skip
def test_operators(operator: str, below: bool, at: bool, above: bool, upper: bool) -> None:
    rule = parse_rule(f"auc {operator} 0.5")
    assert [rule.holds(v) for v in (0.4, 0.5, 0.6)] == [below, at, above]
    assert not rule.holds(float("nan"))
    assert rule.is_upper == upper


def test_a_star_in_quotes_is_a_name() -> None:
    assert parse_rule("auc{site='*'} > 0").choices[0].values == ("*",)
    assert parse_rule("auc{site=*} > 0").choices[0].is_every


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected the name of a metric, got the end"),
        ("< 0.5", "expected the name of a metric, got '< 0.5'"),
        ("auc{size=small < 0.05", "expected ',' or '}' after 'size', got the end"),
        ("auc{size} > 1", "expected '=' after 'size', got '} > 1'"),
        ("auc{=small} > 1", "expected a name such as size, shift or cohort, got '=small} > 1'"),
        ("auc{} > 1", "expected a name such as size, shift or cohort"),
        ("auc{size=} > 1", "expected a value of 'size', got '} > 1'"),
        ("auc{size=a,} > 1", "expected a name such as"),
        ("auc{size=a|} > 1", "expected a value of 'size'"),
        ("auc{size='a} > 1", "expected a closing quote"),
        ("auc{size=a, size=b} > 1", "expected 'size' once, got it twice"),
        ("auc{size=*|a} > 1", "expected '*' alone as the value of 'size'"),
        ("auc == 1", "expected <, <=, > or >=, got '=='"),
        ("auc 0.5", "expected <, <=, > or >=, got '0.5'"),
        ("auc > high", "expected a number, got 'high'"),
        ("auc > nan", "expected a number, got 'nan'"),
        ("auc > 1e999", "expected a finite number"),
        ("auc > 0.5 0.6", "expected the end of the rule, got '0.6'"),
        ("ratio.auc > 0.5", "expected a metric or diff.METRIC, got 'ratio.auc'"),
        ("diff. > 0.5", "expected a metric or diff.METRIC, got 'diff.'"),
    ],
)  # fmt: skip
def test_faults_are_said(text: str, said: str) -> None:
    with pytest.raises(InputError) as found:
        parse_rule(text)
    assert said in found.value.what


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1), ("  > 1", 3), ("auc{size=small < 0.05", 22), ("auc{size} > 1", 9), ("auc{ =a} > 1", 6), ("auc{size=} > 1", 10),
        ("auc{size=a,} > 1", 12), ("auc{size='a} > 1", 10), ("auc{size=a, size=b} > 1", 13), ("auc == 1", 5), ("auc > high", 7),
        ("auc > 0.5 0.6", 11), (" ratio.auc > 0.5", 2),
    ],
)  # fmt: skip
def test_faults_have_a_column(text: str, column: int) -> None:
    # counted by hand, from 1
    with pytest.raises(InputError, match=rf"^gate\.rules, line 3, column {column}: expected "):
        parse_rule(text, where="gate.rules, line 3")


def test_a_file_has_one_rule_a_line() -> None:
    text = "\ufeff# a comment\r\n\nauc > 0.8   # of all\r\n   # flip_rate > 1\nflip_rate{centre='a#b'} < 5%"
    found = read_rules(text, where="gate.rules")
    assert [(r.where, r.text) for r in found] == [
        ("gate.rules, line 3", "auc > 0.8"), ("gate.rules, line 5", "flip_rate{centre='a#b'} < 5%")
    ]  # fmt: skip
    assert found[1].choices[0].values == ("a#b",)


def test_a_file_names_the_line_of_the_fault() -> None:
    with pytest.raises(InputError, match="gate.rules, line 2, column 5"):
        read_rules("auc > 1\nauc ? 1", where="gate.rules")


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_an_input_error(text: str) -> None:
    with suppress(InputError):
        rule = parse_rule(text)
        assert parse_rule(rule.text) == rule


names = st.text(st.characters(exclude_characters="\"'", exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(values=st.dictionaries(names, st.lists(names, min_size=1, max_size=3), min_size=1, max_size=3))
def test_whatever_stands_in_quotes_is_kept(values: dict[str, list[str]]) -> None:
    inside = ",".join(f'"{k}"=' + "|".join(f"'{v}'" for v in own) for k, own in values.items())
    found = parse_rule(f"auc{{{inside}}} > 0")
    assert {c.key: list(c.values) for c in found.choices} == values


def test_the_rules_of_the_documentation_are_rules() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how_to" / "gate_in_ci.md").read_text(encoding="utf-8")
    block = page.split("write=gate.rules\n")[1].split("```")[0]
    assert [r.metric for r in read_rules(block, where="gate_in_ci.md")] == [
        "sensitivity",
        "missed_malignant",
        "flip_rate",
        "auc",
    ]
