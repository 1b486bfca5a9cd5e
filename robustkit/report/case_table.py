"""The table of all cases: sorted and filtered in the browser, a row opens picture, boxes and scores."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.analysis.cohort import positive_labels
from robustkit.figures._words import cohort_name, level_text
from robustkit.images.thumbnail import smaller
from robustkit.report.case_answers import QUANTILES
from robustkit.report.markup import text
from robustkit.report.view import RunView, Section, run_facts

FACTS = ("label", "subtype", "site", "view", "sex", "cohort", "centre", "split")
MOST_ROWS = 20_000
"""Rows beyond which only the least stable cases are listed: a page must still be mailed and opened on a phone."""

PICTURE_BYTES = 2_600_000
"""What all thumbnails together may take; they are made smaller where there are many cases."""

SIZES = ((160, 55), (128, 50), (104, 45), (88, 40), (72, 35), (56, 30))
"""Side in px and WebP quality, the largest that fits is taken."""

_CAPTION = (
    "Every judged case with its answers. Changed: the share of redrawn boxes ({redrawn}) whose decision is not that of the box "
    "as given. Choose a case to see its film, boxes and scores."
)


def case_table_section(view: RunView) -> Section | None:
    """Give the section; None where no case was answered."""
    stability = view.table("stability")
    if stability.empty:
        return None
    data = case_table_data(view, stability)
    pictures = _pictures(view, data["case"])
    redrawn = data["redrawn"] or "none"
    more = f"<p>{text(data['left_out'])}</p>" if data["left_out"] else ""
    html = f'<p class="caption">{text(_CAPTION.format(redrawn=redrawn))}</p>{more}<div id="case-table"></div>'
    blocks = {"cases": data, **({"pictures": pictures} if pictures["webp"] else {})}
    return Section("all-cases", "All cases", html, blocks, "cases.js")


def case_table_data(view: RunView, stability: pd.DataFrame) -> dict[str, Any]:
    """Give plain data by column, one place for each case."""
    facts = run_facts(view.record)
    rows = _primary(stability, facts.primary)
    order = rows.groupby("case_id")[["flip_rate", "sd"]].max().sort_values(["flip_rate", "sd"], ascending=False)
    n_all = len(order)
    ids = sorted(map(str, order.index[:MOST_ROWS]))
    about = view.cases.drop_duplicates("case_id").set_index("case_id").reindex(ids)
    labels = positive_labels(view.record)
    cuts = view.table("thresholds")
    threshold = dict(zip(cuts["model"], cuts["value"], strict=True)) if len(cuts) else {}
    known = [f for f in FACTS if f in about and about[f].astype("string").fillna("").ne("").any()]
    redrawn = (
        f"{facts.primary[0]} {level_text(facts.primary[1], facts.unit(facts.primary[0]))}" if facts.primary else ""
    )
    return {
        "case": ids,
        "facts": [[f, [_shown(f, v) for v in about[f]]] for f in known],
        "positive": [int(str(v) in labels) for v in about["label"]] if "label" in about else [0] * len(ids),
        "models": [_model(rows[rows["model"] == m], ids, m, threshold.get(m), view=view) for m in view.models],
        "redrawn": redrawn,
        "quantiles": list(QUANTILES),
        "left_out": f"{n_all - len(ids)} cases whose answers change least are left out." if n_all > len(ids) else "",
    }  # fmt: skip


def _primary(stability: pd.DataFrame, primary: tuple[str, float] | None) -> pd.DataFrame:
    if primary:
        return stability[(stability["perturbation"] == primary[0]) & (stability["level"] == primary[1])]
    return stability.drop_duplicates(["model", "case_id"])


def _model(rows: pd.DataFrame, ids: Sequence[str], model: str, cut: float | None, *, view: RunView) -> dict[str, Any]:
    own = rows.drop_duplicates("case_id").set_index("case_id").reindex(ids)
    quantiles = view.answers.quantiles
    found = [quantiles.get((model, c)) for c in ids] if quantiles else []
    is_cut = cut is not None and cut == cut
    return {
        "name": model,
        "threshold": float(cut) if is_cut and cut is not None else None,
        # the decision is told here: the score beside it is rounded
        "above": [None if v != v or not is_cut else int(v >= cut) for v in own["nominal"]],
        **{c: _numbers(own[c]) for c in ("nominal", "sd", "low", "high", "repeats")},
        "flip_rate": _numbers(own["flip_rate"], digits=6),
        "scores": [None if q is None else [round(float(v), 3) for v in q] for q in found],
    }


def _numbers(values: pd.Series, *, digits: int = 3) -> list[float | None]:
    """Round as the figures and tables do: three digits are what is shown."""
    return [None if v != v else round(float(v), digits) for v in values]


def _shown(fact: str, value: object) -> str:
    said = "" if value is None or value is pd.NA or value != value else str(value)
    return cohort_name(said) if fact == "cohort" and said else said


def _pictures(view: RunView, ids: Sequence[str]) -> dict[str, Any]:
    """Give the thumbnails that fit, and the boxes in px of each."""
    found = view.thumbnails
    if not view.has_images or found.empty or not view.answers.given:
        return {"size": 0, "webp": [], "boxes": []}
    own = found.drop_duplicates("case_id").set_index("case_id").reindex(ids)
    there = own["webp"].notna().to_numpy()
    if not there.any():
        return {"size": 0, "webp": [], "boxes": []}
    size, files = fitted([bytes(w) for w in own["webp"][there]], int(own["size_px"][there].max()))
    webp = iter(files)
    boxes = [
        _boxes(view, c, r, size) if is_there else None
        for c, r, is_there in zip(ids, own.to_dict("records"), there, strict=True)
    ]
    shown = [base64.b64encode(next(webp)).decode() or None if t else None for t in there]
    return {"size": size, "webp": shown, "boxes": boxes}


def fitted(files: Sequence[bytes], size: int) -> tuple[int, list[bytes]]:
    """Give thumbnails whose files together stay under ``PICTURE_BYTES``, and their side in px; of no picture nothing."""
    if sum(map(len, files)) <= PICTURE_BYTES:
        return size, list(files)
    tried = files[:: max(1, len(files) // 48)]
    for side, quality in SIZES:
        if side >= size:
            continue
        bytes_each = np.mean([len(smaller(f, size_px=side, quality=quality)) for f in tried])
        if bytes_each * len(files) <= PICTURE_BYTES:
            break
    with ThreadPoolExecutor(2) as pool:
        return side, list(pool.map(lambda f: smaller(f, size_px=side, quality=quality), files))


def _boxes(view: RunView, case_id: str, r: dict[Any, Any], size: int) -> list[list[int]] | None:
    """Give the box as given, then the redrawn ones, in px of the picture."""
    given = view.answers.given.get(case_id)
    if given is None:
        return None
    moved = view.answers.redrawn.get(case_id, np.empty((0, 4)))
    corner, zoom = np.array([r["x0"], r["y0"]] * 2), size / r["side_px"]
    every: NDArray[np.float64] = (np.vstack([given, moved]) - corner) * zoom
    return [[round(float(v)) for v in box] for box in every]
