"""HTML from text: every name that comes from a manifest or a checkpoint passes through ``text``."""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Iterable, Sequence

import pandas as pd

from robustkit.figures._base import FigureSet

_FORMULA = "=+-@\t\r"


def text(value: object) -> str:
    """Give text that HTML shows as it is."""
    return html.escape(str(value), quote=True)


def name(value: object) -> str:
    """Give a name that stands in a sentence without turning its direction (right-to-left names)."""
    return f"<bdi>{text(value)}</bdi>"


def definitions(pairs: Iterable[tuple[str, str]], kind: str) -> str:
    """Give a definition list of plain text."""
    items = "".join(f'<div><dt>{text(k)}</dt><dd dir="auto">{text(v)}</dd></div>' for k, v in pairs)
    return f'<dl class="{kind}">{items}</dl>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numeric_from: int) -> str:
    """Give a table of cells that are HTML already.

    Args:
        head: Plain text.
        rows: HTML cells.
        numeric_from: Columns from here on are numbers.
    """
    heads = "".join(f'<th scope="col"{_kind(i, numeric_from)}>{text(h)}</th>' for i, h in enumerate(head))
    body = "".join(f"<tr>{''.join(_cell(c, i, numeric_from) for i, c in enumerate(row))}</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def folded(summary: str, body: str) -> str:
    """Give what is shown where somebody asks for it; both are HTML already."""
    return f"<details><summary>{summary}</summary>{body}</details>"


def _cell(content: str, i: int, numeric_from: int) -> str:
    return f'<td dir="auto"{_kind(i, numeric_from)}>{content}</td>'


def _kind(i: int, numeric_from: int) -> str:
    return ' class="number"' if i >= numeric_from else ""


def figure_block(figures: FigureSet) -> str:
    """Give the place of a figure: heading, menus, exports, drawing, caption and its numbers as a table."""
    menus = "".join(
        f'<label>{text(m)}<select data-figure="{figures.name}" data-menu="{i}"></select></label>'
        for i, m in enumerate(figures.menus)
    )
    exports = "".join(
        f'<button type="button" data-export="{kind}" data-figure="{figures.name}" aria-label="Save this figure as '
        f'{kind.upper()}">{kind.upper()}</button>'
        for kind in ("svg", "png")
    )
    return (
        f'<figure class="plot" id="{figures.name}"><h3>{text(figures.title)}</h3>'
        f'<div class="controls"><div class="menus">{menus}</div><div class="exports">{exports}</div></div>'
        f'<div class="canvas" id="canvas-{figures.name}" role="img" aria-label="{text(figures.title)}; its numbers follow as '
        f'a table"></div><figcaption>{text(figures.caption)}</figcaption>'
        f'<details><summary>Numbers of this figure</summary><div class="scroll" tabindex="0" data-numbers="{figures.name}">'
        "</div></details></figure>"
    )


def packed(value: str) -> str:
    """Give text as base64 of gzip: tables and figures repeat themselves, and shrink to a twentieth."""
    return base64.b64encode(gzip.compress(value.encode(), compresslevel=6, mtime=0)).decode("ascii")


def as_json(value: object) -> str:
    """Give JSON without NaN that cannot end the script element it lies in."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("</", "<\\/")


UNIT, FIELD = "\x1f", "\x1e"
"""ASCII's own separators of cells and of columns; in a name they become a space."""


def packed_table(frame: pd.DataFrame) -> str:
    """Give a table for the page, column by column: alike stands by alike, and packs to two thirds of what rows would.

    The page makes a CSV file of it in which no text cell or heading is a formula to a spreadsheet: such get a ``'`` in front.
    """
    columns = [UNIT.join([_cell_text(c), *_cells(frame[c])]) for c in frame.columns]
    return packed(FIELD.join(columns))


def _cells(values: pd.Series) -> list[str]:
    if pd.api.types.is_float_dtype(values):
        # six digits halve the page; the run folder has all of them
        return ["" if v != v else f"{v:.6g}" for v in values.to_list()]
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return [str(v) for v in values.to_list()]
    return [_cell_text(v) for v in values.to_list()]


def _cell_text(value: object) -> str:
    said = "" if value is None or value is pd.NA or value != value else str(value)
    return str(_harmless(said.replace(UNIT, " ").replace(FIELD, " ")))


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(tuple(_FORMULA)) else value
