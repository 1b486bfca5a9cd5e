"""From an answer to what stands on the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dash import html, no_update

from robustkit.dashboard.lesion.answers import Answer, GridScores
from robustkit.dashboard.lesion.figures import MapFrame, no_map, score_map
from robustkit.dashboard.lesion.open_run import Cut, Nominal
from robustkit.dashboard.lesion.words import (
    ASSUMED_SHIFT,
    counts,
    decision,
    hold,
    is_followed,
    percent,
    shift_sentence,
    size_sentence,
)


@dataclass(frozen=True, slots=True)
class Context:
    """What the page knows besides the answer.

    Attributes:
        cut: The carried threshold.
        spacing_mm: Side of a pixel; NaN where unknown.
        nominal: The run's own answer; None on other films.
        readers_shift: Measured disagreement; None where there is none.
        is_simulated: True for a phantom's film.
    """

    cut: Cut
    spacing_mm: float
    nominal: Nominal | None
    readers_shift: float | None
    is_simulated: bool = False


SCORE_PARTS = ("score", "bar", "decision", "state", "nominal", "card")
OTHER_SCORE = 0.01
"""Above what another precision makes of a score: the model is not opened as the run had it."""

MAP_PARTS = ("sentence", "map", "frame", "counts", "table")


def score_panel(answer: Answer, context: Context) -> tuple[Any, ...]:
    """Give number, bar, decision, state, comparison, and the look of the card."""
    if answer.state == "failed":
        return "", [], "", answer.message, "", "lesion-card is-failed"
    if answer.box is None:
        return no_update, no_update, no_update, waiting(answer), no_update, "lesion-card is-working"
    look = "is-above" if is_followed(answer.score, context.cut.value) else "is-below"
    said = decision(answer.score, context.cut.value)
    return (
        f"{answer.score:.3f}",
        bar(answer.score, context.cut.value),
        [html.B(said[0].upper() + said[1:] + "."), f" Threshold {context.cut.value:.3f}: {context.cut.source}."],
        working(answer),
        compared(answer, context.nominal),
        f"lesion-card {look}",
    )


def waiting(answer: Answer) -> str:
    """Say what is waited for."""
    if answer.n_before:
        return f"Working: {answer.n_before} {'other is' if answer.n_before == 1 else 'others are'} before you."
    return f"Working: {answer.message}." if answer.message else "Working."


def working(answer: Answer) -> str:
    """Say how far the maps are."""
    box = ", ".join(f"{round(v, 1):g}" for v in answer.box or ())
    if answer.state == "done":
        return f"Done. Judged box: {box}."
    done = sum(g.n_asked for g in (answer.shift, answer.size) if g is not None)
    return f"Working on the maps: {done} boxes judged. Judged box: {box}."


def compared(answer: Answer, nominal: Nominal | None) -> str:
    """Say what the run itself said of the box as given."""
    if nominal is None or answer.box is None:
        return ""
    if np.allclose(nominal.box, answer.box, atol=1e-6):
        said = f"This is the box as given; in the run it has the score {nominal.score:.3f}."
        is_other = abs(nominal.score - answer.score) > OTHER_SCORE
        return f"{said} The model does not answer here as it did in the run: do not rely on it." if is_other else said
    return f"The box as given has the score {nominal.score:.3f} in the run."


def bar(score: float, threshold: float) -> html.Div:
    """Give the score from 0 to 1 with the threshold marked."""
    look = "is-above" if is_followed(score, threshold) else "is-below"
    label: dict[str, Any] = {"aria-label": f"score {score:.3f} on a scale from 0 to 1, threshold {threshold:.3f}"}
    return html.Div(
        [
            html.Div(className=f"lesion-bar-fill {look}", style={"width": f"{100 * score:.2f}%"}),
            html.Div(className="lesion-bar-cut", style={"left": f"{100 * threshold:.2f}%"}),
        ],
        className="lesion-bar",
        role="img",
        **label,
    )


def map_panel(found: GridScores | None, answer: Answer, context: Context) -> tuple[Any, ...]:
    """Give sentence, figure, what a screen reader is told of it, counts and table of one map."""
    if answer.state == "failed":
        return "", no_map(), "no map", "", []
    if found is None or answer.box is None:
        return (no_update,) * len(MAP_PARTS)
    sides = _sides_mm(answer, context.spacing_mm)
    frame = MapFrame(context.cut.value, sides, context.readers_shift, context.is_simulated)
    figure = score_map(found, frame)
    if not found.is_whole:
        said = f"Working: {found.n_asked} of {found.grid.n**2} boxes."
        return said, figure, said, no_update, no_update
    held = hold(found, answer.score, context.cut.value)
    said = shift_sentence(held, sides) if found.grid.kind == "shift" else size_sentence(held)
    notes = [counts(held)]
    if found.grid.kind == "shift":
        notes += [" ", readers_words(context.readers_shift)]
    return said, figure, f"Map of scores. {said}", notes, ring_table(found, answer.score, context.cut.value)


def readers_words(readers_shift: float | None) -> str:
    """Say what the circle is."""
    if readers_shift is None:
        return f"Dashed circle: {percent(ASSUMED_SHIFT)} of the sides, assumed; the readers' disagreement was not measured."
    return f"Circle: the readers' disagreement as measured, {percent(readers_shift)} of the sides."


def ring_table(found: GridScores, score: float, threshold: float) -> html.Table:
    """Give boxes and changed decisions ring by ring."""
    own = found.grid.rings.round(9)
    changed = np.isfinite(found.scores) & ((found.scores >= threshold) != is_followed(score, threshold))
    rows = []
    for ring in np.unique(own)[1:]:
        at = own == ring
        low, high = _range(found.scores[at])
        rows.append((percent(float(ring)), str(int(at.sum())), str(int((changed & at).sum())), f"{low} to {high}"))
    return table(("change", "boxes", "decision changes", "score"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> html.Table:
    """Give a table of text."""
    body = [html.Tr([html.Td(c) for c in row]) for row in rows]
    return html.Table([html.Thead(html.Tr([html.Th(c, scope="col") for c in head])), html.Tbody(body)])


def _range(values: np.ndarray[Any, np.dtype[np.float64]]) -> tuple[str, str]:
    known = values[np.isfinite(values)]
    return (f"{known.min():.3f}", f"{known.max():.3f}") if known.size else ("no number", "no number")


def _sides_mm(answer: Answer, spacing_mm: float) -> tuple[float, float] | None:
    if answer.box is None or not np.isfinite(spacing_mm):
        return None
    x0, y0, x1, y1 = answer.box
    return (x1 - x0) * spacing_mm, (y1 - y0) * spacing_mm
