"""The whole report of a run, inside the dashboard."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dash import dcc, html
from flask import Response, abort

from robustkit.dashboard.shelf import Choice, Shelf, ShelvedRun

if TYPE_CHECKING:
    from dash import Dash

_ROUTE = "/reports/<name>"
_KEPT = 4
_POLICY = (
    "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'"
)


class Reports:
    """One report at a time, made when it is asked for."""

    path, title, has_filters = "/report", "Report", False

    def __init__(self, shelf: Shelf, build: Callable[[ShelvedRun], str]) -> None:
        """Show what ``build`` makes of a run."""
        self._shelf = shelf
        self._by_name = {r.name: r for r in shelf.runs}
        self._page = lru_cache(maxsize=_KEPT)(lambda name: build(self._by_name[name]))

    def layout(self, choice: Choice, query: dict[str, str]) -> Any:
        """Give the report of the run in the address, else of the first."""
        del choice
        name = query.get("run", "")
        run = self._by_name.get(name, self._shelf.runs[0])
        links = [dcc.Link(r.name, href=f"/report?run={r.name}") for r in self._shelf.runs]
        others = html.P([part for link in links for part in (link, " ")], className="runs") if len(links) > 1 else None
        head = html.H1(f"Report of {run.name}", className="unseen")
        return [
            head,
            others,
            html.Iframe(src=f"/reports/{run.name}", title=f"Report of {run.name}", className="report"),
        ]

    def register(self, app: Dash) -> None:
        """Serve the pages."""

        def give(name: str) -> Response:
            if name not in self._by_name:
                abort(404, "There is no such run here.")
            return Response(self._page(name), mimetype="text/html", headers={"Content-Security-Policy": _POLICY})

        app.server.add_url_rule(_ROUTE, "report_of_a_run", give)
