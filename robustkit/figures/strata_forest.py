"""strata_forest: a metric in every stratum of a variable, with intervals; what is not estimable is said."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from robustkit.figures._base import METRIC_NAMES, Drawing, FigureSet, blank, colours, plain

METRICS = ("auc", "sensitivity", "specificity", "flip_rate", "rank_sd")
_SHOWS = {"auc": ("auc", "auc_against")}


class StrataForest:
    """Point and interval per stratum and model; menus for variable, metric and cohort."""

    name = "strata_forest"

    def draw(self, tables: Mapping[str, pd.DataFrame], *, is_simulated: bool) -> FigureSet:
        """Draw nominal metrics, and stability at the primary level."""
        rows = _primary(tables.get("strata", pd.DataFrame()))
        counts = _counts(rows)
        drawings = []
        for metric in METRICS if len(rows) else ():
            chosen = rows[rows["metric"].isin(_SHOWS.get(metric, (metric,)))]
            for (by, cohort), part in chosen.groupby(["by", "cohort"], sort=False):
                if by != "all":
                    figure = _draw(part.assign(n=counts.loc[part.index]), metric, is_simulated=is_simulated)
                    drawings.append(Drawing((str(by), METRIC_NAMES[metric], str(cohort)), figure))
        caption = (
            "Bars are 95 % intervals by patient. A stratum of one class (every subtype is one) has its AUC against the other class "
            "of the whole cohort. A stratum is called worse only where its adjusted p against the rest is below .05 (filled marks)."
        )
        return FigureSet(self.name, "For whom", caption, ("Variable", "Metric", "Cohort"), tuple(drawings))


def _primary(strata: pd.DataFrame) -> pd.DataFrame:
    """Keep nominal rows, and of each perturbation's stability metrics the first level."""
    if strata.empty:
        return strata
    nominal = strata[(strata["perturbation"] == "nominal") & ~strata["stratum"].str.startswith("(")]
    moved = strata[(strata["perturbation"] != "nominal") & ~strata["stratum"].str.startswith("(")]
    if moved.empty:
        return nominal
    first = moved.iloc[0][["perturbation", "level"]]
    same = (moved["perturbation"] == first["perturbation"]) & (moved["level"] == first["level"])
    return pd.concat([nominal, moved[same & moved["metric"].isin(["flip_rate", "rank_sd"])]])


def _counts(rows: pd.DataFrame) -> pd.Series:
    """Give the cases of each row's stratum: ``auc_against`` rows count the other class of the cohort too."""
    if rows.empty:
        return pd.Series(dtype=float)
    own = rows["n_cases"].where(~rows["metric"].isin(["auc_against", "sensitivity", "specificity"]))
    return own.groupby([rows[c] for c in ("by", "stratum", "cohort")]).transform("max").fillna(rows["n_cases"])


def natural(name: str) -> tuple[int, float, str]:
    """Order strata by their first number (``<`` before ``>``), unknown last."""
    if name == "unknown":
        return 2, 0.0, name
    number = re.search(r"\d+(\.\d+)?", name)
    if not number:
        return 0, 0.0, name
    return 1, float(number.group()) - (0.5 if name.startswith("<") else 0.0), name


def _draw(rows: pd.DataFrame, metric: str, *, is_simulated: bool) -> go.Figure:
    strata = sorted(set(rows["stratum"]), key=natural, reverse=True)
    models = list(dict.fromkeys(rows["model"]))
    figure = blank(
        METRIC_NAMES[metric], "", is_simulated=is_simulated, height_px=150 + (20 + 12 * len(models)) * len(strata)
    )
    at = {s: i for i, s in enumerate(strata)}
    palette = colours(models)
    for i, model in enumerate(models):
        own = rows[rows["model"] == model]
        known = own[own["value"].notna()]
        offset = (i - (len(models) - 1) / 2) * 0.22
        low, high = known["low"].fillna(known["value"]), known["high"].fillna(known["value"])
        marked = ["circle" if p < 0.05 else "circle-open" for p in known["p_adjusted"].fillna(1.0)]
        details = known[["low", "high", "n_cases", "n_patients", "p_adjusted"]].astype(float).round(4)
        figure.add_scatter(
            x=known["value"].tolist(), y=[at[s] - offset for s in known["stratum"]], mode="markers", name=plain(model),
            marker={"color": palette[model], "size": 10, "symbol": marked, "line": {"width": 2}},
            error_x={"type": "data", "symmetric": False, "array": (high - known["value"]).tolist(),
                     "arrayminus": (known["value"] - low).tolist(), "thickness": 2, "width": 0, "color": palette[model]},
            customdata=details.astype(object).where(details.notna(), None).to_numpy().tolist(), text=[plain(s) for s in known["stratum"]],
            hovertemplate="%{text}: %{x:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f})<br>n = %{customdata[2]:.0f} cases, "
            "%{customdata[3]:.0f} patients<br>adjusted p against the rest: %{customdata[4]}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    _say_not_estimable(figure, rows, at, len(models))
    counts = rows.groupby("stratum")["n"].max()
    figure.update_yaxes(
        tickvals=list(at.values()), ticktext=[f"{plain(s)}  <i>n={int(counts[s])}</i>" for s in at], range=[-0.6, len(at) - 0.4],
        automargin=True,
    )  # fmt: skip
    if metric == "auc":
        figure.add_vline(x=0.5, line={"dash": "dot", "width": 1, "color": "#808890"})
    figure.update_xaxes(range=[-0.02, 1.02] if metric != "rank_sd" else None)
    return figure


def _say_not_estimable(figure: go.Figure, rows: pd.DataFrame, at: dict[str, int], n_models: int) -> None:
    missing = rows[rows["value"].isna()].drop_duplicates("stratum")
    for stratum, reason in zip(missing["stratum"], missing["reason"], strict=True):
        if (rows["stratum"] == stratum).sum() - rows.loc[rows["stratum"] == stratum, "value"].notna().sum() >= n_models:
            figure.add_annotation(
                x=0.01, xref="paper", y=at[stratum], text=f"not estimable: {plain(reason)}", showarrow=False, xanchor="left",
                font={"size": 11, "color": "#808890"},
            )  # fmt: skip


PLUGIN = StrataForest()
