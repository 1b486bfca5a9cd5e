"""reader_changes: decisions that readers changed with the model, for better and worse, with and against it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from robustkit.figures._base import (
    DARK_GREY,
    FOOT_PX,
    PALETTE,
    TOP_PX,
    Drawing,
    FigureSet,
    Numbers,
    RunFacts,
    blank,
    known,
    plain,
    rows_axis,
)
from robustkit.figures._reader_words import said_count
from robustkit.figures._words import cohort_name
from robustkit.results.schema import READERS_COLUMNS

HEAD = ("Reader", "Changed", "Decisions", "Cases")
KINDS = {
    "better_with_model": ("For better, with the model", PALETTE[2], ""),
    "better_against_model": ("For better, against it", PALETTE[2], "/"),
    "worse_with_model": ("For worse, with the model", PALETTE[1], ""),
    "worse_against_model": ("For worse, against it", PALETTE[1], "/"),
}
"""Name, colour, and the hatching that tells with from against without colour."""

PLAIN = {"better": ("For better", PALETTE[2], ""), "worse": ("For worse", PALETTE[1], "")}
ROW_PX = 44


class ReaderChanges:
    """Bars to the right for better, to the left for worse; a menu for the cohort."""

    name = "reader_changes"

    def draw(self, tables: Mapping[str, pd.DataFrame], facts: RunFacts) -> FigureSet:
        """Draw every cohort; strata stay in the table."""
        found = known(tables.get("readers"), READERS_COLUMNS)
        rows = found[(found["analysis"] == "changes of mind") & (found["by"] == "all")]
        drawings = tuple(_draw(part, str(cohort), facts) for cohort, part in rows.groupby("cohort", sort=False))
        caption = (
            "Decisions at the rating cut that differ between a reader's two readings of a case. With the model: the second decision is "
            "the model's. A reader who reads twice changes some decisions without any model."
        )
        return FigureSet(self.name, "Changes of mind", caption, "readers", 1, ("Cohort",), drawings)


def _draw(rows: pd.DataFrame, cohort: str, facts: RunFacts) -> Drawing:
    kinds = KINDS if rows["metric"].isin(list(KINDS)).any() else PLAIN
    readers = list(dict.fromkeys(rows["reader_id"]))
    n = rows.drop_duplicates("reader_id")["n_cases"]
    height = TOP_PX + FOOT_PX + ROW_PX * max(3, len(readers))
    subtitle = f"{cohort_name(cohort)}; {said_count(n.min())} cases" + (
        "" if n.nunique() < 2 else f" to {n.max():.0f} cases"
    )
    axes = ("decisions changed (for worse to the left, for better to the right)", "")
    figure = blank("Changes of mind", subtitle, axes=axes, facts=facts, height_px=height)
    numbers: list[tuple[str, ...]] = []
    of = rows.drop_duplicates("reader_id").set_index("reader_id")["n_cases"]
    for metric, (said, colour, hatching) in kinds.items():
        own = rows[rows["metric"] == metric].set_index("reader_id")["value_a"].reindex(readers).fillna(0.0)
        is_worse = metric.startswith("worse")
        figure.add(
            type="bar", orientation="h", name=said, y=list(range(len(readers))), x=[float(-v if is_worse else v) for v in own],
            text=[f"{v:.0f}" if v else "" for v in own], textposition="inside", insidetextanchor="middle", width=0.62,
            marker={"color": colour, "pattern": {"shape": hatching, "fillmode": "overlay"}, "line": {"width": 1, "color": DARK_GREY}},
            hovertext=[f"<b>{plain(r)}</b><br>{said}: {v:.0f} of {said_count(of[r])} cases" for r, v in own.items()],
            hovertemplate="%{hovertext}<extra></extra>",
        )  # fmt: skip
        numbers += [(str(r), said, f"{v:.0f}", said_count(of[r])) for r, v in own.items()]
    figure.layout["barmode"] = "relative"
    figure.line("x", 0.0, color=DARK_GREY, width=1)
    rows_axis(figure, [plain(r, 30) for r in readers], "reader")
    return Drawing((cohort_name(cohort),), figure, Numbers(HEAD, tuple(numbers)))


PLUGIN = ReaderChanges()
