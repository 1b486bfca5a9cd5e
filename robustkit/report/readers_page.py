"""readers.html: a reader study alone, for those who have readings and no run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pandas as pd

from robustkit.figures._base import Figure, RunFacts
from robustkit.registry import load, names
from robustkit.report.markup import text
from robustkit.report.page import PageParts, assembled
from robustkit.report.readers import ANCHOR, readers_html
from robustkit.report.view import Section

TITLE = "Did the model help its readers?"


def readers_page(found: pd.DataFrame, *, is_simulated: bool, model: str, said: Sequence[str]) -> str:
    """Give the whole page as text.

    Args:
        found: readers.csv.
        is_simulated: True where the films are the phantom's.
        model: Name; "" where none is known.
        said: What a reader of the page must know, a sentence each.
    """
    facts = RunFacts((model,) if model else (), is_simulated)
    drawn = [cast(Figure, load("figures", n)).draw({"readers": found}, facts) for n in names("figures")]
    figures = sorted((f for f in drawn if f.place == "readers" and f.drawings), key=lambda f: (f.order, f.name))
    readers = sorted(set(found.loc[found["analysis"] == "per reader", "reader_id"]))
    lede = f"{len(readers)} reader{'s' if len(readers) != 1 else ''}" + (f", with the model {model}." if model else ".")
    minds = "".join(f'<p class="mind">{text(s)}</p>' for s in said)
    section = Section(ANCHOR, "Readers", readers_html(found, figures))
    tables = Section(
        "tables", "Tables",
        f'<p class="caption">Every number of this page, all strata as well.</p><p class="downloads">'
        f'<button type="button" data-table="readers">readers.csv <small>{len(found)} rows</small></button></p>',
    )  # fmt: skip
    return assembled(
        PageParts(
            TITLE, TITLE, f'<p class="lede">{text(lede)}</p>{minds}', (section, tables), figures, {"readers": found}
        ),
        is_simulated=is_simulated,
    )
