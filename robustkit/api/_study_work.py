"""The work of a study, step by step: what is done already is left as it is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robustkit.api._outcome import Progress
from robustkit.errors import InputError, StoppedError
from robustkit.provenance import digest, file_digest
from robustkit.stopping import stoppable
from robustkit.study.ledger import Done, Ledger
from robustkit.study.protocol import Protocol

Say = Callable[[str], None]
Made = tuple[Sequence[Path], Mapping[str, Any]]
"""Files of a step, and what later steps need of it."""


@dataclass(frozen=True, slots=True)
class StepDone:
    """One step of the study in this call.

    Attributes:
        name: Of the step.
        seconds: It took when it was done.
        was_done: True where nothing had to be done.
    """

    name: str
    seconds: float
    was_done: bool


@dataclass(slots=True)
class Work:
    """A study at work.

    Attributes:
        protocol: What is to be done.
        ledger: What is done.
        device, workers: Of the machine.
        progress, say: Told of the work.
        n_steps: Expected, for what is told.
        steps: Done in this call.
        warnings: Of all steps.
    """

    protocol: Protocol
    ledger: Ledger
    device: str = "auto"
    workers: int = 0
    progress: Progress | None = None
    say: Say | None = None
    n_steps: int = 0
    steps: list[StepDone] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def out(self) -> Path:
        """The folder of the study."""
        return self.protocol.out

    def step(self, name: str, made_from: Mapping[str, Any], make: Callable[[], Made]) -> Done:
        """Do a step, unless it was done from the same before and its files are as it left them."""
        found = self.ledger.done(name, made_from)
        if found is not None:
            self._tell(name, "done already")
            self.steps.append(StepDone(name, found.seconds, True))
            self._warn(name, found.said)
            return found
        self._tell(name, "")
        begun = time.perf_counter()
        files, said = make()
        done = self.ledger.write(name, made_from, files, said=said, seconds=time.perf_counter() - begun)
        self.steps.append(StepDone(name, done.seconds, False))
        self._warn(name, done.said)
        self._stop_here(name)
        return done

    def run(self, name: str, models: Mapping[str, Path | str], **options: Any) -> Path:
        """Give the folder of a finished run of these models; it goes on where it was stopped.

        Args:
            name: Of the step; the folder is called so, with a digest of what it was made from.
            models: Files by name.
            options: Of ``perturb`` by name.
        """
        from robustkit.api.perturb import perturb

        hashes = {n: file_digest(Path(p)) if Path(p).is_file() else str(p) for n, p in models.items()}
        key = digest({"models": hashes, "cohort": self.cohort_key(options), "options": _plain(options)})
        folder = self.out / "runs" / f"{name}-{key[:8]}"
        self._tell(name, "")
        begun = time.perf_counter()
        result = perturb(
            model=[f"{n}={p}" for n, p in models.items()], out=folder, device=self.device, workers=self.workers,
            progress=self.progress, command=["robustkit", "study", self.protocol.file.name], **options,
        )  # fmt: skip
        seconds = result.seconds if result.was_complete else time.perf_counter() - begun
        self.steps.append(StepDone(name, seconds, result.was_complete))
        self._warn(name, {"warnings": result.warnings})
        self._stop_here(name)
        return folder

    @staticmethod
    def cohort_key(options: Mapping[str, Any]) -> list[str]:
        """Give the sha256 of the manifests among the options, with what fills them."""
        return [*(file_digest(Path(m)) for m in options.get("manifest", ())), *options.get("fill", ())]

    def _warn(self, name: str, said: Mapping[str, Any]) -> None:
        """Keep what a step must be remembered for; what an earlier one said already is not said again."""
        known = {w.partition(": ")[2] for w in self.warnings}
        self.warnings += [f"{name}: {w}" for w in said.get("warnings", ()) if w not in known]

    def _stop_here(self, name: str) -> None:
        """End after a step where Ctrl-C was pressed."""
        with stoppable() as stop:
            if stop.is_wanted():
                what = f"the study was stopped after the step {name}; all that is done is kept."
                raise StoppedError(what, where=str(self.out), fix="The same command goes on from here.")

    def _tell(self, name: str, how: str) -> None:
        if self.say:
            place = f"{len(self.steps) + 1}/{max(self.n_steps, len(self.steps) + 1)}"
            self.say(f"{place} {name}{f': {how}' if how else ''}")


def slug(name: str) -> str:
    """Give a name as part of a file name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower() or "arm"


@contextmanager
def named_in_errors(where: str) -> Iterator[None]:
    """Say in an error which part of the study it belongs to."""
    try:
        yield
    except InputError as error:
        error.where = f"{where}, {error.where}" if error.where else where
        raise


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in sorted(options.items()) if k not in ("manifest", "fill")}
