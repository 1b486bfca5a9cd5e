"""What the lesion page answers: menus, films, boxes. Its parts stand in ``layout``."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlencode

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, html, no_update
from dash.exceptions import PreventUpdate

from robustkit.dashboard.lesion.answers import Answer
from robustkit.dashboard.lesion.desk import FOUR, Desk, Shown, case_key, held_key
from robustkit.dashboard.lesion.figures import no_film, viewer
from robustkit.dashboard.lesion.heat import heat_panel
from robustkit.dashboard.lesion.layout import SIDES, layout
from robustkit.dashboard.lesion.loans import LARGEST_BYTES
from robustkit.dashboard.lesion.open_run import OpenRun
from robustkit.dashboard.lesion.panels import MAP_PARTS, SCORE_PARTS, Context, map_panel, score_panel
from robustkit.dashboard.lesion.saved import saved
from robustkit.dashboard.shelf import Choice
from robustkit.errors import RobustkitError
from robustkit.figures._words import SIMULATED

WAIT_S = 0.3
"""How long a request may wait for the score: a small network answers before, and the page asks once, not twice."""

MOST_OPTIONS = 50
_VISITOR = re.compile(r"[0-9a-f]{32}")
_SCORE = [Output(f"lesion-{p}", "children") for p in SCORE_PARTS[:-1]] + [Output("lesion-card", "className")]
_PROPERTY = {"map": "figure", "frame": "aria-label"}
_MAPS = [Output(f"lesion-{k}-{p}", _PROPERTY.get(p, "children")) for k in ("shift", "size") for p in MAP_PARTS]
_ANSWER = [Output("lesion-maps", "className"), *_SCORE, *_MAPS, Output("lesion-heatmap", "children")]


class LesionPage:
    """One film, its box, and what the model says as a person moves it."""

    path, title, has_filters = "/lesion", "Lesion", False

    def __init__(self, desk: Desk) -> None:
        """Show the cases of this desk's runs, and films that visitors open."""
        self._desk = desk

    def layout(self, choice: Choice, query: dict[str, str]) -> Any:
        """Give the page; ``?run=first&model=net&case=c01`` begins with a case."""
        first = choice.runs[0] if choice.runs else ""
        run = query.get("run", first)
        return layout(self._desk, run=run, model=query.get("model", ""), case=query.get("case", ""))

    def register(self, app: Dash) -> None:
        """Add its callbacks."""
        register(app, self._desk)


def link(run: str, model: str, case_id: str) -> str:
    """Give the address of a case's page."""
    return f"{LesionPage.path}?{urlencode({'run': run, 'model': model, 'case': case_id})}"


def register(app: Dash, desk: Desk) -> None:
    """Give the page's callbacks to an app whose assets are those of ``robustkit.dashboard``.

    Args:
        app: Serves the page.
        desk: Runs, films and worker.
    """
    limit = LARGEST_BYTES * 4 // 3 + 1024 * 1024
    if not app.server.config.get("MAX_CONTENT_LENGTH"):
        app.server.config["MAX_CONTENT_LENGTH"] = limit
    _in_browser(app)
    _menus(app, desk)
    _own_films(app, desk)
    _films(app, desk)
    _boxes(app, desk)
    _save(app, desk)


