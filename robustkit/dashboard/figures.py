"""Pages of figures: the same drawings as in the report, for any choice of runs, models and cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dash import ALL, MATCH, ClientsideFunction, Input, Output, State, dcc, html, no_update

from robustkit.dashboard.page import FILTERS, THEME
from robustkit.dashboard.shelf import Choice, Shelf
from robustkit.figures._base import Drawing, FigureSet

if TYPE_CHECKING:
    from dash import Dash

_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "scrollZoom": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "svg", "filename": "robustkit"},
}


class FiguresPage:
    """All figures of one or more sections."""

    has_filters = True

    def __init__(self, shelf: Shelf, path: str, title: str, *, places: Sequence[str]) -> None:
        """Show the figures of these places."""
        self.path, self.title = path, title
        self._shelf, self._places = shelf, tuple(places)

    @property
    def is_empty(self) -> bool:
        """True where no run has anything to show here."""
        return not self._shelf.figure_names(self._places)

    def layout(self, choice: Choice, query: dict[str, str]) -> Any:
        """Give a block for every figure, filled one after the other."""
        del query
        blocks = [_block(self._shelf.figure(n, choice)) for n in self._shelf.figure_names(self._places)]
        return [html.H1(self.title), *blocks]

    def register(self, app: Dash) -> None:
        """Figures share their callbacks: see ``register_figures``."""


def register_figures(app: Dash, shelf: Shelf) -> None:
    """Have the menus of every figure choose its drawing, and fit the drawing to the window."""

    def choose(values: list[str | None], where: dict[str, str], data: dict[str, Any]) -> tuple[Any, ...]:
        figures = shelf.figure(where["figure"], Choice.of(data))
        if not figures.drawings:
            return [no_update] * len(values), [no_update] * len(values), None, []
        options, chosen, drawing = pick(figures, values)
        return options, chosen, {"data": drawing.sheet.data, "layout": drawing.sheet.layout}, _numbers(drawing)

    app.callback(
        Output({"type": "menu", "figure": MATCH, "i": ALL}, "options"),
        Output({"type": "menu", "figure": MATCH, "i": ALL}, "value"),
        Output({"type": "drawing", "figure": MATCH}, "data"),
        Output({"type": "numbers", "figure": MATCH}, "children"),
        Input({"type": "menu", "figure": MATCH, "i": ALL}, "value"),
        State({"type": "drawing", "figure": MATCH}, "id"), State(FILTERS, "data"),
    )(choose)  # fmt: skip
    app.clientside_callback(
        ClientsideFunction("robustkit", "fitted"),
        Output({"type": "graph", "figure": MATCH}, "figure"),
        Input({"type": "drawing", "figure": MATCH}, "data"), Input(THEME, "data"),
    )  # fmt: skip


def pick(figures: FigureSet, values: Sequence[str | None]) -> tuple[list[list[str]], list[str], Drawing]:
    """Give the options of every menu, the values nearest to those wished, and the drawing that they show.

    A menu offers what the menus before it leave; a value that is no longer offered gives way to the first.
    """
    left, options, chosen = list(figures.drawings), [], []
    for i in range(len(figures.menus)):
        offered = list(dict.fromkeys(d.choice[i] for d in left))
        wished = values[i] if i < len(values) else None
        chosen.append(wished if wished in offered else offered[0])
        options.append(offered)
        left = [d for d in left if d.choice[i] == chosen[-1]]
    return options, [str(c) for c in chosen], left[0]


def _block(figures: FigureSet) -> Any:
    name = figures.name
    if not figures.drawings:
        return html.Section([html.H2(figures.title), html.P("Nothing of what is chosen can be shown here.")])
    options, chosen, drawing = pick(figures, [])
    menus = [
        html.Div(
            [html.Label(m), dcc.Dropdown(options[i], chosen[i], id={"type": "menu", "figure": name, "i": i}, clearable=False)],
            className="menu",
        )
        for i, m in enumerate(figures.menus)
    ]  # fmt: skip
    first = {"data": drawing.sheet.data, "layout": drawing.sheet.layout}
    where = html.Div(_numbers(drawing), id={"type": "numbers", "figure": name}, className="scroll", tabIndex=0)
    return html.Section(
        [
            html.H2(figures.title),
            html.Div(menus, className="filters"),
            dcc.Store(id={"type": "drawing", "figure": name}, data=first),
            dcc.Graph(id={"type": "graph", "figure": name}, config=_CONFIG, className="canvas"),
            html.P(figures.caption, className="caption"),
            html.Details([html.Summary("Numbers of this figure"), where]),
        ],
        id=f"figure-{name}",
        className="plot",
    )


def _numbers(drawing: Drawing) -> Any:
    head = html.Thead(html.Tr([html.Th(h, scope="col") for h in drawing.numbers.head]))
    body = [html.Tr([html.Td(c, dir="auto", className="number") for c in row]) for row in drawing.numbers.rows]
    return html.Table([head, html.Tbody(body)])
