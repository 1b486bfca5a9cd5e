"""The work of `heatmaps`: which boxes of a run, the maps of every model, and the checks, each kept when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import Judged
from robustkit.analysis.heatmap_cases import ModelMaps, fault
from robustkit.analysis.heatmap_checks import DELETION, INSERTION, pixel_rows, randomised_rows
from robustkit.analysis.matrix import ModelAnswers
from robustkit.api._outcome import Progress
from robustkit.engine.heatmap_checks import Shown, area, pixel_curves, randomised
from robustkit.engine.heatmaps import CaseMaps, MapMaker, Reading, Wanted, make_maps, read_crops
from robustkit.errors import InputError, StoppedError
from robustkit.results.films import read_films
from robustkit.results.folder import RunFolder
from robustkit.results.heatmaps import NOMINAL, HeatmapFolder, MapRow, grid
from robustkit.results.sheet import NOMINAL as NOMINAL_CONDITION
from robustkit.results.sheet import read_sheets
from robustkit.seeds import generator
from robustkit.stats.bootstrap import PatientDraws
from robustkit.stats.maps import likeness, resampled
from robustkit.stopping import Stop, stoppable

PART_CASES = 200
"""Cases whose maps are kept at a time, and come to one file."""

_UNIT = np.array([0.0, 0.0, 1.0, 1.0])
_PLACES = 32


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the maps of a model are of.

    Attributes:
        model: Its name.
        layer: Module of the network that was looked at; "" where pixels are explained themselves.
        cells: Height and width of its maps; 0 where there is none.
        margin: Share of the box that the crops show around it.
        n_cases, n_failed: Cases with maps, and without.
    """

    model: str
    layer: str
    cells: tuple[int, int]
    margin: float
    n_cases: int
    n_failed: int


@dataclass(frozen=True, slots=True)
class Boxes:
    """Which boxes of every case have a map: the given one, then the first repeats of some levels.

    Attributes:
        conditions: Perturbation, level and repeat of each.
        boxes: ``(N, K, 4)`` in the order of the cohort's frame; NaN where the case failed.
    """

    conditions: tuple[tuple[str, float, int], ...]
    boxes: np.ndarray

    @classmethod
    def read(
        cls, folder: RunFolder, model: str, ids: Sequence[str], levels: Sequence[tuple[str, float]], *, repeats: int
    ) -> Boxes:
        """Read them from the predictions; they are the same for all models."""
        sheets = read_sheets(folder, model, ids, [NOMINAL_CONDITION, *levels])
        conditions = [(NOMINAL, 0.0, 0)]
        stacked = [sheets[0].boxes[:, :1]]
        for (kind, level), sheet in zip(levels, sheets[1:], strict=True):
            kept = min(repeats, sheet.boxes.shape[1])
            conditions += [(kind, level, r) for r in range(kept)]
            stacked.append(sheet.boxes[:, :kept])
        return cls(tuple(conditions), np.concatenate(stacked, axis=1))


