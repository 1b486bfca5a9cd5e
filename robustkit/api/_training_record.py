"""What a training leaves behind: its identity while it runs, the checkpoint, the learning curve."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from robustkit.api._outcome import Progress
from robustkit.api._training_cohort import LearningCases, SplitWindows
from robustkit.atomic import write_text
from robustkit.engine.equip import crop_maker
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models.beginning import Beginning, auxiliary_note
from robustkit.models.native import save_native
from robustkit.provenance import digest, file_digest, keyed_hashes, package_versions
from robustkit.stats.threshold import youden
from robustkit.training.augmentation import Sight
from robustkit.training.fit import Epoch, Fitted, Told
from robustkit.training.goal import Goal
from robustkit.training.learner import Lesson
from robustkit.training.pause import Pause
from robustkit.training.recipe import Recipe
from robustkit.training.windows import Window


@dataclass(frozen=True, slots=True)
class Made:
    """What a training is made of.

    Attributes:
        beginning, lesson, recipe, found, films: Weights, cases, ways, rows, and their films.
        assumed: Of the input, one sentence each.
        n_external: Rows of other cohorts that are learnt from.
    """

    beginning: Beginning
    lesson: Lesson
    recipe: Recipe
    found: LearningCases
    films: SplitWindows
    assumed: tuple[str, ...] = ()
    n_external: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """A written checkpoint: the digest of its bytes, its lineage, the threshold it carries."""

    sha256: str
    lineage: str
    threshold: float


def lesson_of(windows: Mapping[str, Sequence[Window]], spec: InputSpec, goal: Goal) -> Lesson:
    """Give what is learnt from and how it is seen."""
    return Lesson(windows["train"], windows["val"], Sight(spec, crop_maker("pillow").prepare("cpu")), goal)


def pause_of(output: Path, made: Made) -> Pause:
    """Give where an unfinished training is kept; its identity is all that changes a weight."""
    rows = [
        [split, w.case_id, w.target, w.film_sha256, [float(v) for v in w.box]]
        for split, windows in (("train", made.lesson.train), ("val", made.lesson.val))
        for w in windows
    ]
    beginning, goal = made.beginning, made.lesson.goal
    identity = digest({
        "arch": beginning.arch, "weights": beginning.sha256, "input": made.lesson.sight.spec.to_dict(), "goal": asdict(goal),
        "recipe": asdict(made.recipe), "rows": rows, "packages": package_versions(),
    })  # fmt: skip
    return Pause.beside(output, identity)


def lesson_warnings(made: Made, pause: Pause) -> tuple[str, ...]:
    """Say what was left out, assumed, or is doubtful, before the training begins; one sentence each."""
    said = [f"left out of training: {f}" for f in made.films.failures]
    said += [
        *made.beginning.notes,
        *(f"assumed: {a}" for a in made.assumed),
        *made.found.warnings,
        *made.films.warnings,
    ]
    if note := auxiliary_note(made.beginning.arch):
        said.append(note)
    if made.n_external:
        said.append(f"{made.n_external} rows of cohort=external are learnt from (--allow-external)")
    known = set(made.beginning.seen.get("films", ()))
    met = sum(w.film_sha256 in known for w in made.lesson.val)
    if met:
        said.append(
            f"{met} of {len(made.lesson.val)} validation cases lie on films that the weights have seen: the validation AUC "
            "may be too good"
        )
    if pause.is_foreign:
        said.append("an unfinished training of other settings lay beside the checkpoint: it was begun anew")
    return tuple(said)


def counted(epochs: int, progress: Progress | None, say: Callable[[str], None] | None) -> Told:
    """Give what is told of each epoch: a step of the bar, and a line with the time left."""
    begun, before = time.perf_counter(), [-1]

    def after(epoch: Epoch) -> None:
        if before[0] < 0:
            before[0] = epoch.epoch  # done by an earlier call
        done = epoch.epoch + 1
        left = (time.perf_counter() - begun) / (done - before[0]) * (epochs - done)
        if progress:
            progress("epochs", done, epochs)
        if say:
            say(
                f"epoch {done}/{epochs}: loss {epoch.loss:.3f}, validation AUC {epoch.val_auc:.3f}, "
                f"at most {left:.0f} s left"
            )

    return after


def save(output: Path, fitted: Fitted, made: Made) -> Saved:
    """Write the checkpoint."""
    lesson, goal = made.lesson, made.lesson.goal
    truth = goal.are_positive(np.array([w.target for w in lesson.val], dtype=np.intp))
    point = youden(truth, expit(fitted.val_logits))
    lineage = f"robustkit train, {made.beginning.lineage}"
    training = _training(fitted, made) | {
        "threshold": {"method": point.method, "n": point.n, "n_positive": point.n_positive}
    }
    save_native(
        output, fitted.state_dict, arch=made.beginning.arch, input=lesson.sight.spec, output=OutputSpec(goal.kind),
        classes=goal.classes, positive=goal.positive, lineage=lineage,
        operating_points={"youden": point.value} if np.isfinite(point.value) else {}, seen=_seen(made), training=training,
    )  # fmt: skip
    return Saved(file_digest(output), lineage, point.value)


def _training(fitted: Fitted, made: Made) -> dict[str, Any]:
    lesson, beginning = made.lesson, made.beginning
    counts = {
        split: dict(Counter(lesson.goal.classes[w.target] for w in windows))
        for split, windows in (("train", lesson.train), ("val", lesson.val))
    }
    return {
        **asdict(made.recipe), "epochs_run": len(fitted.curve), "best_epoch": fitted.best.epoch,
        "best_val_auc": fitted.best.val_auc, "n_train": len(lesson.train), "n_val": len(lesson.val), "cases": counts,
        "left_out": len(made.films.failures), "external_rows": made.n_external,
        "manifests": [s.sha256 for s in made.found.manifest.sources], "weights_sha256": beginning.sha256,
        "assumed": list(made.assumed), "notes": [n for n in (*beginning.notes, auxiliary_note(beginning.arch)) if n],
        "curve": [asdict(e) for e in fitted.curve], "packages": package_versions(),
    }  # fmt: skip


def _seen(made: Made) -> dict[str, Any]:
    """Give hashes of the films and patients that these weights have learnt from, those of their beginning among them."""
    used = (*made.lesson.train, *made.lesson.val)
    earlier = made.beginning.seen
    films = sorted({w.film_sha256 for w in used} | set(earlier.get("films", ())))
    known = frozenset(earlier.get("patients", ()))
    # hashes are only as old as their salt: those of the beginning can be joined by more of the same
    salt = str(earlier["salt"]) if known else digest(films)[:32]
    # without a column patient_id the paths of films stand in for patients: they say nothing about other cohorts
    patients = (
        keyed_hashes((w.patient_id for w in used), salt=salt) if made.found.manifest.has_patients else frozenset()
    )
    return {"films": films, "patients": sorted(patients | known), "salt": salt}


def write_curves(path: Path | None, fitted: Fitted, made: Made, output: Path) -> None:
    """Write the learning curve as .csv, .json or a page."""
    if path is None:
        return
    import pandas as pd

    rows = [
        {"model": output.stem, **asdict(e), "is_best": e.epoch == fitted.best.epoch, "seed": made.recipe.seed}
        for e in fitted.curve
    ]
    kind = path.suffix.lower()
    if kind == ".json":
        write_text(path, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    elif kind == ".csv":
        write_text(path, pd.DataFrame(rows).to_csv(index=False))
    else:
        from robustkit.report.training_page import training_page

        page = training_page(
            pd.DataFrame(rows),
            _settings(made),
            is_simulated=made.found.is_simulated,
            said=(*made.found.warnings, *made.films.warnings),
        )
        write_text(path, page)


def _settings(made: Made) -> dict[str, str]:
    spec, recipe, goal = made.lesson.sight.spec, made.recipe, made.lesson.goal
    return {
        "architecture": made.beginning.arch, "weights": made.beginning.lineage,
        "input": f"{spec.width_px} x {spec.height_px} px, {spec.kernel}, {spec.scaling}, margin {spec.margin:g}, {spec.fit}",
        "classes": ", ".join(f"{c} (positive)" if c in goal.positive else c for c in goal.classes),
        "cases": f"{len(made.lesson.train)} for training, {len(made.lesson.val)} for validation",
        "optimiser": f"{recipe.optimiser}, learning rate {recipe.learning_rate:g}, {recipe.schedule}, "
        f"weight decay {recipe.weight_decay:g}",
        "loss": recipe.loss + (f", gamma {recipe.gamma:g}" if recipe.loss == "focal" else "")
        + (", classes weigh the same" if recipe.has_class_weights else ""),
        "batch": f"{recipe.batch_size} cases x {recipe.accumulate}, {recipe.precision}",
        "box jitter": f"{recipe.augmentation.jitter:g}", "seed": str(recipe.seed),
    }  # fmt: skip
