"""What stands on the lesion page."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from robustkit.dashboard.lesion.desk import Desk
from robustkit.dashboard.lesion.figures import CONFIG, FILM_CONFIG, no_film, no_map
from robustkit.dashboard.lesion.loans import KEPT_S, LARGEST_BYTES

POLL_MS = 150
SIDES = ("x0", "y0", "x1", "y1")
_SIDE_WORDS = {"x0": "left", "y0": "top", "x1": "right", "y1": "bottom"}


def layout(desk: Desk, *, run: str = "", model: str = "", case: str = "") -> html.Div:
    """Give the page.

    Args:
        desk: Its runs.
        run, model, case: To begin with; default the first ones.
    """
    chosen = run if run in desk.runs else next(iter(desk.runs), "")
    return html.Div(
        [*_stores(model, case), _head(), _choices(desk, chosen), _bench(), _maps()], className="lesion", id="lesion"
    )


def _stores(model: str, case: str) -> list[Any]:
    return [
        dcc.Store(id="lesion-visitor"),
        dcc.Store(id="lesion-first", data={"model": model, "case": case}),
        dcc.Store(id="lesion-limit", data=LARGEST_BYTES),
        dcc.Store(id="lesion-sent"),
        dcc.Store(id="lesion-held"),
        dcc.Store(id="lesion-start"),
        dcc.Store(id="lesion-box"),
        dcc.Store(id="lesion-answer"),
        dcc.Store(id="lesion-more"),
        dcc.Store(id="lesion-ticket"),
        dcc.Store(id="lesion-none"),
        dcc.Interval(id="lesion-tick", interval=POLL_MS, disabled=True),
        dcc.Download(id="lesion-download"),
    ]


def _head() -> html.Div:
    return html.Div(
        [
            html.H1(["One lesion ", html.Span(id="lesion-simulated", className="tag")]),
            html.P(
                "Move or resize the box as another reader might draw it: the score follows, and the maps show at which boxes "
                "the decision changes.",
                className="lesion-lede",
            ),
        ]
    )


def _choices(desk: Desk, chosen: str) -> html.Div:
    runs = [{"label": k, "value": k} for k in desk.runs]
    return html.Div(
        [
            _menu("Run", "lesion-run", dcc.Dropdown(runs, chosen or None, id="lesion-run", clearable=False)),
            _menu("Model", "lesion-model", dcc.Dropdown(id="lesion-model", clearable=False)),
            _menu("Case (type to find)", "lesion-case", dcc.Dropdown(id="lesion-case", clearable=False)),
            html.Div(
                [
                    html.Span("Or a film from this computer", className="lesion-label"),
                    dcc.Upload(
                        html.Button("Open a film", id="lesion-open", type="button"),
                        id="lesion-upload",
                        multiple=False,
                        className="lesion-upload",
                        className_active="lesion-upload is-active",
                    ),
                    html.Button("Close it", id="lesion-close", type="button", hidden=True),
                ],
                className="lesion-own",
            ),
            html.P(
                f"JPEG, PNG, TIFF or DICOM, up to {LARGEST_BYTES // 1024**2} MB. It stays in this machine's memory, is dropped "
                f"after {KEPT_S / 60:g} minutes without use, and is not written to disk.",
                className="lesion-small lesion-wide",
            ),
            html.P(id="lesion-upload-note", className="lesion-error lesion-wide", role="alert"),
        ],
        className="lesion-choices",
    )


def _menu(label: str, name: str, menu: dcc.Dropdown) -> html.Div:
    return html.Div([html.Label(label, htmlFor=name, className="lesion-label"), menu])


def _bench() -> html.Div:
    return html.Div([_viewer(), _panel()], className="lesion-bench")


def _viewer() -> html.Div:
    tools = (("lesion-draw", "Draw a new box"), ("lesion-reset", "Box as given"), ("lesion-zoom", "Zoom to the box"),
             ("lesion-whole", "Whole film"))  # fmt: skip
    return html.Div(
        [
            html.H2(id="lesion-title"),
            html.P(id="lesion-facts", className="lesion-small"),
            html.Div([html.Button(text, id=name, type="button") for name, text in tools], className="lesion-tools"),
            html.Div(
                dcc.Graph(
                    id="lesion-film", figure=no_film(), config=FILM_CONFIG, responsive=True, className="lesion-graph"
                ),
                id="lesion-view",
                className="lesion-view",
                role="group",
                **_aria(label="Film with the box; the fields below move the box by keyboard"),
            ),
            html.Div(id="lesion-error", className="lesion-error", role="alert"),
            html.Div(
                [_field(s) for s in SIDES],
                className="lesion-fields",
                role="group",
                **_aria(label="Box, px of the film"),
            ),
            html.Div(
                [
                    html.Span(
                        "Window: darkest and brightest grey level shown",
                        className="lesion-label",
                        id="lesion-window-label",
                    ),
                    dcc.RangeSlider(0, 255, 1, value=[0, 255], marks=None, id="lesion-window", allowCross=False),
                ],
                className="lesion-window",
            ),
        ],
        className="lesion-left",
    )


def _field(side: str) -> html.Div:
    name = f"lesion-{side}"
    field = dcc.Input(id=name, type="number", step="any", debounce=0.3, inputMode="numeric")
    return html.Div([html.Label(f"{_SIDE_WORDS[side]} ({side}, px)", htmlFor=name, className="lesion-label"), field])


def _panel() -> html.Div:
    return html.Div(
        [
            html.Div(
                [
                    html.P("Score", className="lesion-label"),
                    html.P("", id="lesion-score", className="lesion-number"),
                    html.Div(id="lesion-bar"),
                    html.P(
                        "", id="lesion-decision", className="lesion-decision", role="status", **_aria(live="polite")
                    ),
                    html.P("", id="lesion-state", className="lesion-small"),
                    html.P("", id="lesion-nominal", className="lesion-small"),
                    html.Button("Save box and score (JSON)", id="lesion-save", type="button"),
                ],
                className="lesion-card",
                id="lesion-card",
            ),
            _heat(),
            html.Div(id="lesion-model-facts", className="lesion-small"),
        ],
        className="lesion-right",
    )


def _heat() -> html.Details:
    slider = dcc.Input(id="lesion-heat-strength", type="range", min=0, max=100, step=5, value=60)
    return html.Details(
        [
            html.Summary("Where it looks"),
            html.Div(id="lesion-heatmap"),
            html.Label(["Strength of the heatmap", slider], className="lesion-label"),
        ],
        id="lesion-heat",
        className="lesion-heat-block",
    )


def _maps() -> html.Div:
    return html.Div(
        [
            _map("shift", "If the box is moved", "lesion-map-large"),
            _map("size", "If the box is larger or smaller", "lesion-map-small"),
        ],
        className="lesion-maps",
        id="lesion-maps",
    )


def _map(kind: str, title: str, look: str) -> html.Section:
    graph = dcc.Graph(
        id=f"lesion-{kind}-map", figure=no_map(), config=CONFIG, responsive=True, className="lesion-graph"
    )
    return html.Section(
        [
            html.H2(title),
            html.P("", id=f"lesion-{kind}-sentence", className="lesion-sentence"),
            html.Div(graph, className=look, role="img", id=f"lesion-{kind}-frame", **_aria(label=title)),
            html.P("", id=f"lesion-{kind}-counts", className="lesion-small"),
            html.Details([html.Summary("Numbers"), html.Div(id=f"lesion-{kind}-table")]),
        ]
    )


def _aria(**said: str) -> dict[str, Any]:
    return {f"aria-{k}": v for k, v in said.items()}
