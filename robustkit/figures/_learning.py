"""Learning curves: validation AUC and losses over the epochs, of one training or of several."""

from __future__ import annotations

import pandas as pd

from robustkit.figures._base import Drawing, FigureSet, Numbers, RunFacts, Sheet, blank, plain, rounded

COLUMNS = ("model", "epoch", "loss", "val_loss", "val_auc", "learning_rate", "is_best")
HEAD = ("Model", "Epoch", "Loss, training", "Loss, validation", "AUC, validation", "Learning rate", "Kept")
_MENU = {"AUC": "validation AUC (0.5 = chance, 1 = best)", "Loss": "loss (mean over the cases)"}
_TITLE = {"AUC": "Validation AUC", "Loss": "Losses"}
_LINES = {
    "AUC": (("val_auc", "solid", ""),),
    "Loss": (("loss", "dot", ", training"), ("val_loss", "solid", ", validation")),
}


def learning_curves(table: pd.DataFrame, facts: RunFacts) -> FigureSet:
    """Draw a table of epochs.

    Args:
        table: COLUMNS; one row per model and epoch, epochs from 0.
        facts: Names of the models, and whether the films are simulated.
    """
    drawings = tuple(_draw(table, shown, facts) for shown in _MENU) if len(table) else ()
    caption = (
        "The large mark is the epoch that was kept: the one of the best validation AUC, which is too good by that choice. "
        "Training losses are of augmented crops, while the network learnt."
    )
    return FigureSet("learning_curves", "AUC and losses by epoch", caption, "more", 9, ("Shown",), drawings)


def _draw(table: pd.DataFrame, shown: str, facts: RunFacts) -> Drawing:
    n = int(table.groupby("model", sort=False).size().max())
    figure = blank(
        _TITLE[shown], f"{n} epochs; large: the one that was kept", axes=("epoch (number)", _MENU[shown]), facts=facts
    )
    for model, own in table.groupby("model", sort=False):
        for column, dash, what in _LINES[shown]:
            _line(figure, own, column, facts, name=str(model), what=what, dash=dash)
    rows = [
        (
            str(r["model"]), f"{r['epoch'] + 1:g}", f"{r['loss']:.4f}", f"{r['val_loss']:.4f}", f"{r['val_auc']:.4f}",
            f"{r['learning_rate']:.2g}", "yes" if r["is_best"] else "",
        )
        for r in table.to_dict("records")
    ]  # fmt: skip
    return Drawing((shown,), figure, Numbers(HEAD, tuple(rows)))


def _line(figure: Sheet, own: pd.DataFrame, column: str, facts: RunFacts, *, name: str, what: str, dash: str) -> None:
    """Add the curve of a column, the kept epoch marked."""
    epochs = (own["epoch"] + 1).astype(int).tolist()
    hover = [f"<b>{v:.4f}</b>{what}<br>epoch {e} of {len(own)}" for e, v in zip(epochs, own[column], strict=True)]
    sizes = [13 if best else 5 for best in own["is_best"]]
    figure.add(
        x=epochs, y=rounded(own[column]), mode="lines+markers", name=plain(name + what), legendgroup=plain(name),
        line={"color": facts.colour(name), "width": 2.5, "dash": dash}, hovertext=hover,
        marker={"size": sizes, "symbol": facts.symbol(name)}, hovertemplate="%{hovertext}<extra>%{fullData.name}</extra>",
    )  # fmt: skip
