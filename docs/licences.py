"""Writes licences.md: the licence of every package of constraints.txt, as its own metadata say it.

    python docs/licences.py docs/licences.md

Run it in an environment with every extra. A package that is not installed keeps its row of the page as it is.
"""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEAD = """# Licences

robustkit itself: Apache-2.0. It contains no code of others; these packages are installed beside it. Names, versions and licences are
those of the packages' own metadata, written by `docs/licences.py` from `constraints.txt`. *Needed by* names the extra; nothing stands
there for what comes with another package.

**Copyleft**: what is marked so obliges those who pass it on, above all together with robustkit in one image or installer. Without
`pylibjpeg-libjpeg`, DICOM films in lossless JPEG cannot be decoded: they fail with a reason, and all else works.

Known vulnerabilities: `make test-install` asks pip-audit about `constraints.txt`, and says so where its database cannot be reached.

| package | version | licence | needed by | passing on |
| --- | --- | --- | --- | --- |
"""


def main() -> None:
    """Write the page."""
    page = Path(sys.argv[1])
    before = kept_rows(page)
    rows = [row_of(name, version, before) for name, version in pinned(ROOT / "constraints.txt")]
    page.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")


def pinned(file: Path) -> list[tuple[str, str]]:
    """Give name and version of every package of a constraints file."""
    found = re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return sorted((normal(n), v) for n, v in found)


def normal(name: str) -> str:
    """Give the name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def kept_rows(page: Path) -> dict[str, str]:
    """Give the rows of the page by package."""
    lines = page.read_text(encoding="utf-8").splitlines() if page.is_file() else []
    return {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}


def row_of(name: str, version: str, before: dict[str, str]) -> str:
    """Give the row of a package."""
    try:
        licence = licence_of(name)
    except PackageNotFoundError:
        return before.get(name, f"| {name} | {version} | ? | {needed_by(name)} | not installed |")
    mark = "copyleft" if re.search(r"\b(A|L)?GPL|General Public|MPL|Mozilla", licence) else ""
    return f"| {name} | {version} | {licence} | {needed_by(name)} | {mark} |"


def licence_of(name: str) -> str:
    """Give the SPDX expression of a package; else what classifiers, free text or the head of its licence file say."""
    about = metadata(name)
    expression = about.get("License-Expression")
    if expression:
        return str(expression)
    named = [c.split("::")[-1].strip() for c in about.get_all("Classifier") or () if c.startswith("License ::")]
    if named := [n for n in named if n != "OSI Approved"]:
        return " and ".join(sorted(set(named)))
    files = [Path(str(f.locate())) for f in distribution(name).files or () if f.name.upper().startswith("LICEN")]
    texts = [about.get("License") or "", *(f.read_text(encoding="utf-8") for f in files if f.is_file())]
    return next((t.strip().splitlines()[0][:80] for t in texts if t.strip()), "?")


def needed_by(name: str) -> str:
    """Give what asks for it directly: robustkit itself, or an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asks = {"robustkit": project["dependencies"], **project["optional-dependencies"]}
    return next((who for who, lines in asks.items() if name in {_package(line) for line in lines}), "")


def _package(requirement: str) -> str:
    return normal(re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0])


if __name__ == "__main__":
    main()