def _in_browser(app: Any) -> None:
    def own(name: str) -> ClientsideFunction:
        return ClientsideFunction("lesion", name)

    app.clientside_callback(
        own("visitor"), Output("lesion-visitor", "data"), Input("lesion-visitor", "id"), State("lesion-visitor", "data")
    )
    app.clientside_callback(
        own("box"),
        Output("lesion-box", "data"),
        *[Output(f"lesion-{s}", "value") for s in SIDES],
        Input("lesion-start", "data"),
        Input("lesion-film", "relayoutData"),
        *[Input(f"lesion-{s}", "value") for s in SIDES],
        Input("lesion-reset", "n_clicks"),
        State("lesion-box", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        own("upload"),
        Output("lesion-sent", "data", allow_duplicate=True),
        Output("lesion-upload-note", "children", allow_duplicate=True),
        Output("lesion-upload", "contents"),
        Input("lesion-upload", "contents"),
        State("lesion-upload", "filename"),
        State("lesion-limit", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(own("strength"), Output("lesion-heat", "style"), Input("lesion-heat-strength", "value"))
    app.clientside_callback(own("window"), Output("lesion-view", "style"), Input("lesion-window", "value"))
    app.clientside_callback(
        own("answer"),
        Output("lesion-ticket", "data"),
        Output("lesion-tick", "disabled"),
        *_ANSWER,
        Input("lesion-answer", "data"),
        Input("lesion-more", "data"),
        State("lesion-ticket", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        own("tools"),
        Output("lesion-none", "data"),
        *[Input(f"lesion-{n}", "n_clicks") for n in ("draw", "zoom", "whole")],
        State("lesion-box", "data"),
        State("lesion-start", "data"),
        prevent_initial_call=True,
    )


def _menus(app: Dash, desk: Desk) -> None:
    def of_run(key: str | None, search: str | None, value: str | None, first: dict[str, str]) -> tuple[Any, ...]:
        if not key or key not in desk.runs:
            return [], None, [], None
        run = desk.runs[key]
        if ctx.triggered_id == "lesion-case":
            return no_update, no_update, case_options(run, search or "", value or ""), no_update
        model = first["model"] if first["model"] in run.models else run.models[0]
        case = first["case"] if first["case"] in run.cases.index else next(iter(run.cases.index), "")
        # options and value come together: the menu forgets a value that is none of its options
        return [{"label": m, "value": m} for m in run.models], model, case_options(run, "", case), case

    app.callback(
        Output("lesion-model", "options"),
        Output("lesion-model", "value"),
        Output("lesion-case", "options"),
        Output("lesion-case", "value"),
        Input("lesion-run", "value"),
        Input("lesion-case", "search_value"),
        State("lesion-case", "value"),
        State("lesion-first", "data"),
    )(of_run)

    def of_model(model: str | None, key: str | None) -> Any:
        return model_facts(desk.runs[key], model) if key in desk.runs and model in desk.runs[key].models else []

    app.callback(
        Output("lesion-model-facts", "children"), Input("lesion-model", "value"), State("lesion-run", "value")
    )(of_model)


def _own_films(app: Dash, desk: Desk) -> None:
    def opened(
        sent: dict[str, str] | None, _close: int | None, _case: str | None, visitor: str | None, held: str | None
    ) -> tuple[Any, ...]:
        if ctx.triggered_id != "lesion-sent":
            if visitor and held:
                desk.loans.drop(visitor)
            return None, "", no_update, True
        if not sent or not visitor or not _VISITOR.fullmatch(visitor):
            raise PreventUpdate
        try:
            film = desk.loans.put(visitor, sent.get("name") or "", sent["contents"])
        except RobustkitError as error:
            return no_update, str(error), None, no_update
        return film.key, "", None, False

    app.callback(
        Output("lesion-held", "data"),
        Output("lesion-upload-note", "children"),
        Output("lesion-sent", "data"),
        Output("lesion-close", "hidden"),
        Input("lesion-sent", "data"),
        Input("lesion-close", "n_clicks"),
        Input("lesion-case", "value"),
        State("lesion-visitor", "data"),
        State("lesion-held", "data"),
        prevent_initial_call=True,
    )(opened)


def _films(app: Dash, desk: Desk) -> None:
    def show(case: str | None, held: str | None, run: str | None, before: dict[str, Any] | None) -> tuple[Any, ...]:
        key = held_key(held) if held else case_key(run, case) if run in desk.runs and case else ""
        if not key:
            return no_film(), None, "", "", "", "Choose a run and a case, or open a film."
        if before and before["film"] == key:
            raise PreventUpdate
        try:
            shown = desk.shown(key)
        except RobustkitError as error:
            return no_film(), None, "", "", "", str(error)
        start = {"film": key, "box": list(shown.box), "size": [shown.film.width, shown.film.height]}
        return viewer(shown), start, shown.name, film_facts(shown), SIMULATED if shown.is_simulated else "", ""

    app.callback(
        Output("lesion-film", "figure"),
        Output("lesion-start", "data"),
        Output("lesion-title", "children"),
        Output("lesion-facts", "children"),
        Output("lesion-simulated", "children"),
        Output("lesion-error", "children"),
        Input("lesion-case", "value"),
        Input("lesion-held", "data"),
        Input("lesion-run", "value"),
        State("lesion-start", "data"),
    )(show)


def _boxes(app: Dash, desk: Desk) -> None:
    # Each answers into a store of its own, and the browser takes the newest: what is asked again and again about the
    # last box may be answered after the first answer about the new one.
    def ask(box: dict[str, Any] | None, model: str | None, visitor: str | None, run: str | None) -> dict[str, Any]:
        if not box or not model or not run or not visitor or not _VISITOR.fullmatch(visitor):
            raise PreventUpdate
        # while a run is changed, model, film and run do not belong together for a moment
        if not desk.can_ask(box["film"], run=run, model=model):
            raise PreventUpdate
        told = {"film": box["film"], "run": run, "model": model, "visitor": visitor}
        ticket = desk.ask(visitor, box["film"], run=run, model=model, box=_four(box["box"]))
        return _told(desk, told, desk.judge.wait(visitor, ticket, seconds=WAIT_S))

    app.callback(
        Output("lesion-answer", "data"),
        Input("lesion-box", "data"),
        Input("lesion-model", "value"),
        Input("lesion-visitor", "data"),
        State("lesion-run", "value"),
        prevent_initial_call=True,
    )(ask)

    def poll(_n: int, told: dict[str, Any] | None) -> dict[str, Any]:
        if not told:
            raise PreventUpdate
        answer = desk.judge.answer(told["visitor"], told["ticket"])
        if (answer.version, answer.n_before) == (told["version"], told["n_before"]):
            raise PreventUpdate
        return _told(desk, told, answer)

    app.callback(
        Output("lesion-more", "data"),
        Input("lesion-tick", "n_intervals"),
        State("lesion-ticket", "data"),
        prevent_initial_call=True,
    )(poll)


def _save(app: Dash, desk: Desk) -> None:
    def save(_n: int | None, told: dict[str, Any] | None, title: str | None) -> dict[str, str]:
        if not told:
            raise PreventUpdate
        answer = desk.judge.answer(told["visitor"], told["ticket"])
        if answer.box is None:
            raise PreventUpdate
        content = saved(answer, _context(desk, told), run=desk.run(told["run"]), model=told["model"], film=title or "")
        return {"content": json.dumps(content, indent=1) + "\n", "filename": "lesion.json", "type": "application/json"}

    app.callback(
        Output("lesion-download", "data"),
        Input("lesion-save", "n_clicks"),
        State("lesion-ticket", "data"),
        State("lesion-title", "children"),
        prevent_initial_call=True,
    )(save)


def _told(desk: Desk, told: dict[str, Any], answer: Answer) -> dict[str, Any]:
    """Give ticket, whether to stop asking, and what changes on the page (None: nothing), in the order of ``_ANSWER``."""
    ticket = {**told, "ticket": answer.ticket, "version": answer.version, "n_before": answer.n_before}
    if answer.state == "gone":
        return {"ticket": {**ticket, "version": -1}, "is_over": True, "parts": []}
    context = _context(desk, told)
    grids = (answer.shift, answer.size)
    look = "lesion-maps" if answer.state == "failed" or any(g is not None for g in grids) else "lesion-maps is-stale"
    maps = [part for g in grids for part in map_panel(g, answer, context)]
    heat = _heat(desk, told, answer)
    if heat is not no_update:
        ticket["heat"] = answer.ticket
    parts = [None if p is no_update else p for p in (look, *score_panel(answer, context), *maps, heat)]
    return {"ticket": ticket, "is_over": answer.state in ("done", "failed"), "parts": parts}


def _heat(desk: Desk, told: dict[str, Any], answer: Answer) -> Any:
    """Give the heatmap once: its pictures are the largest part of an answer."""
    is_over = answer.state in ("done", "failed")
    if told.get("heat") == answer.ticket or (answer.heatmap is None and not is_over):
        return no_update
    try:
        return heat_panel(answer, desk.film(told["film"]) if answer.heatmap else None)
    except RobustkitError:
        return []


def _context(desk: Desk, told: dict[str, Any]) -> Context:
    run, model = told["run"], told["model"]
    return Context(
        desk.cut(run, model),
        desk.spacing_mm(told["film"]),
        desk.nominal(told["film"], model),
        desk.readers_shift(run),
        desk.is_simulated(told["film"]),
    )


def case_options(run: OpenRun, search: str, value: str) -> list[dict[str, str]]:
    """Give the first cases whose name, label, subtype or site has the words searched for, and the chosen one."""
    words = search.lower().split()
    found = [value] if value in run.cases.index else []
    for case_id, text in zip(run.cases.index, run.words, strict=True):
        if len(found) >= MOST_OPTIONS:
            break
        if case_id != value and all(w in text for w in words):
            found.append(str(case_id))
    return [{"label": c, "value": c, "search": f"{c} {search}"} for c in found]


def film_facts(shown: Shown) -> str:
    """Say what is known of a film."""
    spacing = f"{shown.spacing_mm:.3g} mm per px" if shown.spacing_mm == shown.spacing_mm else "spacing unknown"
    size = f"{shown.film.width} x {shown.film.height} px, {spacing}"
    own = "your own film; the box is a place to begin" if shown.is_held else ""
    return "; ".join(p for p in (shown.facts, size, own) if p) + "."


def model_facts(run: OpenRun, model: str) -> Any:
    """Say which model answers, and how its numbers may differ from the run's."""
    entry = run.entry(model)
    said = [f"Model {model}: {entry.get('arch', 'unknown architecture')}, file {str(entry.get('sha256', ''))[:12]}."]
    members = ", ".join(f"{m['name']} ({m.get('arch', '')})" for m in entry.get("members") or ())
    said += [f"It is made of {members}: a box is asked of each, and the answer comes of theirs."] if members else []
    if entry.get("arch") == "oracle":
        said.append("It looks at no pixels: a written function of the case's facts and the box, made to test the tool.")
    elif run.record.get("precision", "fp32") != "fp32":
        said.append(
            f"The run computed in {run.record['precision']}, this page in fp32: scores differ in the last digits."
        )
    said += [f"Assumed: {a}." for a in entry.get("assumed", [])]
    if not run.cut(model).is_carried:
        said.append("No threshold is known for it: 0.5 stands in.")
    return [html.P(s) for s in said]


def _four(box: Any) -> FOUR:
    x0, y0, x1, y1 = (float(v) for v in box)
    return x0, y0, x1, y1
