"""The noun Desk: the runs that are open, the films that visitors brought, and the one worker that asks the models."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from robustkit.dashboard.lesion.judge import Judge
from robustkit.dashboard.lesion.loans import Loans
from robustkit.dashboard.lesion.open_run import Cut, Nominal, OpenRun
from robustkit.dashboard.lesion.opened import Seen, Workbench
from robustkit.dashboard.lesion.questions import Question, answers
from robustkit.engine.run_films import RunFilms
from robustkit.errors import FilmError, InputError, UnknownNameError
from robustkit.images.radiograph import Radiograph

KEPT_BYTES = 256 * 1024 * 1024
FOUR = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Shown:
    """A film on the page.

    Attributes:
        key: ``case <run> <case_id>`` or ``held <key>``: tells the page's parts which film they speak of.
        name: For people.
        film: One grey channel.
        spacing_mm: Side of a pixel; NaN where unknown.
        box: To begin with.
        facts: What else is known, in words.
        is_simulated: True for a phantom's film.
        is_held: True for a film of the visitor's own.
    """

    key: str
    name: str
    film: Radiograph
    spacing_mm: float
    box: FOUR
    facts: str
    is_simulated: bool
    is_held: bool


class Desk:
    """What all visitors of a dashboard share.

    Args:
        runs: Run folders.
        device: Where models run.
        trust_code: Open model files that are programs.
        readers_shift: The readers' disagreement, the ``shift`` of `robustkit box-noise`, in sides of the box; None: that of
            a run's box_noise.json, else unknown.
        has_images: False: films of patients are not shown.
    """

    def __init__(
        self,
        runs: Sequence[Path],
        *,
        device: str = "cpu",
        trust_code: bool = False,
        readers_shift: float | None = None,
        has_images: bool = True,
    ) -> None:
        self.runs: dict[str, OpenRun] = {}
        for path in runs:
            key = _free(path.resolve().name or "run", self.runs)
            self.runs[key] = OpenRun.open(path, key)
        self.loans = Loans()
        self.judge = Judge(on_idle=self.loans.sweep)
        self.has_images = has_images
        self._readers_shift = readers_shift
        self._workbench = Workbench(device=device, trust_code=trust_code)
        self._films: OrderedDict[str, Radiograph] = OrderedDict()
        self._lock = threading.Lock()

    def close(self) -> None:
        """End the worker."""
        self.judge.close()

    def run(self, key: str) -> OpenRun:
        """Give a run.

        Raises:
            UnknownNameError: No such run.
        """
        if key not in self.runs:
            raise UnknownNameError(f"the run {key!r} is not open here.", fix="Choose one from the menu.")
        return self.runs[key]

    def cut(self, run: str, model: str) -> Cut:
        """Give the carried threshold of a model."""
        return self.run(run).cut(model)

    def readers_shift(self, run: str) -> float | None:
        """Give the readers' disagreement in sides of the box; None where nobody measured it."""
        return self._readers_shift if self._readers_shift is not None else self.run(run).readers_shift()

    def spacing_mm(self, film: str) -> float:
        """Give the side of a film's pixel in mm; NaN where unknown, or where the film is not held any more."""
        kind, run, name = _parts(film)
        if kind == "case":
            return self.run(run).spacing_mm(name)
        try:
            return self.loans.get(name).film.spacing_mm or float("nan")
        except FilmError:
            return float("nan")

    def is_simulated(self, film: str) -> bool:
        """Tell a phantom's film from others."""
        kind, run, _ = _parts(film)
        return kind == "case" and self.run(run).is_simulated

    def can_ask(self, film: str, *, run: str, model: str) -> bool:
        """Tell whether the run has the model, and the film is one of the run's or the visitor's own."""
        kind, of, _ = _parts(film)
        return run in self.runs and model in self.runs[run].models and (kind == "held" or of == run)

    def nominal(self, film: str, model: str) -> Nominal | None:
        """Give the run's own answer on a film of its; None on others."""
        kind, run, case_id = _parts(film)
        return self.run(run).nominal(model, case_id) if kind == "case" else None

    def shown(self, key: str) -> Shown:
        """Give a film, with what the page says of it.

        Raises:
            FilmError: It cannot be read, is another file by now, or is not held any more.
            InputError: Films are left out.
        """
        kind, run_key, name = _parts(key)
        if kind == "held":
            held = self.loans.get(name)
            film = held.film
            side = film.spacing_mm or float("nan")
            w, h = film.width, film.height
            middle = _four({"x0": 0.35 * w // 1, "y0": 0.35 * h // 1, "x1": 0.65 * w // 1, "y1": 0.65 * h // 1})
            return Shown(key, held.name, film, side, middle, "; ".join(film.notes), is_simulated=False, is_held=True)
        run = self.run(run_key)
        facts = run.facts(name)
        film = self.film(key)
        nominal = next((n for m in run.models if (n := run.nominal(m, name))), None)
        box = nominal.box if nominal else _four(facts)
        words = [str(facts[c]) for c in ("label", "subtype", "site", "view", "cohort", "centre") if c in facts]
        known = ", ".join(w for w in words if w not in ("", "nan", "None"))
        return Shown(key, name, film, run.spacing_mm(name), box, known, is_simulated=run.is_simulated, is_held=False)

    def film(self, key: str) -> Radiograph:
        """Give the pixels of a film; the last few of the runs' are kept.

        Raises:
            FilmError: It cannot be read, is another file by now, or is not held any more.
            InputError: Films are left out.
        """
        kind, run_key, name = _parts(key)
        if kind == "held":
            return self.loans.get(name).film
        if not self.has_images:
            raise InputError("films are left out (--no-images).", fix="Start the dashboard without --no-images.")
        with self._lock:
            if key in self._films:
                self._films.move_to_end(key)
                return self._films[key]
        run = self.run(run_key)
        film = RunFilms.of(run.folder).read(name)
        with self._lock:
            self._films[key] = film
            while len(self._films) > 1 and sum(f.pixels.nbytes for f in self._films.values()) > KEPT_BYTES:
                self._films.popitem(last=False)
        return film

    def ask(self, visitor: str, film: str, *, run: str, model: str, box: FOUR) -> int:
        """Ask a model of a run about a box on a film, and give the ticket.

        Args:
            visitor: Whose newest wish it is.
            film: Key.
            run: Whose model and rules are taken; a case's film is judged by its own run.
            model: Name.
            box: As drawn, px of the film.
        """
        opened = self.run(run)
        opened.entry(model)
        question = Question(run, opened.record, model, box, partial(self._seen, film))
        return self.judge.ask(visitor, partial(answers, question, self._workbench))

    def _seen(self, film: str) -> Seen:
        kind, run, name = _parts(film)
        return Seen(self.film(film), self.run(run).case(name) if kind == "case" else None)


def case_key(run: str, case_id: str) -> str:
    """Give the key of a case's film."""
    return f"case\n{run}\n{case_id}"


def held_key(key: str) -> str:
    """Give the key of a film on loan."""
    return f"held\n\n{key}"


def _parts(key: str) -> tuple[str, str, str]:
    kind, _, rest = key.partition("\n")
    run, _, name = rest.partition("\n")
    if kind not in ("case", "held"):
        raise UnknownNameError(f"there is no film {key!r}.", fix="Choose one from the menu.")
    return kind, run, name


def _four(facts: Any) -> FOUR:
    x0, y0, x1, y1 = (float(facts[c]) for c in ("x0", "y0", "x1", "y1"))
    return x0, y0, x1, y1


def _free(name: str, taken: dict[str, OpenRun]) -> str:
    names = (name, *(f"{name} ({k})" for k in range(2, 10_000)))
    return next(n for n in names if n not in taken)
