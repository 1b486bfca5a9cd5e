"""From the numbers of examples/fracatlas.py to ``docs/fracatlas.md`` and its charts; nothing here is typed by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from charts import Line, Row, interval_chart, line_chart
from robustkit.stats.difference import Difference
from robustkit.stats.estimate import Estimate

FACTS = {"site": "body part", "view": "view", "size": "box size", "hardware": "hardware"}
"""Variables shown, where stratify knows them."""
SHOWN_LEVEL = 0.1
NETWORK = "network"
MODELS = {
    NETWORK: "network",
    "radiomics": "radiomics: elastic net on texture and grey levels of the box",
    "facts": "facts alone: body part, view, hardware, box size",
    "combined": "combined: the network's logit and the facts, fitted on validation rows",
}
"""Models of a run, as the page calls them."""


@dataclass(frozen=True, slots=True)
class Answers:
    """AUC of the network and of the model without one on the same held-out cases; ``lost`` cases failed."""

    network: Estimate
    plain: Estimate
    difference: Difference
    lost: int


@dataclass(frozen=True, slots=True)
class Step:
    """One command of robustkit, the seconds that it took, and what it said as JSON."""

    command: str
    seconds: float
    said: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of control boxes: run folder, what import and train said, all steps, answers."""

    name: str
    run: Path
    imported: dict[str, Any]
    training: dict[str, Any]
    steps: tuple[Step, ...]
    answers: Answers

    @property
    def training_margin(self) -> float:
        """Give the margin of the network's input, in box sides."""
        record = json.loads((self.run / "run.json").read_text(encoding="utf-8"))
        return float(record["models"][0]["input"]["margin"])

    def table(self, name: str) -> pd.DataFrame:
        """Give a table of the run: the rows of the network."""
        whole = self.whole_table(name)
        return whole[whole["model"] == NETWORK]

    def whole_table(self, name: str) -> pd.DataFrame:
        """Give a table of the run: the rows of all models."""
        return pd.read_csv(self.run / "tables" / f"{name}.csv", keep_default_na=True)

    def against_network(self) -> dict[str, tuple[str, str]]:
        """Give the difference of AUC to the network, and its adjusted p, of every other model."""
        rows = self.whole_table("comparisons")
        rows = rows[(rows["by"] == "all") & (rows["metric"] == "auc") & (rows["perturbation"] == "nominal")]
        found = {}
        for r in rows.to_dict("records"):
            for own, other, sign in (("model_a", "model_b", 1), ("model_b", "model_a", -1)):
                if r[other] == NETWORK and r["diff"] == r["diff"]:
                    low, high = sorted((sign * r["low"], sign * r["high"]))
                    p = "< 0.001" if r["p_adjusted"] < 0.001 else f"{r['p_adjusted']:.3f}"
                    found[str(r[own])] = f"{sign * r['diff']:+.3f} ({low:+.3f} to {high:+.3f})", p
        return found


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when: date, processor, package versions, the command, all minutes."""

    date: str
    processor: str
    packages: dict[str, str]
    command: str
    minutes: float


def write_page(page: Path, kinds: Sequence[Kind], machine: Machine) -> Path:
    """Write the page and, in a folder of its name beside it, the charts."""
    folder = page.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    for name, svg in charts(kinds).items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    page.write_text(page_text(kinds, machine, folder.name), encoding="utf-8")
    return page


def charts(kinds: Sequence[Kind]) -> dict[str, str]:
    """Give the SVG texts by name."""
    aucs = []
    for k in kinds:
        for label, estimate, colour in (("network", k.answers.network, 0), ("no network", k.answers.plain, 1)):
            aucs.append(
                Row(f"{k.name} controls: {label}", estimate.value, estimate.low, estimate.high, colour, estimate.reason)
            )
    lines = [_flips(k, i) for i, k in enumerate(kinds)]
    first = kinds[0]
    bar = "bars: 95 % intervals by block of 20 films"
    return {
        "auc": interval_chart(
            aucs, title="AUC on the held-out films", caption=f"fracture or control box; {bar}", span=_span(aucs), mark=0.5
        ),
        "flips": line_chart(
            lines, title="Decisions that change when the box is redrawn", x_name="largest shift, in box sides",
            caption=f"share of redrawn boxes on the other side of the carried threshold; {bar}",
        ),
        "errors": interval_chart(
            _error_rows(first), title=f"Missed fractures and false alarms, {first.name} controls",
            caption=f"nominal boxes, carried threshold; {bar}", span=(0.0, 1.0),
        ),
    }  # fmt: skip


def page_text(kinds: Sequence[Kind], machine: Machine, folder: str) -> str:
    """Give the page as Markdown."""
    matched, placed = kinds
    return "\n".join([
        "# FracAtlas: the whole job on real radiographs",
        "",
        "*Research use; not for diagnosis or for the care of a patient.*",
        "",
        f"A {matched.training['arch']}, trained from scratch in some minutes, tells boxes with a fracture from boxes without "
        "one. This page is about how to judge such a network, not about how good one could be: there is no bar on its AUC. "
        "The films are those of [FracAtlas](https://doi.org/10.1038/s41597-023-02432-4) (CC BY 4.0); none is shown here.",
        "",
        *_learnt(matched, placed),
        "",
        "## What was compared",
        "",
        "FracAtlas has boxes around fractures and none on films without. A control box must be put there, and how it is put "
        "decides what a network can learn. *Matched* boxes: every film without a fracture offers 200 candidate positions, and "
        "each fracture gets the one that is nearest to it in position, size, mean grey, spread and gradient, among films of the "
        "same body part and view, so that the sum of the distances is least. *Placed* boxes have the position "
        "and size of fracture boxes, nothing more. Beside each network stands a model without one: a logistic regression "
        "on six grey-level summaries of the box, box and film size, body part, view and hardware.",
        "",
        *_counts(kinds),
        "",
        f"![AUC of network and model without a network, for both kinds of control boxes]({folder}/auc.svg)",
        "",
        *_auc_table(kinds),
        "",
        "## Four kinds of model on the same split",
        "",
        "All are developed on the training rows alone (the combined one on validation rows), and asked about the same nominal and "
        "redrawn boxes of the held-out films. Whichever wins, wins here and nowhere else.",
        "",
        *_model_table(kinds),
        "",
        "## How stable the network is",
        "",
        f"![Share of changed decisions over the shift]({folder}/flips.svg)",
        "",
        *_level_table(kinds),
        "",
        f"## Where it fails ({matched.name} controls)",
        "",
        f"![Missed fractures and false alarms by stratum]({folder}/errors.svg)",
        "",
        *_failing(matched),
        "",
        "## What these numbers cannot say",
        "",
        "- FracAtlas names no patients. Films are split, and intervals made, by blocks of 20 consecutive image numbers, because "
        "neighbours are often one patient. If patients reach over blocks, the intervals are still too narrow.",
        "- All films come from one archive. Nothing here is about another centre.",
        "- Better than the model without a network does not mean that the network looks at the fracture: it also sees "
        f"a margin of {matched.training_margin:g} times the box on each side, and what surrounds a control box may differ in ways that "
        "nobody matched.",
        f"- Blocks are few and differ: with matched controls the AUC is {matched.training['best_val_auc']:.3f} on the validation "
        f"blocks and {matched.answers.network.value:.3f} on the held-out ones.",
        "- A control box is a place where nobody drew a fracture. That is not the same as healthy bone.",
        "- The validation AUC chose the epoch and is too good by that choice; the held-out films chose nothing.",
        "",
        "## How it was made",
        "",
        f"{machine.date}, {machine.processor}, no GPU, {machine.minutes:.0f} minutes in all: `{machine.command}`",
        "",
        *_commands(matched),
        "",
        "Packages: " + ", ".join(f"{k} {v}" for k, v in sorted(machine.packages.items())) + ".",
        "This page is written by `examples/fracatlas.py`; do not edit it.",
        "",
    ])  # fmt: skip


def _learnt(matched: Kind, placed: Kind) -> list[str]:
    easy, fair = placed.answers, matched.answers
    lines = ["## What was learnt", ""]
    lines.append(
        f"1. **Placed control boxes are a shortcut.** With them the network reaches AUC {_interval(easy.network)} on held-out "
        f"films, and a model that sees no picture, only six grey levels and some facts, {_interval(easy.plain)}. "
        + (
            "The boxes give themselves away, many by dark background: such an AUC measures where the boxes were put."
            if easy.plain.value > 0.7
            else "Here the model without a network does not reach 0.7: in this draw the shortcut is small."
        )
    )
    falls = fair.plain.value < easy.plain.value - 0.05
    lines.append(
        f"2. **Matching takes {'part of it' if falls else 'little of it'} away.** The model without a network "
        f"{'falls to' if falls else 'reaches'} {_interval(fair.plain)}, the network {'to ' if falls else ''}{_interval(fair.network)}."
        + (
            " Over 0.7 without a network is still too much: the match is not complete."
            if fair.plain.value > 0.7
            else ""
        )
    )
    unsure = any(d.low <= 0 <= d.high for d in (fair.difference, easy.difference))
    lines.append(
        f"3. **Beside that, the network.** {_verdict(fair.difference, 'matched')} {_verdict(easy.difference, 'placed')}"
        + (" Where none is shown, nothing says that the network looks at the fracture." if unsure else "")
    )
    flips = {k.name: _flip(k, SHOWN_LEVEL) for k in (matched, placed)}
    lines.append(
        f"4. **How much the box matters.** Redrawn by up to {SHOWN_LEVEL:g} of its sides, {_share(flips['matched'])} of the network's "
        f"decisions change with matched controls, and {_share(flips['placed'])} with placed ones."
    )
    lines.append("5. **Beside models without a network.** " + " ".join(_beside(k) for k in (matched, placed)))
    return lines


def _beside(kind: Kind) -> str:
    """Say which of the other models differ from the network, by the adjusted p."""
    said = []
    for model, (difference, p) in kind.against_network().items():
        shown = p == "< 0.001" or float(p) < 0.05
        verdict = (
            ("better than" if difference.startswith("+") else "worse than") if shown else "not shown to differ from"
        )
        said.append(f"`{model}` is {verdict} the network: {difference}, p {p if p.startswith('<') else f'= {p}'}")
    return f"With {kind.name} controls {'; '.join(said)}."


def _verdict(difference: Difference, name: str) -> str:
    if difference.diff != difference.diff:
        return f"With {name} controls the difference is not estimable: {difference.reason}."
    said = f"{difference.diff:+.3f}"
    if difference.low == difference.low:
        said += f" ({difference.low:+.3f} to {difference.high:+.3f})"
    if difference.low > 0:
        learnt = "it has learnt more than these greys and facts tell"
        return f"With {name} controls the network is better than the model without one, by {said}: {learnt}."
    if difference.high < 0:
        return f"With {name} controls the network is worse than the model without one: {said}."
    return f"With {name} controls no difference between network and model without one is shown: {said}."


def _counts(kinds: Sequence[Kind]) -> list[str]:
    lines = [
        "| control boxes | training | validation | held out | of these fractured | blocks | cases that failed |",
        "|---|---|---|---|---|---|---|",
    ]
    for k in kinds:
        a, t = k.answers, k.training
        lines.append(
            f"| {k.name} | {t['n_train']} | {t['n_val']} | {a.network.n_cases} | {a.network.n_positive} | "
            f"{a.network.n_patients} | {a.lost} held out, {len([w for w in t['warnings'] if w.startswith('left out')])} before |"
        )
    notes = [f"- {k.name}: {'; '.join(k.imported['notes'])}." for k in kinds]
    said = "What `robustkit import` said (a film that is truncated cannot be read: FracAtlas is used as published):"
    return [*lines, "", said, "", *notes]


def _auc_table(kinds: Sequence[Kind]) -> list[str]:
    lines = [
        "| control boxes | network | no network | network minus no network | p | validation AUC of the network |",
        "|---|---|---|---|---|---|",
    ]
    for k in kinds:
        d = k.answers.difference
        gap = f"{d.diff:+.3f} ({d.low:+.3f} to {d.high:+.3f})" if d.low == d.low else f"{d.diff:+.3f}"
        p = "< 0.001" if d.p < 0.001 else f"{d.p:.3f}"
        lines.append(
            f"| {k.name} | {_interval(k.answers.network)} | {_interval(k.answers.plain)} | {gap} | {p} | {k.training['best_val_auc']:.3f} |"
        )
    method, paired = kinds[0].answers.network.method, kinds[0].answers.difference.method
    return [*lines, "", f"Intervals: {method}; difference: {paired}; both by block."]


def _model_table(kinds: Sequence[Kind]) -> list[str]:
    lines = [
        f"| control boxes | model | AUC | minus network | adjusted p | changed decisions at shift {SHOWN_LEVEL:g} |",
        "|---|---|---|---|---|---|",
    ]
    for k in kinds:
        strata, pairs = _all(k.whole_table("strata")), k.against_network()
        for model, words in MODELS.items():
            own = strata[strata["model"] == model]
            auc = own[(own["metric"] == "auc") & (own["perturbation"] == "nominal")].iloc[0]
            flips = own[(own["metric"] == "flip_rate") & (own["level"] == SHOWN_LEVEL)].iloc[0]
            said, p = pairs.get(model, ("", ""))
            lines.append(f"| {k.name} | {words} | {_cell(auc)} | {said} | {p} | {_share(flips)} |")
    said = (
        "Intervals by block; differences of AUC by clustered paired DeLong, p by Holm over the six pairs. Decisions are those at "
        "each model's own threshold, chosen on validation rows."
    )
    return [*lines, "", said]


def _level_table(kinds: Sequence[Kind]) -> list[str]:
    head = ["| control boxes | metric |", "|---|---|"]
    levels = sorted(_all(kinds[0].table("curves"))["level"].unique())
    head[0] += "".join(f" {'nominal' if v == 0 else f'shift {v:g}'} |" for v in levels)
    head[1] += "---|" * len(levels)
    rows = []
    for k in kinds:
        curves = _all(k.table("curves"))
        for metric, words in (
            ("auc", "AUC"),
            ("sensitivity", "sensitivity"),
            ("specificity", "specificity"),
            ("flip_rate", "changed decisions"),
        ):
            own = curves[curves["metric"] == metric].set_index("level")
            rows.append(
                f"| {k.name} | {words} | "
                + " | ".join(_cell(own.loc[v]) if v in own.index else "" for v in levels)
                + " |"
            )
    return [*head, *rows]


def _failing(kind: Kind) -> list[str]:
    nominal = _nominal_errors(kind)
    lines, small = ["| by | stratum | missed | false alarms |", "|---|---|---|---|"], 0
    for by in ("all", *FACTS):
        for stratum, part in nominal[nominal["by"] == by].groupby("stratum", sort=False):
            if part["rate"].isna().all():
                small += 1
                continue
            cells = {r["kind"]: r for _, r in part.iterrows()}
            shown = [_rate(cells.get(name)) for name in ("missed", "false_alarm")]
            lines.append(f"| {FACTS.get(by, 'all')} | {_plain(stratum)} | {shown[0]} | {shown[1]} |")
    said = "Count, rate, Wilson interval with effective size."
    left = f" {small} strata with fewer than 5 blocks on either side are left out." if small else ""
    return [*lines, "", said + left]


def _nominal_errors(kind: Kind) -> pd.DataFrame:
    errors = kind.table("errors")
    return errors[(errors["perturbation"] == "nominal") & errors["kind"].isin(["missed", "false_alarm"])]


def _plain(stratum: object) -> str:
    """A bar would end the cell of a table."""
    return str(stratum).replace("|", " + ")


def _rate(row: Any) -> str:
    if row is None or row["n_cases"] == 0:
        return "no such case"
    if row["rate"] != row["rate"]:
        return (
            f"{row['k']:.0f} of {row['n_cases']}: {row['reason']}"
            if row["k"] == row["k"]
            else f"{row['n_cases']} cases: {row['reason']}"
        )
    said = f"{row['k']:.0f} of {row['n_cases']}, {row['rate']:.2f}"
    return f"{said} ({row['low']:.2f} to {row['high']:.2f})" if row["low"] == row["low"] else said


def _commands(kind: Kind) -> list[str]:
    lines = ["| command | seconds |", "|---|---|"]
    return [*lines, *(f"| `{step.command}` | {step.seconds:.0f} |" for step in kind.steps)]


def _error_rows(kind: Kind) -> list[Row]:
    nominal = _nominal_errors(kind)
    rows = []
    for colour, (name, words) in enumerate((("missed", "missed"), ("false_alarm", "false alarms"))):
        for by in ("all", *FACTS):
            for _, r in nominal[(nominal["by"] == by) & (nominal["kind"] == name) & nominal["rate"].notna()].iterrows():
                label = "all" if by == "all" else f"{FACTS[by]}: {_plain(r['stratum'])}"
                rows.append(Row(f"{words}, {label}", r["rate"], r["low"], r["high"], colour))
    return rows


def _flips(kind: Kind, colour: int) -> Line:
    curves = _all(kind.table("curves"))
    own = curves[curves["metric"] == "flip_rate"].sort_values("level")
    points = tuple((r["level"], r["value"], r["low"], r["high"]) for _, r in own.iterrows())
    return Line(f"{kind.name} controls", points, colour)


def _flip(kind: Kind, level: float) -> Any:
    curves = _all(kind.table("curves"))
    return curves[(curves["metric"] == "flip_rate") & (curves["level"] == level)].iloc[0]


def _all(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["by"] == "all") & (table["stratum"] == "all")]


def _share(row: Any) -> str:
    said = f"{100 * row['value']:.1f} %"
    return f"{said} ({100 * row['low']:.1f} to {100 * row['high']:.1f})" if row["low"] == row["low"] else said


def _interval(estimate: Estimate) -> str:
    if estimate.value != estimate.value:
        return f"not estimable ({estimate.reason})"
    said = f"{estimate.value:.3f}"
    return f"{said} ({estimate.low:.3f} to {estimate.high:.3f})" if estimate.low == estimate.low else said


def _cell(row: Any) -> str:
    if row["value"] != row["value"]:
        return "not estimable"
    said = f"{row['value']:.3f}"
    return f"{said} ({row['low']:.3f} to {row['high']:.3f})" if row["low"] == row["low"] else said


def _span(rows: Sequence[Row]) -> tuple[float, float]:
    lowest = min([0.5, *(v for r in rows for v in (r.value, r.low) if v == v)])
    return int(lowest * 10) / 10, 1.0
