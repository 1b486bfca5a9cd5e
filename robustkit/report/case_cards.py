"""Cards of the least stable cases: film with boxes, strip of scores, one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from robustkit.figures._words import level_text
from robustkit.report.cases import THUMBNAIL_PX, ShownCase
from robustkit.report.markup import name, text
from robustkit.report.view import RunView, Section, run_facts

_STRIP_PX = 320
_CAPTION = (
    "Ordered by the share of changed decisions, then by the spread of the score. White frame: the box as given. "
    "Blue: redrawn boxes with the same decision; orange: redrawn boxes that change it. Below each film, the score of "
    "every box from 0 to 1; the diamond is the box as given, the dashed line the carried threshold."
)


def cases_section(view: RunView) -> Section:
    """Give the section of the least stable cases, by model."""
    if not view.shown:
        why = "No case has answers to redrawn boxes, so none can be called stable or unstable."
        return Section("cases", "Least stable cases", f"<p>{why}</p>")
    parts = []
    for model in dict.fromkeys(c.model for c in view.shown):
        own = [c for c in view.shown if c.model == model]
        head = f"<h3>{name(model)}</h3>" if len(view.models) > 1 else ""
        parts.append(f'{head}<div class="cases">{"".join(_card(c, view) for c in own)}</div>')
    return Section("cases", "Least stable cases", f'<p class="caption">{_CAPTION}</p>{"".join(parts)}')


def _card(c: ShownCase, view: RunView) -> str:
    unit = run_facts(view.record).unit(c.perturbation)
    facts = f"; {c.facts}" if c.facts else ""
    side = "at or above" if c.nominal >= c.threshold else "below"
    said = (
        f"Score {c.nominal:.3f}, {side} the threshold {c.threshold:.3f}; redrawn ({c.perturbation} "
        f"{level_text(c.level, unit)}) {c.low:.3f} to {c.high:.3f}."
    )
    return (
        f'<article class="case"><h4 dir="auto">{text(c.case_id)}</h4><p dir="auto">{text(c.label)}{text(facts)}</p>'
        f"{_film(c)}{_strip(c)}<p>{text(said)} The decision changes in <b>{c.flips:g} of {c.n_repeats}</b>.</p></article>"
    )


def _film(c: ShownCase) -> str:
    if not c.picture.uri:
        return f'<p class="nofilm">{text(c.picture.note)}</p>'
    same = "".join(_path(r.box) for r in c.repeats if not r.is_changed)
    changed = "".join(_path(r.box) for r in c.repeats if r.is_changed)
    side = THUMBNAIL_PX
    return (
        f'<div class="film"><img src="{c.picture.uri}" width="{side}" height="{side}" '
        f'alt="Film around the box of {text(c.case_id)}"><svg viewBox="0 0 {side} {side}" aria-hidden="true">'
        f'<path class="same" d="{same}"></path><path class="changed" d="{changed}"></path>'
        f'<path class="halo" d="{_path(c.box)}"></path><path class="nominal" d="{_path(c.box)}"></path></svg></div>'
    )


def _path(box: Sequence[float]) -> str:
    x0, y0, x1, y1 = box
    return f"M{x0:g} {y0:g}H{x1:g}V{y1:g}H{x0:g}Z"


def _strip(c: ShownCase) -> str:
    dots = "".join(
        f'<circle class="{"changed" if r.is_changed else "same"}" cx="{_at(r.score)}" cy="{_row(i)}" r="3.5"></circle>'
        for i, r in enumerate(c.repeats)
    )
    cut = f'<path class="cut" d="M{_at(c.threshold)} 2V38"></path>' if c.threshold == c.threshold else ""
    x = float(_at(c.nominal))
    given = f'<path class="given" d="M{x:g} 13L{x + 6:g} 20L{x:g} 27L{x - 6:g} 20Z"></path>'
    label = f"Scores of redrawn boxes from {c.low:.2f} to {c.high:.2f}; box as given {c.nominal:.2f}"
    return (
        f'<svg class="strip" viewBox="0 0 {_STRIP_PX} 54" role="img" aria-label="{label}"><path class="scale" '
        f'd="M8 38H{_STRIP_PX - 8}"></path><text x="8" y="52">0</text><text x="{_STRIP_PX / 2:g}" y="52" '
        f'text-anchor="middle">score</text><text x="{_STRIP_PX - 8}" y="52" text-anchor="end">1</text>{dots}{cut}{given}</svg>'
    )


def _at(score: float) -> str:
    return f"{8 + (_STRIP_PX - 16) * min(max(score, 0.0), 1.0):.1f}"


def _row(i: int) -> int:
    """Give one of five heights in turn, so that equal scores do not hide each other."""
    return 8 + 6 * (i * 2 % 5)
