"""Puts the dashboard together: navigation, filters, pages, and who may ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from dash import ClientsideFunction, Dash, Input, Output, dcc, html
from flask import Flask, Response

from robustkit.dashboard.figures import register_figures
from robustkit.dashboard.guard import guard
from robustkit.dashboard.page import FILTERS, THEME, Page
from robustkit.dashboard.shelf import Choice, Shelf
from robustkit.figures._base import fitting_script
from robustkit.figures._operating import operating_asset
from robustkit.figures._words import DISCLAIMER, SIMULATED, cohort_name


def make_app(shelf: Shelf, pages: Sequence[Page], *, token: str = "", busy: Callable[[], int] = lambda: 0) -> Dash:
    """Give the dashboard; it listens nowhere yet.

    Args:
        shelf: The runs.
        pages: In the order of the navigation; the first is where a visitor arrives.
        token: Asked of every visitor; "" where only this machine can ask.
        busy: Gives how many questions wait for a model; ``/healthz`` tells.
    """
    app = Dash(
        __name__, title="robustkit", update_title="", serve_locally=True, suppress_callback_exceptions=True,
        assets_folder=str(files("robustkit.dashboard").joinpath("assets")), add_log_handler=False,
    )  # fmt: skip
    app.index_string = files("robustkit.dashboard").joinpath("assets", "index.html").read_text(encoding="utf-8")
    guard(
        app.server, token=token, health=lambda: {"status": "ok", "version": version("robustkit"), "n_waiting": busy()}
    )
    _shared(app.server)
    app.layout = lambda: _shell(shelf, pages)
    _route(app, pages)
    _filter(app, shelf)
    app.clientside_callback(
        ClientsideFunction("robustkit", "seen"), Output("address", "hash"), Input("address", "pathname")
    )
    register_figures(app, shelf)
    for page in pages:
        page.register(app)
    return app


def _shared(server: Flask) -> None:
    """Serve what reports and dashboard have in common."""
    for path, mimetype, content in (
        ("prepare.js", "text/javascript", fitting_script()),
        ("operating.js", "text/javascript", operating_asset("js")),
        ("operating.css", "text/css", operating_asset("css")),
    ):
        server.add_url_rule(f"/{path}", path, lambda c=content, m=mimetype: Response(c, mimetype=m))


def _shell(shelf: Shelf, pages: Sequence[Page]) -> Any:
    simulated = [html.Span(SIMULATED, className="tag")] if shelf.facts(Choice()).is_simulated else []
    said: Any = {"aria-label": "Pages"}
    links = [dcc.Link(p.title, href=p.path, id={"type": "nav", "path": p.path}) for p in pages]
    return html.Div(
        [
            dcc.Location(id="address"),
            dcc.Store(id=FILTERS, storage_type="session", data={}),
            dcc.Store(id=THEME, data={"theme": "light", "width": 1100}),
            html.A("Skip to the content", href="#content", className="skip"),
            html.Header(
                html.Div(
                    [
                        html.P([DISCLAIMER, " ", *simulated], className="disclaimer"),
                        html.Div(
                            [
                                html.Nav(links, **said),
                                html.Button("Dark", id="theme-button", type="button"),
                            ],
                            className="bar",
                        ),
                    ],
                    className="inner",
                )
            ),
            html.Main([_filters(shelf), html.Div(id="page")], id="content"),
            html.Footer(html.Div(html.P(DISCLAIMER, className="disclaimer"), className="inner")),
        ]
    )


def _filters(shelf: Shelf) -> Any:
    runs = [{"label": r.name, "value": r.name} for r in shelf.runs]
    menus = [_menu("runs", "Runs", runs), _menu("models", "Models", []), _menu("cohorts", "Cohorts", [])]
    said: Any = {"aria-label": "What is shown"}
    return html.Div(menus, id="filter-bar", className="filters", role="group", **said)


def _menu(name: str, title: str, options: list[Any]) -> Any:
    kept: Any = {"persistence": True, "persistence_type": "session"}
    menu = dcc.Dropdown(options, [], id=f"filter-{name}", multi=True, placeholder="all", **kept)
    return html.Div([html.Label(title, htmlFor=f"filter-{name}"), menu], className="menu")


def _route(app: Dash, pages: Sequence[Page]) -> None:
    by_path = {p.path: p for p in pages}

    def show(pathname: str | None, search: str | None, data: dict[str, Any]) -> tuple[Any, bool]:
        page = by_path.get(pathname or "/", pages[0])
        query = dict(parse_qsl((search or "").lstrip("?")))
        return html.Div(page.layout(Choice.of(data), query), key=page.path), not page.has_filters

    app.callback(
        Output("page", "children"), Output("filter-bar", "hidden"),
        Input("address", "pathname"), Input("address", "search"), Input(FILTERS, "data"),
    )(show)  # fmt: skip


def _filter(app: Dash, shelf: Shelf) -> None:
    def choose(runs: list[str], models: list[str], cohorts: list[str]) -> tuple[Any, Any, dict[str, list[str]]]:
        choice = Choice(tuple(runs or ()))
        known, places = shelf.models(choice), shelf.cohorts(choice)
        kept = {
            "runs": runs or [],
            "models": [m for m in models or [] if m in known],
            "cohorts": [c for c in cohorts or [] if c in places],
        }
        named = [{"label": cohort_name(c), "value": c} for c in places]
        return [{"label": m, "value": m} for m in known], named, kept

    app.callback(
        Output("filter-models", "options"), Output("filter-cohorts", "options"), Output(FILTERS, "data"),
        Input("filter-runs", "value"), Input("filter-models", "value"), Input("filter-cohorts", "value"),
    )(choose)  # fmt: skip
