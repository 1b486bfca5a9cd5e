"""The noun Protocol: everything that one study file decides, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

PHANTOM = "phantom"
"""In place of a manifest: the simulated cohort that comes with robustkit."""

SCRATCH, IMAGENET, STAND_IN = "scratch", "imagenet", "stand-in"
"""In place of a file of weights: none, timm's own, seeded noise."""

BaselineKind = Literal["radiomics", "clinical", "combined"]
BEST = "best"
"""In place of a model's name: the one with the best AUC on the validation rows."""


@dataclass(frozen=True, slots=True)
class CohortPart:
    """Where some cases of the study come from.

    Attributes:
        manifest: File; None where it is imported, or the phantom.
        imported: ``format`` and ``source`` of ``robustkit import`` and its options by name; empty where it is a manifest.
        fill: Columns that every row gets (``cohort = "internal"``).
        origin: Where a person gets the files, for ``--check``.
    """

    manifest: Path | None = None
    imported: Mapping[str, Any] = field(default_factory=dict)
    fill: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""

    @property
    def is_phantom(self) -> bool:
        """True for the simulated cohort that comes with robustkit."""
        return self.manifest is None and not self.imported


@dataclass(frozen=True, slots=True)
class Network:
    """An arm that is trained.

    Attributes:
        name: In every table.
        arch: Architecture.
        weights: ``scratch``, ``imagenet``, ``stand-in:<n>`` (seeded noise) or the path of a file.
        seeds: Trainings that differ in their seed alone.
        options: Of ``robustkit train`` by name.
        origin: Where a person gets the weights.
    """

    name: str
    arch: str
    weights: str = SCRATCH
    seeds: int = 5
    options: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""

    @property
    def is_stand_in(self) -> bool:
        """True where the weights are noise in the place of pretrained ones."""
        return self.weights.partition(":")[0] == STAND_IN

    @property
    def file(self) -> Path | None:
        """The file of weights; None where there is none."""
        return None if self.is_stand_in or self.weights in (SCRATCH, IMAGENET) else Path(self.weights)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An arm that is judged as it is.

    Attributes:
        name: In every table.
        path: Of the model file.
        origin: Where a person gets it.
    """

    name: str
    path: Path
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """An arm without a network of its own.

    Attributes:
        name: In every table.
        kind: ``radiomics``, ``clinical`` or ``combined``.
        options: Of ``robustkit baseline <kind>`` by name.
    """

    name: str
    kind: BaselineKind
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """A published figure that stands beside ours, never as a target.

    Attributes:
        model: Name of the arm.
        cohort, metric: What it is of.
        value, low, high: As published; NaN where not given.
        source: Paper.
    """

    model: str
    cohort: str
    metric: str
    value: float
    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True)
class Readers:
    """The reader study.

    Attributes:
        readings: Files; empty where readers are simulated.
        simulate: Simulated readers (phantom only); 0: none.
        options: Of ``robustkit readers analyse`` by name.
    """

    readings: tuple[Path, ...] = ()
    simulate: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Protocol:
    """One study.

    Attributes:
        title: Of the report.
        file: It was read from.
        out: Folder of all that it makes.
        seed: Of everything drawn; trainings count up from it.
        cohorts: Where the cases come from.
        split: Options of ``robustkit split`` for cohorts without splits; None: splits are there already.
        networks, checkpoints, baselines: The arms, in order.
        perturb, stratify, drift: Options by name.
        compare: Options by name, for comparisons within strata; None: those of whole cohorts that ``stratify`` makes.
        heatmaps: Options by name; None: no heatmaps.
        readers: None: no reader study.
        published: Figures from papers.
        notes: What a reader of the report must know, one sentence each.
    """

    title: str
    file: Path
    out: Path
    seed: int
    cohorts: tuple[CohortPart, ...]
    split: Mapping[str, Any] | None
    networks: tuple[Network, ...]
    checkpoints: tuple[Checkpoint, ...]
    baselines: tuple[Baseline, ...]
    perturb: Mapping[str, Any]
    stratify: Mapping[str, Any]
    drift: Mapping[str, Any]
    compare: Mapping[str, Any] | None
    heatmaps: Mapping[str, Any] | None
    readers: Readers | None
    published: tuple[Published, ...]
    notes: tuple[str, ...]

    @property
    def is_phantom(self) -> bool:
        """True where all cases are simulated."""
        return all(c.is_phantom for c in self.cohorts)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all arms, in order."""
        arms: tuple[Network | Checkpoint | Baseline, ...] = (*self.networks, *self.checkpoints, *self.baselines)
        return tuple(a.name for a in arms)
