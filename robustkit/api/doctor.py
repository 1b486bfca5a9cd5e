"""doctor: what this machine and installation can do, and what a folder would give away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from robustkit.findings import Finding

if TYPE_CHECKING:
    from robustkit.checkup._base import Place

_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Everything that was looked at.

    Attributes:
        subject: ``this machine``, or the folder that was searched.
        is_well: True where nothing is broken, or found.
        findings: In the order in which they were made.
        remarks: What was not looked for, one sentence each.
    """

    subject: str
    is_well: bool
    findings: tuple[Finding, ...]
    remarks: tuple[str, ...] = ()


def doctor(*, privacy: Path | None = None, quick: bool = False, say: Callable[[str], None] | None = None) -> Diagnosis:
    """Look at packages, devices, backends, decoders and folders, and judge a small run; or search a folder.

    Args:
        privacy: Search this folder for what should not be shared, instead.
        quick: Without the self-test, without importing every package, without backends that no command takes unasked.
        say: Told of each check before it is made.

    Raises:
        InputError: No such folder, or a robustkit.toml that cannot be read.
    """
    told = say or (lambda _: None)
    if privacy is not None:
        return _searched(privacy)
    findings = tuple(_looked(quick=quick, told=told))
    return Diagnosis("this machine", not any(f.is_bad for f in findings), findings)


def _searched(folder: Path) -> Diagnosis:
    from robustkit.privacy._folder import open_folder, scan

    findings = scan(open_folder(folder))
    remarks = (
        "Text burnt into films is not looked for: nothing reads pixels here. Look at every film that you share.",
        "Names in free text are not looked for, and file names and case_ids are taken as they are: read them.",
    )
    return Diagnosis(str(folder), not any(f.is_bad for f in findings), findings, remarks)


def _looked(*, quick: bool, told: Callable[[str], None]) -> Iterator[Finding]:
    from tempfile import TemporaryDirectory

    from robustkit.checkup._base import Place, every_check, looked
    from robustkit.config import read_config

    work = Path.cwd()
    runs = read_config(work).runs
    with TemporaryDirectory(prefix="robustkit-doctor-") as scratch:
        place = Place(work, runs, Path(scratch), is_quick=quick)
        checks, faults = every_check()
        for check in checks:
            told(check.name)
            yield from looked(check.name, partial(check.look, place))
        yield from faults
        if not quick:
            told("self-test")
            yield from looked("self-test", partial(_self_test, place))


def _self_test(place: Place) -> Iterator[Finding]:
    """Make a small run as a user makes one, and compare its numbers with the same by other ways."""
    from robustkit.api.perturb import perturb
    from robustkit.api.stratify import stratify
    from robustkit.checkup._self_test import LEVEL, NETWORK, ORACLE, REPEATS, compared, write_world

    folder = place.scratch / "self-test"
    folder.mkdir()
    world = write_world(folder)
    run = folder / "run"
    perturb(
        model=[f"{NETWORK}={world.network}", ORACLE], manifest=[world.manifest], shifts=[str(LEVEL)], repeats=REPEATS,
        snap="whole", device="cpu", backend="eager", out=run, no_images=True, command=["robustkit", "doctor"],
    )  # fmt: skip
    stratify(run=run, by=["region"], threshold=0.5, draws=_DRAWS)
    yield from compared(run, world)
