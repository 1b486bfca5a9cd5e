"""Two kinds of written models whose answers can be told by hand: one of the film's grey levels, one of a fact."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from robustkit.errors import FilmError
from robustkit.models import open as opening
from robustkit.models.written import kind_of

CLASSES = ["benign", "non-benign"]


class Grey:
    """A FilmModel: the logit is the mean grey level of the box's whole pixels, less 128, over 4."""

    def __init__(self, refused: str) -> None:
        self.refused = refused
        self.asked: list[tuple[str, int, float | None]] = []

    def logits(self, case: Any, pixels: Any, boxes: Any) -> Any:
        self.asked.append((case.case_id, len(boxes), case.spacing_mm))
        if case.case_id == self.refused:
            raise FilmError("there is too little of it")
        whole = np.floor(boxes + 0.5).astype(int)
        means = [pixels[max(y0, 0) : y1, max(x0, 0) : x1].mean() for x0, y0, x1, y1 in whole]
        return ((np.array(means) - 128) / 4)[:, None].astype(np.float32)


class Fact:
    """A FactsModel: the logit is 1 at one site, else -1, plus the box's width over 100 px."""

    def __init__(self, site: str) -> None:
        self.site = site

    def logits(self, case: Any, boxes: Any) -> Any:
        at = 1.0 if case.facts.get("site") == self.site else -1.0
        return (at + (boxes[:, 2:3] - boxes[:, :1]) / 100).astype(np.float32)


class _Kind:
    def __init__(self, name: str, engine: str, made: Any) -> None:
        self.name, self.engine, self.made = name, engine, made

    def runner(self, written: Any, *, open_member: Any) -> Any:
        return self.made(written.body)


KINDS = {
    "grey": _Kind("grey", "film", lambda body: Grey(body.get("refused", ""))),
    "fact": _Kind("fact", "facts", lambda body: Fact(body["site"])),
}


def install(monkeypatch: Any = None) -> None:
    """Let these kinds be opened; for the test, or in a process that ends with it."""

    def found(written: Any) -> Any:
        return KINDS.get(written.kind) or kind_of(written)

    if monkeypatch is None:
        opening.kind_of = found
    else:
        monkeypatch.setattr(opening, "kind_of", found)


def write(path: Path, kind: str, **body: Any) -> Path:
    """Write a model file of one of these kinds."""
    said = {"robustkit_model": 1, "kind": kind, "classes": CLASSES, "positive": CLASSES[1:], "body": body}
    path.write_text(json.dumps(said), encoding="utf-8")
    return path