@dataclass(slots=True)
class Work:
    """Everything that the maps of a run are made with.

    Attributes:
        run: The run.
        record: Its run.json.
        cohort: Who is judged.
        boxes: Of every case.
        folder: Where the maps lie.
        reading: How films are read.
        seed: Of cases that are checked, and of what is random in the checks.
        progress: Told of cases.
    """

    run: RunFolder
    record: Mapping[str, Any]
    cohort: Judged
    boxes: Boxes
    folder: HeatmapFolder
    reading: Reading
    seed: int
    progress: Progress | None = None
    _wanted: list[Wanted] = field(default_factory=list)

    def wanted(self) -> list[Wanted]:
        """Give the judged cases that were answered and whose film is known, with their boxes."""
        if not self._wanted:
            frame = self.cohort.frame
            films = read_films(self.run.path)
            paths = frame["image_path"] if "image_path" in frame else pd.Series("", index=frame.index)
            for i in np.flatnonzero(self.cohort.judged):
                own = self.boxes.boxes[i]
                if np.isfinite(own).all() and paths.iloc[i]:
                    case = str(frame["case_id"].iloc[i])
                    self._wanted.append(Wanted(case, Path(str(paths.iloc[i])), own, films.get(case, "")))
        if not self._wanted:
            what = "the run does not say where the films of its cases lie."
            raise InputError(what, where=str(self.run.path), fix="Only runs of `robustkit perturb` know their films.")
        return self._wanted

    def make(self, index: int, name: str, maker: MapMaker, *, before: int, total: int) -> int:
        """Make the maps of a model that are not there yet; give how many cases have none, whatever the reason."""
        with stoppable() as stop:
            return self._make(index, name, maker, before=before, total=total, stop=stop)

    def _make(self, index: int, name: str, maker: MapMaker, *, before: int, total: int, stop: Stop) -> int:
        done = self.folder.done(index)
        todo = [w for w in self.wanted() if w.case_id not in done]
        held: list[MapRow] = []
        part, cases = self.folder.next_part(index), 0
        for k, maps in enumerate(make_maps(todo, maker, self.reading), start=1):
            done[maps.case_id] = maps.reason
            cases += 1
            held += self._rows(maps)
            is_stopped = stop.is_wanted() and k < len(todo)
            if cases == PART_CASES or k == len(todo) or is_stopped:
                self.folder.write_part(index, part, name, held)
                held, cases, part = [], 0, part + 1
            if is_stopped:
                what = f"stopped; {len(todo) - k} cases have no heatmap of {name} yet, all others are kept."
                raise StoppedError(what, where=str(self.folder.path), fix="The same command goes on from here.")
            if self.progress is not None:
                self.progress("cases", before + len(done), total)
        return sum(bool(done[w.case_id]) for w in self.wanted())

    def _rows(self, maps: CaseMaps) -> list[MapRow]:
        if maps.reason:
            nothing = np.zeros((0, 0), dtype=np.float32)
            nan = float("nan")
            return [MapRow(maps.case_id, NOMINAL, 0.0, 0, (nan, nan, nan, nan), nothing, nan, maps.reason)]
        return [
            MapRow(maps.case_id, *condition, region=_four(region), values=values, score=float(score))
            for condition, region, values, score in zip(
                self.boxes.conditions, maps.regions, maps.values, maps.scores, strict=True
            )
        ]

    def checks(
        self, index: int, name: str, maker: MapMaker, *, n: int, answers: ModelAnswers, cut: float, shared: ModelMaps,
        draws: PatientDraws,
    ) -> Iterator[dict[str, object]]:  # fmt: skip
        """Check the maps of some cases: randomised weights; deletion and insertion of those called positive."""
        cases = self._sample(index, maker, n=n)
        place = {c: i for i, c in enumerate(self.cohort.frame["case_id"])}
        rows = np.array([place[c.case_id] for c in cases], dtype=np.intp)
        patients = self.cohort.patients[rows]
        fixed = {"heatmap": self.folder.path.name, "model": name}
        cohorts = self.cohort.frame["cohort"].to_numpy()
        alike = np.array([self._with_mean(c.values, shared, str(cohorts[i])) for c, i in zip(cases, rows, strict=True)])
        stages = list(randomised(maker, cases, seed=self.seed)) if cases else []
        yield from randomised_rows(stages, alike, patients=patients, draws=draws, fixed=fixed)
        called = answers.nominal[rows] >= cut
        chosen = [c for c, yes in zip(cases, called, strict=True) if yes]
        curves = [pixel_curves(maker, c, seed=self.seed) for c in chosen]
        for check, own, other in (
            (DELETION, [c.deletion for c in curves], [c.random_deletion for c in curves]),
            (INSERTION, [c.insertion for c in curves], [c.random_insertion for c in curves]),
        ):
            areas = [np.array([area(c) for c in some]) for some in (own, other)]
            yield pixel_rows(check, areas[0], areas[1], patients=patients[called], draws=draws, fixed=fixed)

    def _sample(self, index: int, maker: MapMaker, *, n: int) -> list[Shown]:
        """Draw cases with a map that says something, half of them positive where there are as many."""
        maps = {
            str(r["case_id"]): grid(r)
            for part in self.folder.parts(index, nominal=True)
            for r in part.to_dict("records")
            if not fault(grid(r))
        }
        truth = dict(zip(self.cohort.frame["case_id"], self.cohort.positive, strict=True))
        random = generator(self.seed, "checked cases")
        usable = [w for w in self.wanted() if w.case_id in maps]
        order = [usable[i] for i in random.permutation(len(usable))]
        positive = [w for w in order if truth[w.case_id]][: n - n // 2]
        chosen = positive + [w for w in order if not truth[w.case_id]][: n - len(positive)]
        nominal = [Wanted(w.case_id, w.image, w.boxes[:1], w.sha256) for w in chosen]
        return [
            Shown(w.case_id, crops[0], maps[w.case_id])
            for w, crops in read_crops(nominal, maker.spec, self.reading)
            if not isinstance(crops, str)
        ]

    def _with_mean(self, values: np.ndarray, shared: ModelMaps, cohort: str) -> float:
        if cohort not in shared.means:
            return float("nan")
        one = resampled(values, _UNIT, _UNIT, n=_PLACES)
        return likeness(one, resampled(shared.means[cohort], _UNIT, _UNIT, n=_PLACES)).correlation


def settings_differ(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Name what differs between the settings of maps that are there and those that are wanted."""
    fields = [k for k in new if k != "models" and old.get(k) != new[k]]
    known = {m["name"]: m for m in old.get("models") or ()}
    for entry in new["models"]:
        before = known.get(entry["name"], entry)
        fields += [f"{k} of {entry['name']}" for k in entry if before.get(k) != entry[k]]
    return fields


def _four(box: np.ndarray) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(v) for v in box)
    return x0, y0, x1, y1
