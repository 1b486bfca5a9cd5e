"""The cases of a study: manifests as they are, imported ones, the phantom; splits where they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.api._study_work import Made, Work
from robustkit.errors import InputError
from robustkit.provenance import file_digest

if TYPE_CHECKING:
    from pandas import DataFrame

    from robustkit.study.protocol import CohortPart


@dataclass(frozen=True, slots=True)
class StudyCohort:
    """Manifests as every command takes them.

    Attributes:
        manifests: Files.
        fill: ``INDEX:column=value``.
    """

    manifests: tuple[Path, ...]
    fill: tuple[str, ...]

    @property
    def options(self) -> dict[str, Any]:
        """Give them by the names of the commands' options."""
        return {"manifest": list(self.manifests), "fill": list(self.fill)}

    @property
    def key(self) -> list[str]:
        """Give what decides the cases: the files' sha256, and what fills them."""
        return [*(file_digest(m) for m in self.manifests), *self.fill]


def study_cohort(work: Work) -> StudyCohort:
    """Make or find every manifest.

    Raises:
        InputError: A manifest is missing, cannot be imported, or cannot be split.
    """
    manifests = [_manifest(work, i, part) for i, part in enumerate(work.protocol.cohorts)]
    if work.protocol.split is not None:
        place = _developing(work.protocol.cohorts)
        manifests[place] = _split(work, manifests[place])
    fill = [f"{i}:{k}={v}" for i, part in enumerate(work.protocol.cohorts) for k, v in part.fill.items()]
    return StudyCohort(tuple(manifests), tuple(fill))


def _manifest(work: Work, i: int, part: CohortPart) -> Path:
    if part.manifest is not None:
        return part.manifest
    if part.is_phantom:
        from robustkit.phantom.store import phantom_manifest_path

        progress = work.progress
        told = (lambda done, n: progress("films drawn", done, n)) if progress else None
        return phantom_manifest_path(progress=told)
    return _imported(work, i, part)


def _imported(work: Work, i: int, part: CohortPart) -> Path:
    from robustkit.api.import_manifest import import_manifest

    output = work.out / "manifests" / f"cohort-{i + 1}.csv"
    options = {k: v for k, v in part.imported.items() if k != "output"}

    def make() -> Made:
        output.parent.mkdir(parents=True, exist_ok=True)
        done = import_manifest(output=output, workers=work.workers, **options)
        return [output], {"n_cases": done.n_cases, "warnings": list(done.warnings)}

    work.step(f"import cohort {i + 1}", {k: str(v) for k, v in options.items()}, make)
    return output


def _developing(parts: tuple[CohortPart, ...]) -> int:
    """Give the part whose cases are dealt into splits."""
    internal = [i for i, p in enumerate(parts) if p.fill.get("cohort") == "internal"]
    if len(internal) == 1 or len(parts) == 1:
        return internal[0] if internal else 0
    what = f"which of the {len(parts)} cohorts is to be split?"
    raise InputError(what, where="split", fix='Give one of them set = { cohort = "internal" }.')


def _split(work: Work, manifest: Path) -> Path:
    from robustkit.api.split import split

    output = manifest.with_name(f"{manifest.stem}.split{manifest.suffix}")
    options = {"seed": work.protocol.seed, **(work.protocol.split or {})}

    def make() -> Made:
        done = split(manifest=manifest, output=output, new=True, **options)
        return [], {"warnings": list(done.warnings), "sha256": file_digest(output)}

    found = work.step("split", {"manifest": file_digest(manifest), **options}, make)
    if not output.is_file() or file_digest(output) != found.said["sha256"]:
        make()
    return output


def case_facts(cohort: StudyCohort) -> tuple[DataFrame, bool, bool]:
    """Give the facts of all cases, training included, whether patients are named, and whether films are simulated."""
    from robustkit.api._cohort import choose_cohort
    from robustkit.api._run import cases_table
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.config import FolderConfig
    from robustkit.engine.equip import resolve_workers
    from robustkit.engine.films import read_headers

    chosen = choose_cohort(cohort.manifests, fill=cohort.fill, config=FolderConfig(), labels=None)
    cases = sorted(chosen.manifest.cases(), key=lambda c: c.case_id)
    headers = read_headers(cases, workers=resolve_workers(0))
    frame = cases_table(chosen.manifest, cases, headers=headers, vocabulary=read_vocabulary())
    return frame, chosen.manifest.has_patients, chosen.simulated
