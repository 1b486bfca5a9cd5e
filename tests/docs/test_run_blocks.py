"""Every command of the docs is run as it stands, page by page; what it prints is what the page says.

``pytest tests/docs/test_run_blocks.py --refresh-pages`` writes what was printed into the pages.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import made_material
from page_blocks import SHELLS, excerpt, read_blocks, run, stand_ins, steps, without_numbers, write

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SLOW = {
    "docs/tutorial.md",
    "docs/baselines.md",
    "docs/doctor.md",
    "docs/heatmaps.md",
    "docs/models.md",
    "docs/readers.md",
    "docs/how_to/own_checkpoint.md",
}
"""Pages whose commands take more than some seconds."""


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


RUN = [
    pytest.param(p, id=_name(p), marks=[pytest.mark.slow] if _name(p) in SLOW else [])
    for p in PAGES
    if steps(p.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("page", RUN)
def test_the_commands_of_a_page_do_what_it_says(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = page.read_text(encoding="utf-8")
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    for name in stand_ins(text):
        made_material.make(name, tmp_path)
    fresh = []
    for block, shown in steps(text):
        if block.file:
            write(block, tmp_path)
            continue
        code, printed = run(block, tmp_path)
        assert code == block.mark("exit", 0), f"{_name(page)}, line {block.line}: exit {code}\n{block.body}\n{printed}"
        if shown is not None:
            fresh.append((shown, excerpt(printed, shown)))
    if request.config.getoption("--refresh-pages"):
        for shown, now in reversed(fresh):
            text = text[: shown.start] + now + text[shown.end :]
        page.write_text(text, encoding="utf-8")
        return
    for shown, now in fresh:
        view = without_numbers if "like" in shown.marks else str
        assert view(now) == view(shown.body), f"{_name(page)}, line {shown.line}: run with --refresh-pages"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_what_is_not_run_says_what_it_needs(page: Path) -> None:
    for block in read_blocks(page.read_text(encoding="utf-8")):
        if block.lang in SHELLS and not block.is_run:
            said = block.lang == "sh" and block.body.startswith("# needs ")
            assert said, f"{_name(page)}, line {block.line}: mark it `sh run`, or begin it with '# needs ...'"
        assert block.lang, f"{_name(page)}, line {block.line}: a block without a language"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_blocks_are_fenced(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for block in reversed(read_blocks(text)):
        text = text[: block.start] + text[block.end :]
    lines = text.splitlines()
    indented = [n for n, line in enumerate(lines[1:], 2) if line.startswith("    ") and not lines[n - 2].strip()]
    assert not indented, f"{_name(page)}: an indented block cannot say whether it is run; lines {indented}"


def test_every_output_follows_a_block_that_is_run() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shown = [b for b in read_blocks(text) if b.lang == "text" and b.marks[:1] == ("output",)]
        assert shown == [s for _, s in steps(text) if s is not None], _name(page)
