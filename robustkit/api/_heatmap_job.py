"""One call of `heatmaps`: the run, who is judged, its models, and the tables that come of their maps."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from robustkit.analysis import heatmap_cases, heatmap_checks, heatmap_measures, heatmap_stability
from robustkit.analysis.cohort import Judged, judged_cases
from robustkit.analysis.heatmap_examples import examples
from robustkit.analysis.matrix import ModelAnswers, read_answers
from robustkit.analysis.tables import assign_strata
from robustkit.analysis.thresholds import judged_at
from robustkit.api._heatmap_work import Boxes, Mapped, Work, settings_differ
from robustkit.api._outcome import Progress
from robustkit.atomic import replacing
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.config import read_config
from robustkit.engine.equip import resolve_batch_size, resolve_devices, resolve_workers
from robustkit.engine.heatmaps import Explanation, MapMaker, Reading, why_no_map
from robustkit.engine.run_films import RunFilms
from robustkit.errors import InputError, RunError
from robustkit.images.heat import triptych
from robustkit.models.reopen import reopened
from robustkit.registry import names
from robustkit.results.folder import RunFolder, written_threshold
from robustkit.results.heatmaps import HeatmapFolder, grid, write_arrays
from robustkit.results.runs import newest_run
from robustkit.stats.bootstrap import patient_draws
from robustkit.stats.threshold import logit

TABLES = ("heatmap_cases", "heatmap_stability", "heatmap_measures", "heatmap_contrasts", "heatmap_checks")


@dataclass(slots=True)
class Job:
    """One call: the run, who is judged, and the work on its maps."""

    folder: RunFolder
    record: dict[str, Any]
    cohort: Judged
    answers: dict[str, ModelAnswers]
    cuts: dict[str, float]
    work: Work
    seed: int

    @classmethod
    def begin(
        cls,
        run: Path | None,
        *,
        levels: Sequence[float],
        repeats: int,
        method: str,
        seed: int,
        workers: int,
        progress: Progress | None,
    ) -> Job:
        """Open the run and find who is judged, where the thresholds lie and which boxes have a map."""
        if method not in names("heatmaps"):
            what = f"no heatmap method is called {method!r}."
            raise InputError(what, where="--method", fix=f"Use {', '.join(names('heatmaps'))}.")
        folder = RunFolder(run) if run else newest_run(read_config(Path.cwd()).runs)
        record = folder.record()
        cohort = judged_cases(folder, record, read_vocabulary())
        ids = cohort.frame["case_id"].tolist()
        every = _levels(record, levels)
        answers, cuts = {}, {}
        for entry in record["models"]:
            own = read_answers(folder, entry["name"], ids, every)
            answers[entry["name"]] = own
            asked = written_threshold(folder, entry["name"])
            at = judged_at(cohort, own, record, asked=asked, method="smoothed", draws=200, seed=seed)
            cuts[entry["name"]] = at.value
        reading = Reading(
            record.get("snap", "whole"), record.get("depth", "8"), record.get("allow_truncated", False),
            resolve_workers(workers),
        )  # fmt: skip
        boxes = Boxes.read(folder, record["models"][0]["name"], ids, every if repeats else [], repeats=repeats)
        work = Work(folder, record, cohort, boxes, HeatmapFolder.of(folder.path, method), reading, seed, progress)
        return cls(folder, record, cohort, answers, cuts, work, seed)

    def makers(
        self,
        wanted: Sequence[str],
        *,
        method: str,
        layer: str | None,
        target: str,
        margin: float | None,
        device: str,
        batch_size: str,
        trust_code: bool,
    ) -> tuple[dict[str, MapMaker], list[str]]:
        """Open the models; those that have no heatmaps are left out with a word about it, unless they were asked for."""
        place = resolve_devices(device)[0]
        entries = {str(m["name"]): m for m in self.record["models"]}
        unknown = [m for m in wanted if m not in entries]
        if unknown:
            what = f"the run has no model {unknown[0]!r}; it has {', '.join(entries)}."
            raise InputError(what, where="--model", fix="Choose one of these.")
        found, said = {}, []
        for name in wanted or entries:
            opened = reopened(entries[name], trust_code=trust_code)
            reason = why_no_map(opened)
            if reason and not wanted:
                said.append(f"{name} has no heatmaps: {reason}.")
                continue
            explanation = Explanation(method, layer, cast(Literal["positive", "decision"], target), self.cuts[name])
            size = resolve_batch_size(batch_size, place)
            found[name] = MapMaker(opened, explanation, margin=margin, device=place, batch_size=size)
        if not found:
            what = f"none of the run's models is a PyTorch network ({' '.join(said)})"
            fix = "Run `robustkit perturb` with a network, or with a member of these by itself."
            raise InputError(what, where=str(self.folder.path), fix=fix)
        return found, said

    def settle(self, makers: Mapping[str, MapMaker], *, method: str, target: str, new: bool) -> None:
        """Compare with the maps that are there, and write down what these are made with.

        With `new` all that is there of the method goes: the maps, and their rows in the tables.
        """
        sha = {m["name"]: m.get("sha256", "") for m in self.record["models"]}
        models = [
            {
                "name": name,
                "sha256": sha[name],
                "layer": maker.layer.name.removeprefix("network.") if maker.layer else "",
                "cells": list(maker.layer.cells) if maker.layer else [0, 0],
                "margin": maker.spec.margin,
                **({"threshold": self.cuts[name]} if target == "decision" else {}),
            }
            for name, maker in makers.items()
        ]
        settings: dict[str, Any] = {
            "method": method, "target": target, "identity": self.record.get("identity", ""),
            "conditions": [list(c) for c in self.work.boxes.conditions], "models": models,
        }  # fmt: skip
        if new:
            if self.work.folder.path.exists():
                shutil.rmtree(self.work.folder.path)
            self._forget()
        old = self.work.folder.record()
        differs = settings_differ(old, settings) if old else []
        if differs:
            what = f"there are {method} heatmaps that were made otherwise ({', '.join(differs)} differ)."
            raise InputError(
                what, where=str(self.work.folder.path), fix="Give the same flags, or --new to replace them."
            )
        kept = [m for m in (old or {}).get("models", ()) if m["name"] not in makers]
        self.work.folder.write_record({**settings, "models": [*kept, *models]})

    def _forget(self) -> None:
        """Take the method's rows out of the tables."""
        for name in TABLES:
            try:
                old = self.folder.table(name)
            except RunError:
                continue
            if "heatmap" in old:
                self.folder.write_table(name, old[old["heatmap"] != self.work.folder.path.name])

    def make(self, makers: Mapping[str, MapMaker]) -> tuple[Mapped, ...]:
        """Make what is missing, model by model."""
        order = [m["name"] for m in self.record["models"]]
        n = len(self.work.wanted())
        mapped = []
        for k, (name, maker) in enumerate(makers.items()):
            failed = self.work.make(order.index(name), name, maker, before=k * n, total=n * len(makers))
            cells = maker.layer.cells if maker.layer else (0, 0)
            layer = maker.layer.name.removeprefix("network.") if maker.layer else ""
            mapped.append(Mapped(name, layer, cells, maker.spec.margin, n - failed, failed))
        return tuple(mapped)

    def tables(
        self, makers: Mapping[str, MapMaker], choices: Any, *, by: Sequence[str], draws: int, check_cases: int
    ) -> dict[str, pd.DataFrame]:
        """Derive every table from the maps."""
        cohort, maps = self.cohort, self.work.folder
        frame = cohort.frame[cohort.judged].set_index("case_id")
        cohorts = dict(zip(frame.index, frame["cohort"], strict=True))
        shared_draws = patient_draws(cohort.patient_strata(), draws=draws, seed=self.seed, purpose="tables")
        setting = heatmap_measures.Setting(cohort, assign_strata(cohort, by), shared_draws, maps.path.name)
        order = [m["name"] for m in self.record["models"]]
        rows: dict[str, list[dict[str, object]]] = {name: [] for name in TABLES}
        for name, maker in makers.items():
            index = order.index(name)
            shared = heatmap_cases.common(maps, index, cohorts, margin=maker.spec.margin)
            cases = heatmap_cases.case_rows(maps, index, name, frame, shared=shared, choices=choices)
            still = heatmap_stability.stability_rows(maps, index, name, cohorts, shared=shared)
            rows["heatmap_cases"] += cases
            rows["heatmap_stability"] += still
            answers = self._answers(name)
            for measured in heatmap_measures.measured_cases(
                heatmap_cases.cases_table(cases, heatmap=maps.path.name),
                heatmap_stability.stability_table(still, heatmap=maps.path.name),
                cohort.frame["case_id"],
            ):
                rows["heatmap_measures"] += heatmap_measures.measure_rows(setting, measured, answers)
                rows["heatmap_contrasts"] += heatmap_measures.contrast_rows(setting, measured, answers)
            if check_cases:
                rows["heatmap_checks"] += self.work.checks(
                    index, name, maker, n=check_cases, answers=self.answers[name], cut=self.cuts[name], shared=shared,
                    draws=shared_draws,
                )  # fmt: skip
        method = maps.path.name
        return {
            "heatmap_cases": heatmap_cases.cases_table(rows["heatmap_cases"], heatmap=method),
            "heatmap_stability": heatmap_stability.stability_table(rows["heatmap_stability"], heatmap=method),
            "heatmap_measures": heatmap_measures.measures_table(rows["heatmap_measures"]),
            "heatmap_contrasts": heatmap_measures.contrasts_table(rows["heatmap_contrasts"]),
            "heatmap_checks": heatmap_checks.checks_table(rows["heatmap_checks"]),
        }

    def _answers(self, name: str) -> heatmap_measures.Answers:
        """Give what a model said of every case: right, how far from the threshold, how still over redrawn boxes."""
        own, cut = self.answers[name], self.cuts[name]
        right = (own.nominal >= cut) == self.cohort.positive
        away = np.abs(logit(own.nominal) - logit(np.array(cut)))
        sd = {
            (m.perturbation, m.level): logit(m.scores).std(axis=1, ddof=1)
            for m in own.matrices
            if m.scores.shape[1] > 1
        }
        return heatmap_measures.Answers(right, np.isfinite(own.nominal), away, sd)

    def write(self, name: str, frame: pd.DataFrame, *, models: Collection[str]) -> Path:
        """Write a table: rows of these models are replaced, those of other methods and models stay."""
        try:
            old = self.folder.table(name)
        except RunError:
            return self.folder.write_table(name, frame)
        if set(old.columns) != set(frame.columns):
            return self.folder.write_table(name, frame)
        kept = old[~((old["heatmap"] == self.work.folder.path.name) & old["model"].isin(list(models)))]
        joined = pd.concat([kept, frame], ignore_index=True) if len(kept) else frame
        return self.folder.write_table(name, joined)

    def export(self, makers: Mapping[str, MapMaker], *, npz: Path | None, png: Path | None) -> tuple[Path, ...]:
        """Write maps as arrays, and pictures of example cases."""
        written: list[Path] = []
        order = [m["name"] for m in self.record["models"]]
        for name in makers:
            if npz is not None:
                file = npz if len(makers) == 1 else npz.with_name(f"{npz.stem}-{safe_name(name)}{npz.suffix}")
                written.append(write_arrays(file, self.work.folder, order.index(name)))
            if png is not None:
                folder = png if len(makers) == 1 else png / safe_name(name)
                written += self._pictures(folder, order.index(name), name)
        return tuple(written)

    def _pictures(self, folder: Path, index: int, name: str) -> list[Path]:
        """Write film, overlay and map of the example cases of a model."""
        cohort, maps = self.cohort, self.work.folder
        frame = cohort.frame.set_index("case_id")
        rows = {
            str(r["case_id"]): r
            for part in maps.parts(index, nominal=True)
            for r in part.to_dict("records")
            if not r["reason"] and not heatmap_cases.fault(grid(r))
        }
        own = self._answers(name)
        has_map = cohort.judged & frame.index.isin(list(rows))
        names_ = heatmap_measures.answer_names(cohort, own).set_axis(frame.index)[has_map]
        sd = next(iter(own.sd_logit.values()), np.full(len(frame), np.nan))
        cohorts = dict(zip(frame.index[cohort.judged], frame["cohort"][cohort.judged], strict=True))
        strongest = heatmap_cases.common(maps, index, cohorts, margin=0).strongest
        chosen = examples(names_, cohort.positive[has_map], sd[has_map], seed=self.seed)
        simulated = "; simulated films" if self.record.get("simulated") else ""
        written, films = [], RunFilms.of(self.folder)
        for k, one in enumerate(chosen):
            row, case = rows[one.case_id], frame.loc[one.case_id]
            film = films.read(str(one.case_id), depth="8")
            score = f"score {row['score']:.2f}"
            lines = (
                f"{one.group}: {case['label']}, {score}, {name}, {maps.path.name}",
                f"Research use; not for diagnosis or for the care of a patient{simulated}",
            )
            region = np.array([row[c] for c in ("x0", "y0", "x1", "y1")])
            box = self.work.boxes.boxes[frame.index.get_loc(one.case_id), 0]
            values = np.zeros_like(grid(row)) if heatmap_cases.near_empty(grid(row), strongest) else grid(row)
            picture = triptych(film.pixels, region, values, box=box, strongest=strongest, lines=lines)
            file = folder / f"{one.group.replace(' ', '-')}-{k:02d}-{safe_name(one.case_id)}.png"
            with replacing(file) as temporary:
                picture.save(temporary, "PNG")
            written.append(file)
        return written


def _levels(record: Mapping[str, Any], wanted: Sequence[float]) -> list[tuple[str, float]]:
    groups = list(record["perturbations"])
    if not groups and wanted:
        what = "the run has no redrawn boxes: it was made without a perturbation."
        raise InputError(what, where="--levels", fix="Leave --levels out.")
    if not groups:
        return []
    kind, known = str(groups[0]["kind"]), [float(v) for v in groups[0]["levels"]]
    unknown = [v for v in wanted if v not in known]
    if unknown:
        what = f"the run has no {kind} {unknown[0]:g}; it has {', '.join(f'{v:g}' for v in known)}."
        raise InputError(what, where="--levels", fix="Choose of these.")
    return [(kind, v) for v in (wanted or known)]


def safe_name(name: str) -> str:
    """Give a name that any file system takes."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80]
