"""A model's curve with its band: one look for all figures that have one."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from robustkit.figures._base import RunFacts, Sheet, plain, rounded, shade


def add_curve(
    figure: Sheet,
    own: pd.DataFrame,
    model: str,
    facts: RunFacts,
    *,
    hover: Sequence[str],
    has_markers: bool = False,
    column: str = "x",
) -> None:
    """Add curve and band of one model.

    Args:
        figure: To draw on.
        own: Rows of the model with ``value``, ``low``, ``high`` and the column of x, in the order of x, none NaN in value.
        model: Its name.
        facts: Of the run.
        hover: Text for each row.
        has_markers: True where points are few and far apart.
        column: Of x.
    """
    colour, band = facts.colour(model), own[own["low"].notna()]
    x, low, high = rounded(band[column]), rounded(band["low"]), rounded(band["high"])
    figure.add(
        x=[*x, *x[::-1]], y=[*high, *low[::-1]], fill="toself", mode="lines", fillcolor=shade(colour, 0.14), line={"width": 0},
        hoverinfo="skip", showlegend=False, legendgroup=plain(model),
    )  # fmt: skip
    look = {"marker": {"size": 9, "symbol": facts.symbol(model)}} if has_markers else {}
    figure.add(
        x=rounded(own[column]), y=rounded(own["value"]), mode="lines+markers" if has_markers else "lines", name=plain(model),
        legendgroup=plain(model), hovertext=list(hover), line={"color": colour, "width": 2.5}, **look,
        hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
    )  # fmt: skip
