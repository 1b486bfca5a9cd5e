"""The page of a training: its numbers, its words, names as text, no request."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from robustkit.figures._base import RunFacts
from robustkit.figures._learning import learning_curves
from robustkit.report.training_page import training_page

from made_tables import HOSTILE
from made_view import Page

DISCLAIMER = "Research use; not for diagnosis or for the care of a patient"


def _curve(model: str = "net", n: int = 3) -> pd.DataFrame:
    return pd.DataFrame({
        "model": model, "epoch": range(n), "loss": [0.7, 0.5, 0.4][:n], "val_loss": [0.69, 0.6, 0.61][:n],
        "val_auc": [0.55, 0.81, 0.79][:n], "learning_rate": 1e-3, "is_best": [e == 1 for e in range(n)],
    })  # fmt: skip


def test_the_page_says_what_was_kept_and_asks_no_network() -> None:
    html = training_page(_curve(HOSTILE), {"seed": "3", HOSTILE: HOSTILE}, is_simulated=True, said=[HOSTILE])
    page = Page(html)
    assert "<script>alert" not in html
    assert "3 epochs; epoch 2 was kept, with a validation AUC of 0.810 (chosen on these rows)" in html
    assert "simulated films" in html
    assert DISCLAIMER in html
    links = [v for _, a in page.elements for k, v in a.items() if k in ("src", "href", "action", "data", "srcset")]
    assert all(v.startswith(("#", "data:")) for v in links)
    assert "learning_curves" in page.figures()


def test_the_figure_shows_every_epoch_of_every_training() -> None:
    table = pd.concat([_curve("first"), _curve("second", 2)], ignore_index=True)
    found = learning_curves(table, RunFacts(("first", "second")))
    assert [d.choice for d in found.drawings] == [("AUC",), ("Loss",)]
    auc, loss = (d.sheet for d in found.drawings)
    assert [t["y"] for t in auc.data] == [[0.55, 0.81, 0.79], [0.55, 0.81]]
    assert [t["x"] for t in auc.data] == [[1, 2, 3], [1, 2]]
    assert auc.data[0]["marker"]["size"] == [5, 13, 5]
    assert len(loss.data) == 4
    for sheet in (auc, loss):
        assert len(go.Figure(data=sheet.data, layout=sheet.layout).data) == len(sheet.data)
    assert found.drawings[0].numbers.rows[1] == ("first", "2", "0.5000", "0.6000", "0.8100", "0.001", "yes")
    assert learning_curves(table.iloc[:0], RunFacts(())).drawings == ()
