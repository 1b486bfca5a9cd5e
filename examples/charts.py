"""Two small charts as plain SVG: points with intervals in rows, and lines over a level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

INK, FAINT, PAPER = "#1f2933", "#d5dbe1", "#ffffff"
COLOURS = ("#0b5cad", "#c2570c", "#52796f", "#7b4b94")
FONT = "font-family='Helvetica,Arial,sans-serif'"
WARNING = "Research use; not for diagnosis or for the care of a patient. Films: FracAtlas, CC BY 4.0."
WIDTH, ROW, HEAD = 720, 30, 62


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a chart: label, value, interval, and which colour; NaN values carry their reason in ``note``."""

    label: str
    value: float
    low: float
    high: float
    colour: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: points ``(x, value, low, high)``."""

    label: str
    points: tuple[tuple[float, float, float, float], ...]
    colour: int = 0


def interval_chart(
    rows: Sequence[Row], *, title: str, caption: str, span: tuple[float, float], mark: float | None = None
) -> str:
    """Give an SVG with one row per value; ``mark`` is a dashed line, e.g. 0.5 for an AUC."""
    left, right = 260, WIDTH - 150
    low, high = span

    def at(value: float) -> float:
        return left + (min(max(value, low), high) - low) / (high - low) * (right - left)

    height = HEAD + ROW * len(rows) + 52
    bottom = HEAD + ROW * len(rows)
    parts = _frame(title, caption, height)
    for tick in _ticks(low, high):
        parts.append(f"<line x1='{at(tick):.1f}' x2='{at(tick):.1f}' y1='{HEAD}' y2='{bottom}' stroke='{FAINT}'/>")
        parts.append(_text(at(tick), bottom + 18, f"{tick:g}", anchor="middle"))
    if mark is not None:
        x = at(mark)
        parts.append(
            f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{HEAD}' y2='{bottom}' stroke='{INK}' stroke-dasharray='4 3'/>"
        )
    for i, row in enumerate(rows):
        y, colour = HEAD + ROW * (i + 0.5), COLOURS[row.colour % len(COLOURS)]
        parts.append(_text(left - 12, y + 4, row.label, anchor="end"))
        if row.value != row.value:
            parts.append(_text(right + 12, y + 4, row.note or "not estimable", size=11))
            continue
        said = f"{row.value:.2f}"
        if row.low == row.low:
            said = f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})"
            parts.append(
                f"<line x1='{at(row.low):.1f}' x2='{at(row.high):.1f}' y1='{y}' y2='{y}' stroke='{colour}' stroke-width='3'/>"
            )
        parts.append(f"<circle cx='{at(row.value):.1f}' cy='{y}' r='5' fill='{colour}'/>")
        parts.append(_text(right + 12, y + 4, said, size=12))
    return "\n".join([*parts, "</svg>\n"])


def line_chart(lines: Sequence[Line], *, title: str, caption: str, x_name: str) -> str:
    """Give an SVG with curves and interval bars; the y axis begins at 0."""
    left, right, top, bottom = 70, WIDTH - 210, HEAD + 4, 320
    x_high = max(x for line in lines for x, *_ in line.points)
    seen = [v for line in lines for _, value, _, high in line.points for v in (value, high) if v == v]
    y_high = max(0.05, *seen) * 1.08

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x / x_high * (right - left), bottom - y / y_high * (bottom - top)

    parts = _frame(title, caption, bottom + 68)
    for tick in _ticks(0.0, y_high):
        y = at(0, tick)[1]
        parts.append(f"<line x1='{left}' x2='{right}' y1='{y:.1f}' y2='{y:.1f}' stroke='{FAINT}'/>")
        parts.append(_text(left - 10, y + 4, f"{tick:g}", anchor="end"))
    for x in sorted({x for line in lines for x, *_ in line.points}):
        parts.append(_text(at(x, 0)[0], bottom + 18, f"{x:g}", anchor="middle"))
    parts.append(_text((left + right) / 2, bottom + 40, x_name, anchor="middle"))
    for k, line in enumerate(lines):
        parts += _curve(line, at, shift=(k - (len(lines) - 1) / 2) * 6)
        parts.append(_text(right + 18, top + 16 + 22 * k, line.label, colour=COLOURS[line.colour % len(COLOURS)]))
    return "\n".join([*parts, "</svg>\n"])


def _curve(line: Line, at, *, shift: float) -> list[str]:  # type: ignore[no-untyped-def]
    """Curves stand a little apart, so that their intervals do not hide each other."""
    colour = COLOURS[line.colour % len(COLOURS)]
    known = [p for p in line.points if p[1] == p[1]]
    places = [at(x, value) for x, value, _, _ in known]
    path = " ".join(f"{x + shift:.1f},{y:.1f}" for x, y in places)
    parts = [f"<polyline points='{path}' fill='none' stroke='{colour}' stroke-width='2'/>"]
    for (x, _, low, high), (px, py) in zip(known, places, strict=True):
        if low == low:
            y0, y1 = at(x, low)[1], at(x, high)[1]
            parts.append(
                f"<line x1='{px + shift:.1f}' x2='{px + shift:.1f}' y1='{y0:.1f}' y2='{y1:.1f}' stroke='{colour}' stroke-width='2'/>"
            )
        parts.append(f"<circle cx='{px + shift:.1f}' cy='{py:.1f}' r='4.5' fill='{colour}'/>")
    return parts


def _frame(title: str, caption: str, height: int) -> list[str]:
    return [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' width='{WIDTH}' height='{height}' role='img'>",
        f"<title>{escape(title)}. {escape(caption)}</title>",
        f"<rect width='{WIDTH}' height='{height}' fill='{PAPER}'/>",
        _text(16, 24, title, size=15, weight="bold"),
        _text(16, 44, caption, size=11),
        _text(16, height - 10, WARNING, size=10),
    ]


def _text(  # what a text element has
    x: float, y: float, text: str, *, anchor: str = "start", size: int = 13, weight: str = "normal", colour: str = INK
) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}' font-weight='{weight}' "
        f"fill='{colour}' {FONT}>{escape(text)}</text>"
    )


def _ticks(low: float, high: float) -> list[float]:
    """Give three to seven round numbers in ``[low, high]``."""
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25):
        first, last = int(-(-low // step)), int((high + 1e-9) // step)
        if last - first < 7:
            return [round(i * step, 4) for i in range(first, last + 1)]
    return [low, high]
