"""Puts one pack together: films, boxes and facts under codes; nothing in it tells a label, a name or a file."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from string import Template
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from robustkit.figures._words import DISCLAIMER, SIMULATED
from robustkit.images.thumbnail import encoded

Scale = Literal["0-100", "1-5"]
QUALITY = 92


@dataclass(frozen=True, slots=True)
class Aid:
    """What the model says of a case, in the aided arm.

    Attributes:
        is_above: Whether its score is at or above the carried threshold.
        rank: Share of the reference scores below it.
        heatmap: height, width, cells (base64), and place in shares of the film's sides; None where there is none.
    """

    is_above: bool
    rank: float
    heatmap: Sequence[Any] | None = None


@dataclass(frozen=True, slots=True)
class ReadCase:
    """One case as a reader sees it.

    Attributes:
        code: Instead of its name.
        film: WebP of the whole film.
        size: Width and height of the film in px, as it lies in the pack.
        box: x0, y0, x1, y1 in shares of the film's sides.
        facts: Clinical facts, name and text.
        aid: None in the unaided arm.
        is_practice: True where it is not counted.
    """

    code: str
    film: bytes
    size: tuple[int, int]
    box: tuple[float, float, float, float]
    facts: Sequence[tuple[str, str]]
    aid: Aid | None = None
    is_practice: bool = False


@dataclass(frozen=True, slots=True)
class PackTexts:
    """What a pack says.

    Attributes:
        reader, session, arm: Whose it is.
        study: Name of the study, and of its key.
        question: Asked of every case.
        ends: What the ends of the scale mean.
        decisions: Key, name and words of each decision.
        scale: ``0-100`` or ``1-5``.
        is_simulated: True where the films are.
        reference: Whose scores the rank is told among.
    """

    reader: str
    session: int
    arm: str
    study: str
    question: str
    ends: tuple[str, str]
    scale: Scale = "0-100"
    is_simulated: bool = False
    reference: str = "the cases of the study"
    decisions: Sequence[tuple[str, str, str]] = field(
        default=(
            ("d", "dismiss", "dismiss: no further step"),
            ("f", "follow", "follow: look again later"),
            ("r", "refer", "refer: to a specialist"),
        )
    )


def build_pack(texts: PackTexts, cases: Sequence[ReadCase]) -> str:
    """Give the whole page as text; it asks nothing of any network."""
    data = {
        "study": texts.study,
        "reader": texts.reader,
        "session": texts.session,
        "arm": texts.arm,
        "scale": texts.scale,
        "question": texts.question,
        "ends": list(texts.ends),
        "reference": texts.reference,
        "decisions": [list(d) for d in texts.decisions],
        "cases": [_case(c) for c in cases],
    }
    return Template(_asset("pack.html")).substitute(
        title=_text(f"Reading, {texts.reader}, session {texts.session}, {texts.arm}"),
        css=_asset("pack.css"),
        disclaimer=_text(DISCLAIMER),
        simulated=f'<span class="tag">{_text(SIMULATED)}</span>' if texts.is_simulated else "",
        data=_json(data),
        films="".join(
            f'<script type="text/plain" id="film-{_text(c.code)}">{base64.b64encode(c.film).decode("ascii")}</script>\n'
            for c in cases
        ),
        script=_asset("pack.js"),
    )


def _case(c: ReadCase) -> dict[str, Any]:
    found: dict[str, Any] = {
        "code": c.code,
        "size": list(c.size),
        "box": [round(v, 5) for v in c.box],
        "facts": [list(f) for f in c.facts],
        "practice": c.is_practice,
    }
    if c.aid is not None:
        found["aid"] = {
            "above": c.aid.is_above,
            "rank": round(100 * c.aid.rank),
            "heatmap": list(c.aid.heatmap) if c.aid.heatmap else None,
        }
    return found


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)


def _asset(name: str) -> str:
    return files("robustkit.packs").joinpath("assets", name).read_text(encoding="utf-8")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def pack_film(pixels: NDArray[Any], *, most_px: int) -> tuple[bytes, tuple[int, int]]:
    """Give a film as WebP of at most so many px along a side, without any of the file's own data.

    Args:
        pixels: ``(height, width)``, 0..255.
        most_px: Of the longer side.
    """
    from PIL import Image

    film = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    film.thumbnail((most_px, most_px), Image.Resampling.LANCZOS)
    return encoded(film, quality=QUALITY), film.size


def facts_of(row: Mapping[str, Any], names: Sequence[str]) -> list[tuple[str, str]]:
    """Give the clinical facts of a case that are known, in words."""
    found = []
    for name in names:
        value = row.get(name)
        said = (
            ""
            if value is None or value != value
            else f"{value:g}"
            if isinstance(value, float)
            else str(value).replace("|", ", ")
        )
        if said.strip():
            found.append((name.removesuffix("_years").replace("_", " "), said))
    return found
