"""Headings and links of a Markdown page, as a forge such as GitHub renders them."""

from __future__ import annotations

import re
from pathlib import Path

from page_blocks import read_blocks

CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
HEADING = re.compile(r"^#{1,6} (.+?)(?: #+)?$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
LINKED = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def prose(text: str) -> str:
    """Give a page without its fenced blocks and comments; line numbers do not stay."""
    for block in reversed(read_blocks(text)):
        text = text[: block.start] + text[block.end :]
    return COMMENT.sub("", text)


def without_code(text: str) -> str:
    """Give the prose of a page with a blank in the place of every span of code."""
    return CODE.sub(" ", prose(text))


def links(text: str) -> list[str]:
    """Give what the links and pictures of a page point to, but for addresses elsewhere."""
    return [link for link in LINK.findall(without_code(text)) if "://" not in link]


def anchors(text: str) -> set[str]:
    """Give the anchors that the headings of a page get.

    Small letters, blanks as hyphens, all but letters, digits, ``_`` and ``-`` left out; the second of a name gets ``-1``.
    """
    heads = [LINKED.sub(r"\1", heading).strip().lower() for heading in HEADING.findall(prose(text))]
    names = [re.sub(r"[^\w\- ]", "", head).replace(" ", "-") for head in heads]
    return {f"{n}-{before}" if (before := names[:i].count(n)) else n for i, n in enumerate(names)}


def reached(page: Path, root: Path) -> set[Path]:
    """Give every Markdown page below a folder that links lead to from a page, the page itself among them."""
    found, waiting = set(), [page.resolve()]
    while waiting:
        here = waiting.pop()
        if here in found:
            continue
        found.add(here)
        ends = [(here.parent / link.partition("#")[0]).resolve() for link in links(here.read_text(encoding="utf-8"))]
        waiting += [e for e in ends if e.suffix == ".md" and e.is_file() and e.is_relative_to(root)]
    return found
