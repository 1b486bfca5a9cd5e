"""The page with the slider over the threshold: the report's own, for any choice of runs, models and cohorts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import ClientsideFunction, Input, Output, dcc, html

from robustkit.dashboard.figures import FiguresPage
from robustkit.dashboard.shelf import Choice, Shelf
from robustkit.figures._operating import operating_data

if TYPE_CHECKING:
    from dash import Dash

_PLACE, _DATA, _DRAWN = "operating-point", "operating-data", "operating-drawn"


class OperatingPage:
    """Slider, ROC, decision curve, calibration."""

    path, title, has_filters = "/threshold", "At which threshold", True

    def __init__(self, shelf: Shelf) -> None:
        """Show what was swept for the runs of the shelf."""
        self._shelf = shelf
        self._figures = FiguresPage(shelf, self.path, self.title, places=("operating",))

    @property
    def is_empty(self) -> bool:
        """True where no run has anything to show here."""
        return self._figures.is_empty and not self._data(Choice())["views"]

    def layout(self, choice: Choice, query: dict[str, str]) -> Any:
        """Give the slider, then the figures."""
        head, *figures = self._figures.layout(choice, query)
        data = self._data(choice)
        if not data["views"]:
            return [head, *figures]
        slider = html.Div(id=_PLACE)
        return [
            head,
            slider,
            dcc.Store(id=_DATA, data=data),
            dcc.Store(id=_DRAWN),
            html.Div(figures, className="plots"),
        ]

    def register(self, app: Dash) -> None:
        """Draw the slider whenever its numbers come."""
        app.clientside_callback(
            ClientsideFunction("robustkit", "operating"), Output(_DRAWN, "data"), Input(_DATA, "data")
        )

    def _data(self, choice: Choice) -> dict[str, Any]:
        return operating_data(self._shelf.tables(choice), self._shelf.facts(choice))
