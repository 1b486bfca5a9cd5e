"""replay: show one crop of a run again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.errors import InputError

if TYPE_CHECKING:
    from robustkit.crops._base import Snap
    from robustkit.images.radiograph import Radiograph
    from robustkit.results.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Replayed:
    """One crop, made again.

    Attributes:
        case, model, perturbation, level, repeat: Which one.
        box: x0, y0, x1, y1 on the film, as stored.
        score, logits, status, reason: As stored.
        crop: PNG of what the model saw, before scaling.
        label: Of the case.
        note: What else the picture is, where the model is no network that saw just this; "" where it is one.
    """

    case: str
    model: str
    perturbation: str
    level: float
    repeat: int
    box: tuple[float, float, float, float]
    score: float
    logits: tuple[float, ...]
    status: str
    reason: str
    crop: Path
    label: str
    note: str = ""

    def lines(self) -> list[str]:
        """Give what a person reads."""
        shown = ", ".join(f"{v:g}" for v in self.box)
        answer = f"score {self.score:.4f}" if self.status == "ok" else f"failed: {self.reason}"
        return [
            f"{self.case} ({self.label}), {self.model}, {self.perturbation} {self.level:g}, repeat {self.repeat}",
            f"box {shown}: {answer}",
            *([self.note] if self.note else []),
            str(self.crop),
        ]


def replay(
    *,
    run: Path | None = None,
    case: str = "",
    repeat: int = 0,
    perturbation: str | None = None,
    level: float | None = None,
    model: str | None = None,
    member: str | None = None,
    output: Path | None = None,
) -> Replayed:
    """Cut one crop again exactly as the model saw it; of a model made of others, as one of its networks sees that box.

    Args:
        run: Run folder; default the newest complete one.
        case: case_id.
        repeat: 0..repeats-1.
        perturbation: ``nominal`` or one of the run's; default its first.
        level: Default the first level.
        model: Name; default the run's first.
        member: Of a model that is made of others: the network whose crop is shown; default the first.
        output: PNG to write; default ``<case>-<perturbation>-<level>-<repeat>.png`` here.

    Raises:
        InputError: No such case, model, member or condition in this run.
        FilmError: The film cannot be read any more, or is another file than when the run began.
    """
    from robustkit.config import read_config
    from robustkit.engine.run_films import RunFilms
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run

    folder = RunFolder(run) if run else newest_run(read_config(Path.cwd()).runs)
    record = folder.record()
    entry = _model(record, model)
    seer, note = _seer(entry, member)
    kind, chosen_level = _condition(record, perturbation, level)
    wanted = [("case_id", "==", case), ("model", "==", entry["name"]), ("perturbation", "==", kind)]
    rows = folder.predictions(filters=wanted)
    rows = rows[(rows["level"] == chosen_level) & (rows["repeat"] == (0 if kind == "nominal" else repeat))]
    if rows.empty:
        what = f"the run has no {kind} {chosen_level:g}, repeat {repeat}, of case {case!r}."
        raise InputError(what, where=str(folder.path), fix="See cases.parquet for the cases, run.json for the levels.")
    row = rows.fillna({"status": "", "reason": ""}).iloc[0]
    box = (float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"]))
    if not all(map(isfinite, box)):
        what = f"the run does not say where the box of {case!r} lay."
        raise InputError(what, where=str(folder.path), fix="Choose another case or repeat.")
    file = output or Path(f"{_safe(case)}-{kind}-{chosen_level:g}-{repeat}.png")
    film = RunFilms.of(folder).read(case)
    _write_crop(file, film, box=box, snapping=record.get("snap", "whole"), entry=seer)
    logits = () if row["logits"] is None else tuple(float(v) for v in row["logits"])
    return Replayed(
        case=case, model=entry["name"], perturbation=kind, level=chosen_level, repeat=repeat, box=box,
        score=float(row["score"]), logits=logits, status=row["status"], reason=row["reason"], crop=file,
        label=_label(folder, case), note=note,
    )  # fmt: skip


def _label(folder: RunFolder, case: str) -> str:
    """Give the label of a case; "" where the run has none, as one of another program may."""
    cases = folder.cases().reindex(columns=["case_id", "label"])
    return str(next(iter(cases.loc[cases["case_id"] == case, "label"].dropna()), ""))


def _model(record: dict[str, Any], name: str | None) -> dict[str, Any]:
    entries: list[dict[str, Any]] = record["models"]
    for entry in entries:
        if name in (None, entry["name"]):
            return entry
    names = ", ".join(e["name"] for e in entries)
    raise InputError(f"the run has no model {name!r}; it has {names}.", where="--model", fix="Choose one of these.")


def _seer(entry: dict[str, Any], member: str | None) -> tuple[dict[str, Any], str]:
    """Give the entry of the network whose crop is shown, and what is to be said of it."""
    name = entry["name"]
    networks = {e["name"]: e for e in reversed(list(_networks(entry)))}
    if member is not None and (not entry.get("members") or member not in networks):
        known = ", ".join(reversed(networks)) if entry.get("members") else "none"
        what = f"{name} has no network {member!r} among its members; it has {known}."
        raise InputError(what, where="--member", fix="Choose one of these, or leave --member out.")
    if not networks:
        return entry, f"{name} is shown no crop: the picture is the box on the film."
    if not entry.get("members"):
        return entry, ""
    seer = networks[member or next(reversed(networks))]
    made = ", ".join(m["name"] for m in entry["members"])
    return seer, f"{name} is made of {made}: the picture is the box as {seer['name']} sees it."


def _networks(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for member in entry.get("members") or ():
        yield from _networks(member)
    if not entry.get("members") and entry.get("backend") not in ("facts", "film"):
        yield entry


def _condition(record: dict[str, Any], kind: str | None, level: float | None) -> tuple[str, float]:
    groups = {g["kind"]: g["levels"] for g in record["perturbations"]}
    kind = kind or next(iter(groups), "nominal")
    if kind == "nominal":
        return kind, 0.0
    if kind not in groups:
        what = f"the run has no perturbation {kind!r}; it has {', '.join(('nominal', *groups))}."
        raise InputError(what, where="--perturbation", fix="Choose one of these.")
    if level is None and not groups[kind]:
        raise InputError(f"the run has no level of {kind}.", where="run.json", fix="Choose another --perturbation.")
    return kind, float(level if level is not None else groups[kind][0])


def _write_crop(
    file: Path, film: Radiograph, *, box: tuple[float, float, float, float], snapping: Snap, entry: dict[str, Any]
) -> None:
    import numpy as np
    from PIL import Image

    from robustkit.atomic import replacing
    from robustkit.engine.equip import crop_maker
    from robustkit.models.reopen import input_spec

    cropper = crop_maker("pillow").prepare("cpu")
    crop = cropper.crops(film.pixels, np.array([box]), input_spec(entry), snapping=snapping)[0]
    with replacing(file) as temporary:
        Image.fromarray(np.rint(crop).astype(np.uint8)).save(temporary, format="PNG")


def _safe(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:80]
