"""The face of a page of the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from robustkit.dashboard.shelf import Choice

if TYPE_CHECKING:
    from dash import Dash

FILTERS = "filters"
"""Id of the store that keeps the visitor's choice of runs, models and cohorts."""

THEME = "theme"
"""Id of the store that keeps light or dark, and the width of the window: what figures are fitted to."""


class Page(Protocol):
    """One page.

    Attributes:
        path: Of its address.
        title: In the navigation.
        has_filters: True where the choice of runs, models and cohorts changes what it shows.
    """

    path: str
    title: str
    has_filters: bool

    def layout(self, choice: Choice, query: dict[str, str]) -> Any:
        """Give its content.

        Args:
            choice: Of the visitor.
            query: Of the address, e.g. ``{"case": "c01"}``.
        """
        ...

    def register(self, app: Dash) -> None:
        """Add its callbacks."""
        ...
