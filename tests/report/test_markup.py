from __future__ import annotations

import base64
import gzip
import json

import pandas as pd
import pytest
from robustkit.report.markup import as_json, name, packed, packed_table, table, text


def test_text_is_escaped() -> None:
    assert text('<b a="1">\'&') == "&lt;b a=&quot;1&quot;&gt;&#x27;&amp;"
    assert name("<i>") == "<bdi>&lt;i&gt;</bdi>"


def test_headings_are_escaped_and_cells_are_html() -> None:
    found = table(["<h>"], [["<b>1</b>"]], numeric_from=0)
    assert "&lt;h&gt;" in found
    assert '<td dir="auto" class="number"><b>1</b></td>' in found


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_is_never_a_formula(start: str) -> None:
    frame = pd.DataFrame({f"{start}head": [f"{start}1+1", "plain", ""], "value": [-1.5, 1 / 3, float("nan")]})
    first, value = _columns(packed_table(frame))
    assert first == [f"'{start}head", f"'{start}1+1", "plain", ""]
    assert value == ["value", "-1.5", "0.333333", ""]  # six digits


def test_a_cell_cannot_become_two() -> None:
    frame = pd.DataFrame({"a\x1fb": ["one\x1etwo", None], "n": [1, 2], "is": [True, False]})
    assert _columns(packed_table(frame)) == [["a b", "one two", ""], ["n", "1", "2"], ["is", "True", "False"]]


def _columns(block: str) -> list[list[str]]:
    return [c.split("\x1f") for c in gzip.decompress(base64.b64decode(block)).decode().split("\x1e")]


def test_packed_opens_as_it_was() -> None:
    assert gzip.decompress(base64.b64decode(packed("é <x> " * 100))).decode() == "é <x> " * 100
    assert packed("a") == packed("a")


def test_json_cannot_end_its_element() -> None:
    found = as_json({"a": "</script>"})
    assert "</" not in found
    assert json.loads(found) == {"a": "</script>"}


def test_json_has_no_nan() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        as_json([float("nan")])
