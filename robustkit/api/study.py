"""study: a whole study from one file: arms trained and judged, every table and figure, one report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.api._outcome import Progress
from robustkit.api._study_work import StepDone, Work, named_in_errors
from robustkit.errors import InputError
from robustkit.lock import lock_folder
from robustkit.stopping import stoppable

if TYPE_CHECKING:
    from robustkit.api._study_cohort import StudyCohort
    from robustkit.api._study_models import Arm, Chosen
    from robustkit.api._study_work import Made
    from robustkit.study.needed import NeededFile
    from robustkit.study.protocol import Protocol

READY = ("phantom", "btxrd-own-internal", "btxrd-only")
"""Studies that come with robustkit."""


@dataclass(frozen=True, slots=True)
class StudyResult:
    """A study.

    Attributes:
        title: Of the study.
        out: Its folder.
        run: Of all arms; None where it was only checked.
        report: The page; None where it was only checked.
        tables, figures: Folders.
        reference: The arm that others are tested against, chosen on validation rows.
        steps: Of this call, in order.
        needed: Files that the study file names.
        fetched: Arms whose weights are fetched at the first run.
        written: The study file that ``init`` wrote.
        warnings: One sentence each.
    """

    title: str
    out: Path
    run: Path | None = None
    report: Path | None = None
    tables: Path | None = None
    figures: Path | None = None
    reference: str = ""
    steps: tuple[StepDone, ...] = ()
    needed: tuple[NeededFile, ...] = ()
    fetched: tuple[str, ...] = ()
    written: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[NeededFile, ...]:
        """Files that were not found."""
        return tuple(f for f in self.needed if not f.is_there)


def study(
    *,
    file: Path = Path("study.toml"),
    check: bool = False,
    init: str | None = None,
    out: Path | None = None,
    device: str = "auto",
    workers: int = 0,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> StudyResult:
    """Run a study: train and fit every arm, choose on validation rows, judge, and write tables, figures and report.

    The same command goes on where it was stopped, and does again only what its file or its inputs changed.

    Args:
        file: Study file, or the name of a ready study: ``phantom``, ``btxrd-own-internal``, ``btxrd-only``.
        check: Read the study file, name every missing file and where it comes from, and stop.
        init: Write a study file to begin with: ``template``, or a ready study.
        out: Folder of all that is made; default what the study file says.
        device: auto, cpu, cuda[:n].
        workers: Threads; 0: one per core.
        progress: Told of the work within a step.
        say: Told each step in one line.

    Raises:
        StoppedError: Ctrl-C, after the epoch, part or step in hand (exit 130); a second one stops at once.
        RobustkitError: A fault in the study file, a file that is missing, or a step that cannot be done; what was
            finished is kept.
    """
    from robustkit.api._study_options import option_faults
    from robustkit.study.needed import from_the_network, needed_files

    if init is not None:
        return StudyResult("", Path(), written=_write(init, file))
    protocol = open_protocol(file)
    if out is not None:
        protocol = replace(protocol, out=out)
    if faults := option_faults(protocol):
        what = f"{len(faults)} faults:\n" + "\n".join(f"  {f}" for f in faults)
        raise InputError(what, where=str(file))
    found = StudyResult(protocol.title, protocol.out, needed=needed_files(protocol), fetched=from_the_network(protocol))
    if check:
        return found
    if found.missing:
        lines = "\n".join(f"  {f.what}: {f.path}{f'; from {f.origin}' if f.origin else ''}" for f in found.missing)
        what = f"{len(found.missing)} files are missing:\n{lines}\n"
        raise InputError(what, where=str(file), fix="Put them there, or correct the study file.")
    with lock_folder(protocol.out, doing="robustkit study"), stoppable():
        return _run(protocol, found, device=device, workers=workers, progress=progress, say=say)


def open_protocol(file: Path) -> Protocol:
    """Read a study file, or the ready study of that name."""
    from importlib.resources import as_file, files

    from robustkit.study.read import read_protocol

    if not file.exists() and str(file) in READY:
        with as_file(files("robustkit.study").joinpath("assets", f"{file}.toml")) as ready:
            return read_protocol(ready, root=Path.cwd())
    return read_protocol(file)


def _write(init: str, file: Path) -> Path:
    from importlib.resources import files

    from robustkit.atomic import write_text

    if init not in ("template", *READY):
        what = f"there is no study called {init!r} to begin with."
        raise InputError(what, where="--init", fix=f"Choose among template, {', '.join(READY)}.")
    if file.exists():
        raise InputError("there is a file already.", where=str(file), fix="Name another one.")
    write_text(file, files("robustkit.study").joinpath("assets", f"{init}.toml").read_text(encoding="utf-8"))
    return file


def _run(
    protocol: Protocol,
    found: StudyResult,
    *,
    device: str,
    workers: int,
    progress: Progress | None,
    say: Callable[[str], None] | None,
) -> StudyResult:
    from robustkit.api._study_baselines import fit_baselines
    from robustkit.api._study_cohort import study_cohort
    from robustkit.api._study_models import Arm, choose, train_networks
    from robustkit.provenance import git_commit, package_versions
    from robustkit.study.ledger import Ledger

    about = {"title": protocol.title, "packages": package_versions(), "git_commit": git_commit()}
    work = Work(
        protocol, Ledger(protocol.out, about), device=device, workers=workers, progress=progress, say=say,
        n_steps=_expected_steps(protocol),
    )  # fmt: skip
    cohort = study_cohort(work)
    arms, training = train_networks(work, cohort)
    arms += [Arm(c.name, "checkpoint", "", {c.name: c.path}) for c in protocol.checkpoints]
    arms += fit_baselines(work, cohort, ("radiomics", "clinical"), {})
    chosen = choose(work, cohort, arms)
    chosen.training.extend({**row, "is_chosen": row["training"] in chosen.seed.values()} for row in training)
    image = {**chosen.model, "best": chosen.model[chosen.reference]}
    arms = _in_order(protocol, arms + fit_baselines(work, cohort, ("combined",), image))
    return _judge(work, cohort, arms, chosen=chosen, found=found)


def _in_order(protocol: Protocol, arms: Sequence[Arm]) -> list[Arm]:
    place = {name: i for i, name in enumerate(protocol.names)}
    return sorted(arms, key=lambda a: place[a.name])


def _expected_steps(protocol: Protocol) -> int:
    imports = sum(bool(c.imported) for c in protocol.cohorts) + (protocol.split is not None)
    stand_ins = len({(n.weights, n.arch) for n in protocol.networks if n.is_stand_in})
    trainings = sum(n.seeds for n in protocol.networks) + stand_ins
    more = (
        (protocol.heatmaps is not None)
        + (protocol.readers is not None)
        + (protocol.compare is not None)
        + any(n.seeds > 1 for n in protocol.networks)
    )
    return imports + trainings + len(protocol.baselines) + more + 6


def _judge(work: Work, cohort: StudyCohort, arms: Sequence[Arm], *, chosen: Chosen, found: StudyResult) -> StudyResult:
    models = {a.name: chosen.model.get(a.name) or next(iter(a.seeds.values())) for a in arms}
    trainings = {n: p for a in arms if a.kind == "network" for n, p in a.seeds.items()}
    seeds = None
    if any(len(a.seeds) > 1 for a in arms):
        seeds = work.run("seeds", trainings, no_images=True, **cohort.options)
    run = work.run("main", models, **cohort.options, **{"seed": work.protocol.seed, **work.protocol.perturb})
    for name, made_from, analyse in _analyses(work, run):
        with named_in_errors(name):
            work.step(name, {"run": run.name, **made_from}, analyse)
    places: dict[str, Any] = _report(work, cohort, arms, chosen=chosen, run=run, seeds=seeds)
    warnings = [*work.warnings, *([chosen.reason] if chosen.reason else [])]
    return replace(
        found, run=run, **places, reference=chosen.reference, steps=tuple(work.steps),
        warnings=tuple(dict.fromkeys(warnings)),
    )  # fmt: skip


def _report(
    work: Work, cohort: StudyCohort, arms: Sequence[Arm], *, chosen: Chosen, run: Path, seeds: Path | None
) -> dict[str, Path]:
    """Write what only a study has, the page, and copies of all tables and figures; give where they lie."""
    from robustkit.api._study_tables import FIGURES, TABLES, about, collect, study_tables
    from robustkit.api.report import report

    places = {"report": work.out / "report.html", "tables": work.out / TABLES, "figures": work.out / FIGURES}
    steps = {n: d.key for n, d in work.ledger.steps.items() if n != "report"}
    made_from = {
        "run": run.name, "seeds": seeds.name if seeds else "", "reference": chosen.reference, "steps": steps,
        "about": about(work.protocol),
    }  # fmt: skip

    def make() -> Made:
        study_tables(work, cohort, run=run, seeds=seeds, arms=arms, chosen=chosen)
        page = report(runs=[run], output=places["report"])
        return [page.path, *collect(work, run)], {}

    work.step("report", made_from, make)
    return places


def _analyses(work: Work, run: Path) -> list[tuple[str, dict[str, Any], Callable[[], Made]]]:
    """Give the steps that read the run: name, what decides them, and the work."""
    from robustkit.api import _study_analyses as analyses

    protocol = work.protocol
    found: list[tuple[str, dict[str, Any], Callable[[], Made]]] = [
        ("stratify", dict(protocol.stratify), lambda: analyses.stratified(work, run)),
        ("drift", dict(protocol.drift), lambda: analyses.drifted(work, run)),
    ]
    if protocol.compare is not None:
        found.append(("compare", dict(protocol.compare), lambda: analyses.compared(work, run)))
    if protocol.heatmaps is not None:
        found.append(("heatmaps", dict(protocol.heatmaps), lambda: analyses.looked(work, run)))
    if protocol.readers is not None:
        found.append(("readers", analyses.readers_key(protocol.readers), lambda: analyses.read(work, run)))
    return found
