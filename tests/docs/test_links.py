"""What a reader on a forge clicks on is there, and nothing of a page is lost when it is rendered."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from page_links import anchors, links, prose, reached, without_code

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [*sorted(ROOT.glob("*.md")), *DOCS, *sorted(ROOT.glob("benchmarks/*.md"))]
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
"""What a forge takes for HTML, and leaves out where it does not know it: ``runs/<time>`` is shown as ``runs/``."""


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_and_anchors_lead_somewhere(page: Path) -> None:
    dead = []
    for link in links(page.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        end = page.parent / file if file else page
        if not end.exists() or (anchor and anchor not in anchors(end.read_text(encoding="utf-8"))):
            dead.append(link)
    assert not dead


def test_every_page_is_reached_from_the_index() -> None:
    lost = set(DOCS) - reached(ROOT / "docs" / "README.md", ROOT)
    assert not [_name(p) for p in sorted(lost)]


@pytest.mark.parametrize("folder", ["docs", "docs/decisions"])
def test_an_index_names_every_page(folder: str) -> None:
    index = links((ROOT / folder / "README.md").read_text(encoding="utf-8"))
    pages = [p for p in DOCS if p.parent == ROOT / folder or (folder == "docs" and p.parent.name != "decisions")]
    named = [p.relative_to(ROOT / folder).as_posix() for p in pages if p != ROOT / folder / "README.md"]
    assert not [n for n in named if n not in index]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_nothing_is_taken_for_html(page: Path) -> None:
    assert not TAG.findall(without_code(page.read_text(encoding="utf-8"))), "put it into `code`, or write &lt;"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_rows_of_a_table_have_the_cells_of_its_head(page: Path) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", prose(page.read_text(encoding="utf-8")), re.MULTILINE)
    counts = [[len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()] for table in tables]
    assert all(len(set(c)) == 1 for c in counts), "a | inside a cell is written \\|"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_no_blank_line_inside_a_list(page: Path) -> None:
    """A list with one has a gap between all of its entries."""
    assert not re.findall(r"^- .*\n\n+- .*", prose(page.read_text(encoding="utf-8")), re.MULTILINE)


def test_anchors_by_hand() -> None:
    # as GitHub shows them
    text = "# A b\n## robustkit box-noise\n## `x_y`, 1. [z](w.md)\n## A b\n```sh\n# none\n```\n"
    assert anchors(text) == {"a-b", "robustkit-box-noise", "x_y-1-z", "a-b-1"}


def test_links_by_hand() -> None:
    assert links("[a](b.md#c) `[d](e.md)` ![f](g.png) [h](https://example.org)") == ["b.md#c", "g.png"]
