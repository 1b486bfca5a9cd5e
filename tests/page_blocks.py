"""Fenced blocks of a Markdown page: which are commands, what they print, and how they are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(?P<info>[^`\n]*)\n(?P<body>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
SHELLS = ("sh", "bash", "shell", "console", "zsh")
STAND_INS = re.compile(r"^<!-- stand-ins: (.*) -->$", re.MULTILINE)
LONGEST_S = 400


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        lang: First word after the fence.
        marks: The words after it.
        body: What stands between the fences.
        line: Of the opening fence, from 1.
        start, end: Of the body in the page's text.
    """

    lang: str
    marks: tuple[str, ...]
    body: str
    line: int
    start: int
    end: int

    @property
    def is_run(self) -> bool:
        """Tell whether the block is run by the tests."""
        return self.lang == "sh" and self.marks[:1] == ("run",)

    @property
    def file(self) -> str:
        """Give the file that the block is the content of (``write=FILE``), or nothing."""
        return next((m.partition("=")[2] for m in self.marks if m.startswith("write=")), "")

    def mark(self, name: str, default: int) -> int:
        """Give the number of a mark such as ``exit=1``."""
        return next((int(m.partition("=")[2]) for m in self.marks if m.startswith(f"{name}=")), default)


def read_blocks(text: str) -> list[Block]:
    """Give the fenced blocks of a page in order."""
    found = []
    for match in FENCE.finditer(text):
        lang, *marks = match["info"].split() or [""]
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(lang, tuple(marks), match["body"], line, match.start("body"), match.end("body")))
    return found


def steps(text: str) -> list[tuple[Block, Block | None]]:
    """Give every block that is run or written, with the ``text output`` block that follows it, if one does."""
    blocks = read_blocks(text)
    found: list[tuple[Block, Block | None]] = []
    for block, after in zip(blocks, [*blocks[1:], None], strict=False):
        if block.is_run or block.file:
            shows = after is not None and after.lang == "text" and after.marks[:1] == ("output",)
            found.append((block, after if shows else None))
    return found


def stand_ins(text: str) -> list[str]:
    """Give what a page takes for granted in the working folder."""
    found = STAND_INS.search(text)
    return [n.strip() for n in found[1].split(",")] if found else []


def run(block: Block, folder: Path) -> tuple[int, str]:
    """Run a block in a folder and give its exit code and all that it prints, the folder's own path as ``...``."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.body],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=LONGEST_S,
        check=False,
    )
    return done.returncode, done.stdout.decode().replace(str(folder), "...")


def write(block: Block, folder: Path) -> None:
    """Write a block into the file that it is the content of."""
    path = folder / block.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.body, encoding="utf-8")


def excerpt(printed: str, shown: Block) -> str:
    """Give the lines of an output that a page shows: ``head=N``, ``tail=N``, or all."""
    lines = [line.rstrip() for line in printed.splitlines()]
    head, tail = shown.mark("head", 0), shown.mark("tail", 0)
    if head or tail:
        lines = lines[:head] + (lines[-tail:] if tail else [])
    return "\n".join(lines) + "\n"


def without_numbers(text: str) -> str:
    """Give an output in which all numbers, hashes and widths are the same: of networks, times and sizes."""
    text = re.sub(r"\b[0-9a-f]{16,}\b", "0", text)
    text = re.sub(r"\d+(,\d{3})*(\.\d+)?(e[+-]?\d+)?", "0", text)
    text = re.sub(r"-{2,}", "--", text)
    return re.sub(r"[ ]+", " ", text)
