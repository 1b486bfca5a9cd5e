"""Parts computed by another process: what it is told, and what it does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.errors import RobustkitError, RunError
from robustkit.executors._base import Errand
from robustkit.provenance import package_versions

if TYPE_CHECKING:
    from robustkit.api._run import Choices, Prepared
    from robustkit.cohort.manifest import Manifest
    from robustkit.engine.equipment import Equipment
    from robustkit.engine.outfit import Outfit
    from robustkit.models.classifier import Classifier
    from robustkit.results.folder import RunFolder


def errand(prepared: Prepared, choices: Choices, folder: RunFolder) -> Errand:
    """Write down a run for other processes: paths, hashes, and every choice as resolved."""
    request, plan = prepared.request, prepared.request.plan
    content = {
        "version": package_versions()["robustkit"],
        "folder": str(folder.path.resolve()),
        "models": [_absolute(spec) for spec in choices.models],
        "options": dict(choices.options),
        "sha256": {m.name: m.sha256 for m in request.models},
        "manifests": [[str(Path(s.path).resolve()), s.sha256] for s in request.manifest.sources],
        "fill": list(choices.fill),
        "labels": sorted({c for m in request.models for c in m.classes}),
        "groups": [g.to_dict() for g in plan.groups],
        "repeats": plan.repeats,
        "first_repeat": plan.first_repeat,
        "sampler": plan.sampler,
        "seed": plan.seed,
        "border": plan.border,
        "snap": plan.snap,
        "backend": request.backend,
        "precision": request.precision,
        "batch_size": request.batch_size,
        "device": request.device,
        "crops": request.crops,
        "workers": choices.workers,
        "depth": request.depth,
        "allow_truncated": request.allow_truncated,
        "keeps_images": choices.keeps_images,
    }
    return Errand("robustkit.api._errand:fulfil", json.dumps(content, sort_keys=True))


def fulfil(text: str, groups: Sequence[Sequence[str]], *, device: str | None = None) -> dict[str, Any]:
    """Compute and write the parts of some cases.

    Args:
        text: Of an errand.
        groups: case_ids, part by part.
        device: Of this process; default what the errand says.

    Returns:
        ``trials`` of this process's backends, ``notes`` of what memory it lacked; ``error`` where it refuses.
    """
    from robustkit.engine.runner import missing, write_parts
    from robustkit.results.folder import RunFolder

    try:
        content = json.loads(text)
        station = _station(_without_round(content), device or content["device"])
        plan = station.plan([c for group in groups for c in group], content)
        place = {c.case_id: i for i, c in enumerate(plan.cases)}
        parts = [tuple(place[c] for c in group) for group in groups]
        folder = RunFolder(Path(content["folder"]))
        left = missing(plan, folder, parts)
        for _ in write_parts(plan, station.equipment(plan), folder, left) if left else ():
            pass
    except RobustkitError as error:
        return {"error": {"what": error.what, "where": error.where, "fix": error.fix}}
    return {"trials": station.trials(), "notes": station.notes()}


def _without_round(content: Mapping[str, Any]) -> str:
    """Give the text of an errand less what differs between the rounds of one run: a station serves all of them."""
    return json.dumps({k: v for k, v in content.items() if k not in ("repeats", "first_repeat")}, sort_keys=True)


@lru_cache(maxsize=2)
def _station(text: str, device: str) -> _Station:
    return _Station(json.loads(text), device)


class _Station:
    """A process that computes parts of one run: models are opened and prepared once."""

    def __init__(self, content: Mapping[str, Any], device: str) -> None:
        from robustkit.api._run import open_models

        self._content = content
        self._device = device
        here = package_versions()["robustkit"]
        if here != content["version"]:
            what = f"this worker has robustkit {here}, the run was started with {content['version']}."
            raise RunError(what, where=_host(), fix="Install the same version on all machines.")
        self._models: tuple[Classifier, ...] = open_models(content["models"], content["options"])
        for model in self._models:
            if model.sha256 != content["sha256"][model.name]:
                what = f"the model {model.name} is another file here than where the run was started."
                raise RunError(what, where=f"{_host()}, {model.path}", fix="Share one folder of models.")
        self._manifest = self._read_manifest()
        self._ready: Outfit | None = None
        self._equipment: Equipment | None = None

    def plan(self, case_ids: Sequence[str], content: Mapping[str, Any]) -> Any:
        """Give the plan of some cases in the errand's round: the same boxes as in the plan of all."""
        from robustkit.engine.conditions import Levels
        from robustkit.engine.equip import resolve_workers
        from robustkit.engine.films import read_headers
        from robustkit.engine.plan import Plan
        from robustkit.results.films import read_films

        wanted = set(case_ids)
        chosen = self._manifest.only(self._manifest.frame["case_id"].isin(wanted).tolist())
        cases = sorted(chosen.cases(), key=lambda c: c.case_id)
        headers = read_headers(cases, workers=resolve_workers(content["workers"], self._device))
        begun = read_films(Path(content["folder"]))
        headers = replace(headers, sha256=tuple(begun.get(c.case_id, "") for c in cases))
        groups = tuple(Levels(g["kind"], tuple(g["levels"]), g["units"]) for g in content["groups"])
        return Plan(
            tuple(cases), headers, groups, content["repeats"], content["seed"], content["border"], content["snap"],
            sampler=content["sampler"], first_repeat=content["first_repeat"],
        )  # fmt: skip

    def equipment(self, plan: Any) -> Equipment:
        """Prepare this process at the first call; the crops of the trial come from these cases."""
        from robustkit.engine.equip import crop_maker, resolve_workers
        from robustkit.engine.equipment import Equipment
        from robustkit.engine.outfit import Wish, outfit

        if self._equipment is None:
            content = self._content
            wish = Wish("auto", self._device, content["precision"], str(content["batch_size"]), content["depth"],
                        content["allow_truncated"])  # fmt: skip
            self._ready = outfit(
                self._models, plan, wish, batch_size=content["batch_size"], fixed=content["backend"], is_begun=True
            )
            self._equipment = Equipment(
                models=self._models,
                feeders=self._ready.feeders(self._models),
                cropper=crop_maker(content["crops"], self._device).prepare(self._device),
                batch_size=content["batch_size"],
                device=self._device,
                workers=resolve_workers(content["workers"], self._device),
                depth=content["depth"],
                allow_truncated=content["allow_truncated"],
                keeps_images=content["keeps_images"],
            )
        return self._equipment

    def trials(self) -> list[dict[str, Any]]:
        """Give the trials of this process."""
        return [t.to_dict() for t in self._ready.trials] if self._ready else []

    def notes(self) -> list[str]:
        """Give what memory this process lacked."""
        return list(self._equipment.notes) if self._equipment else []

    def _read_manifest(self) -> Manifest:
        from robustkit.api._cohort import choose_cohort
        from robustkit.cohort.vocabulary import read_vocabulary
        from robustkit.config import FolderConfig

        content = self._content
        labels = frozenset(read_vocabulary().labels) | frozenset(content["labels"])
        paths = [Path(path) for path, _ in content["manifests"]]
        manifest = choose_cohort(paths, fill=content["fill"], config=FolderConfig(), labels=labels).manifest
        for source, (path, sha256) in zip(manifest.sources, content["manifests"], strict=True):
            if source.sha256 != sha256:
                what = "the manifest is another file here than where the run was started."
                raise RunError(what, where=f"{_host()}, {path}", fix="Share one folder of manifests.")
        return manifest


def _absolute(spec: str) -> str:
    """Make the path of ``PATH`` or ``NAME=PATH`` absolute; names of bundled models stay."""
    name, equals, path = spec.partition("=")
    if equals and not Path(spec).exists():
        return f"{name}={Path(path).resolve()}" if Path(path).exists() else spec
    return str(Path(spec).resolve()) if Path(spec).exists() else spec


def _host() -> str:
    import socket

    return socket.gethostname()
