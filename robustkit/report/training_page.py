"""A page about one training: its learning curve, and what it was made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from robustkit.figures._base import RunFacts
from robustkit.figures._learning import learning_curves
from robustkit.report.markup import definitions, figure_block, text
from robustkit.report.page import PageParts, assembled
from robustkit.report.view import Section

TITLE = "How did the training go?"


def training_page(curve: pd.DataFrame, settings: Mapping[str, str], *, is_simulated: bool, said: Sequence[str]) -> str:
    """Give the whole page as text.

    Args:
        curve: Of ``learning_curves``, one model.
        settings: What it was made with, in words.
        is_simulated: True where the films are the phantom's.
        said: What a reader must know, a sentence each.
    """
    name = str(curve["model"].iloc[0])
    figure = learning_curves(curve, RunFacts((name,), is_simulated))
    best = curve[curve["is_best"]].iloc[0]
    lede = (
        f"{name}: {len(curve)} epochs; epoch {best['epoch'] + 1} was kept, with a validation AUC of {best['val_auc']:.3f} "
        "(chosen on these rows)."
    )
    minds = "".join(f'<p class="mind">{text(s)}</p>' for s in said)
    sections = (
        Section("curve", "Learning curve", figure_block(figure)),
        Section("settings", "Settings", definitions(settings.items(), "facts")),
        Section("tables", "Tables",
                '<p class="downloads"><button type="button" data-table="curve">curve.csv '
                f"<small>{len(curve)} rows</small></button></p>"),
    )  # fmt: skip
    parts = PageParts(TITLE, TITLE, f'<p class="lede">{text(lede)}</p>{minds}', sections, (figure,), {"curve": curve})
    return assembled(parts, is_simulated=is_simulated)
