"""box-noise: how far readers' boxes of the same lesions lie apart, and how a model stands at that level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

    from robustkit.results.folder import RunFolder

BOX = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True, slots=True)
class NoiseMeasure:
    """One measure of the readers' disagreement.

    Attributes:
        name: ``shift, scale, aspect``: the level of that perturbation whose boxes scatter as one reader's do; ``iou``:
            mean overlap of two readers; ``bias_x, bias_y, bias_size``: of the first reader (two readers only).
        value, low, high: With its 95 % interval by patient.
        n_lesions, n_patients: What it rests on.
        reason: Why there is no value or interval.
    """

    name: str
    value: float
    low: float
    high: float
    n_lesions: int
    n_patients: int
    reason: str


@dataclass(frozen=True, slots=True)
class AtNoise:
    """A model's number at the readers' level of ``shift``, between the two tested levels beside it."""

    model: str
    cohort: str
    metric: str
    level: float
    value: float
    low: float
    high: float
    reason: str


@dataclass(frozen=True, slots=True)
class BoxNoiseResult:
    """What was found.

    Attributes:
        readers: Names, in the order in which they stand in the tables.
        measures: Of their disagreement.
        models: How the models of the run stand at that level; empty without a run.
        command: The `perturb` command that judges a model at that level.
        left_out: Lesions that fewer than two readers marked.
    """

    readers: tuple[str, ...]
    measures: tuple[NoiseMeasure, ...]
    models: tuple[AtNoise, ...]
    command: str
    left_out: int


def box_noise(*, boxes: Sequence[Path], run: Path | None = None, draws: int = 2000, seed: int = 0) -> BoxNoiseResult:
    """Estimate the readers' disagreement and judge a run's models at that level.

    Args:
        boxes: CSV tables with ``case_id`` (the lesion), ``x0, y0, x1, y1`` in px, and optionally ``reader`` and
            ``patient_id``. Without ``reader`` each table is one reader, named by its file.
        run: Run folder whose shift curves are read at that level; None: none.
        draws: Of the patient bootstrap.
        seed: Of its draws.

    Raises:
        InputError: A missing column, a box without area, a lesion twice for one reader, fewer than two readers.
        RunError: A damaged run.
    """
    from robustkit.results.folder import RunFolder
    from robustkit.stats.box_noise import MEASURES, estimate

    table = _read(boxes)
    readers = tuple(dict.fromkeys(table["reader"]))
    if len(readers) < 2:
        fix = "Give one table per reader, or a table with a column `reader`."
        raise InputError(f"expected boxes of two readers or more, got {', '.join(readers)}.", where="--boxes", fix=fix)
    found, left_out = _pairs(table, readers)
    names = [n for n in MEASURES if len(readers) == 2 or not n.startswith("bias")]
    measures = []
    for name in names:
        e = estimate(name, found, draws=draws, seed=seed)
        measures.append(NoiseMeasure(name, e.value, e.low, e.high, e.n_cases, e.n_patients, e.reason))
    level = next(m.value for m in measures if m.name == "shift")
    models = _judge(RunFolder(run), level) if run and level == level else ()
    rounded = f"{level:.3g}" if level == level else "LEVEL"
    command = f"robustkit perturb --model ckpt.pt --shifts {rounded} --repeats 50"
    return BoxNoiseResult(readers, tuple(measures), models, command, left_out)


def _read(paths: Sequence[Path]) -> DataFrame:
    import pandas as pd

    if not paths:
        raise InputError(
            "no table of boxes was given.", where="--boxes", fix="Give --boxes first.csv --boxes second.csv."
        )
    parts = [_table(p) for p in paths]
    table = pd.concat(parts, ignore_index=True)
    twice = table[table.duplicated(["reader", "case_id"])]
    if len(twice):
        row = twice.iloc[0]
        what = f"the lesion {row['case_id']!r} is there twice for the reader {row['reader']!r}."
        raise InputError(what, where="--boxes", fix="Give each lesion one row per reader.")
    return table


def _table(path: Path) -> DataFrame:
    import numpy as np
    import pandas as pd

    from robustkit.cohort.cells import listed, read_cells

    table = read_cells(path)
    lacking = [c for c in ("case_id", *BOX) if c not in table]
    if lacking:
        what = f"the table lacks {', '.join(lacking)}; it has {listed(list(table.columns))}."
        raise InputError(what, where=str(path), fix="Give case_id, x0, y0, x1, y1 (px).")
    numbers = table[list(BOX)].apply(pd.to_numeric, errors="coerce")
    sides = np.stack([numbers["x1"] - numbers["x0"], numbers["y1"] - numbers["y0"]])
    bad = np.flatnonzero(~(np.isfinite(numbers.to_numpy()).all(axis=1) & (sides > 0).all(axis=0)))
    if len(bad):
        what = f"row {bad[0] + 2} is no box with x0 < x1 and y0 < y1 ({len(bad)} such rows)."
        raise InputError(what, where=str(path), fix="Mend or remove these rows.")
    table[list(BOX)] = numbers
    if "reader" not in table:
        table["reader"] = path.stem
    if "patient_id" not in table:
        table["patient_id"] = table["case_id"]
    return table


def _pairs(table: DataFrame, readers: Sequence[str]) -> tuple[Any, int]:
    """Compare every pair of readers on the lesions that both marked."""
    from itertools import combinations

    import numpy as np
    import pandas as pd

    from robustkit.stats.box_noise import Pairs, pairs

    by_reader = {r: table[table["reader"] == r].set_index("case_id") for r in readers}
    patient = table.drop_duplicates("case_id").set_index("case_id")["patient_id"]
    codes = pd.Series(pd.factorize(patient)[0], index=patient.index)
    parts = []
    for a, b in combinations(readers, 2):
        both = by_reader[a].index.intersection(by_reader[b].index)
        first, second = (by_reader[r].loc[both, list(BOX)].to_numpy(dtype=np.float64) for r in (a, b))
        parts.append(pairs(first, second, codes.loc[both].to_numpy(dtype=np.intp)))
    joined = Pairs(*(np.concatenate([getattr(p, f) for p in parts]) for f in Pairs.__dataclass_fields__))
    if not len(joined.patients):
        what = "no lesion was marked by two readers."
        raise InputError(what, where="--boxes", fix="The readers' tables must name lesions by the same case_id.")
    return joined, int((table.groupby("case_id")["reader"].nunique() < 2).sum())


def _judge(folder: RunFolder, level: float) -> tuple[AtNoise, ...]:
    """Read each model's shift curves at the level."""
    if not (folder.path / "tables" / "curves.csv").is_file():
        from robustkit.api.stratify import stratify

        stratify(run=folder.path)
    curves = folder.table("curves")
    whole = curves[(curves["by"] == "all") & (curves["perturbation"] == "shift")]
    found = []
    for (model, cohort, metric), points in whole.groupby(["model", "cohort", "metric"], sort=False):
        if metric in ("auc", "sensitivity", "specificity", "flip_rate", "auc_lost"):
            found.append(AtNoise(str(model), str(cohort), str(metric), level, *_between(points, level)))
    return tuple(found)


def _between(points: DataFrame, level: float) -> tuple[float, float, float, str]:
    """Interpolate value and bounds; outside of the tested levels there is no value."""
    import numpy as np

    known = points[points["value"].notna()].sort_values("level")
    x = known["level"].to_numpy(dtype=np.float64)
    if not len(x) or level > x[-1] or level < x[0]:
        most = f"{x[-1]:g}" if len(x) else "none"
        return float("nan"), float("nan"), float("nan"), f"the largest level tested is {most}"
    # a bound that is not there (0 by definition at level 0) is the value itself
    values = [known[c].fillna(known["value"]).to_numpy(dtype=np.float64) for c in ("value", "low", "high")]
    value, low, high = (float(np.interp(level, x, v)) for v in values)
    return value, low, high, ""
