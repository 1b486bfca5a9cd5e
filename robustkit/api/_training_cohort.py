"""What a training learns from: cases, the class of each, and which classes are positive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from robustkit.api._cohort import Progress as Told
from robustkit.api._cohort import choose_cohort, name_classes
from robustkit.cohort.case import Case
from robustkit.cohort.manifest import Manifest
from robustkit.cohort.vocabulary import Vocabulary, read_vocabulary
from robustkit.config import FolderConfig
from robustkit.errors import InputError
from robustkit.inputs import InputSpec
from robustkit.training.goal import Goal
from robustkit.training.leaks import LEARNT, equal_films
from robustkit.training.windows import Window, load_windows

FEWEST = 2
"""Cases of a class that one can learn from."""


@dataclass(frozen=True, slots=True)
class Labelling:
    """How the truth of a row becomes a class.

    Attributes:
        positive: Labels, or classes, that count as positive; empty: the vocabulary's non-benign ones.
        is_multiclass: One class for each value of ``column``, else two.
        column: Whose values are the classes.
    """

    positive: tuple[str, ...] = ()
    is_multiclass: bool = False
    column: str = "label"


def labelling_of(positive: str | None, *, multiclass: bool, column: str) -> Labelling:
    """Read the flags.

    Args:
        positive: Names with commas.
        multiclass, column: See ``Labelling``.

    Raises:
        InputError: A column for two classes, which are those of the label.
    """
    if column != "label" and not multiclass:
        what = f"classes of the column {column!r} are asked for, but only two classes."
        raise InputError(what, where="--classes-from", fix="Say --multiclass too.")
    named = tuple(p.strip() for p in positive.split(",") if p.strip()) if positive else ()
    return Labelling(named, multiclass, column)


@dataclass(frozen=True, slots=True)
class LearningCases:
    """Cases and their classes.

    Attributes:
        cases: Of all splits.
        targets: Place of each case's class; -1 where it has none, outside of train and val.
        goal: The classes.
        manifest: They came from.
        is_simulated: True where all films are the phantom's.
        warnings: One sentence each.
    """

    cases: tuple[Case, ...]
    targets: tuple[int, ...]
    goal: Goal
    manifest: Manifest
    is_simulated: bool
    warnings: tuple[str, ...] = ()

    def of(self, split: str) -> tuple[list[Case], list[int]]:
        """Give cases and targets of one split."""
        own = [(c, t) for c, t in zip(self.cases, self.targets, strict=True) if c.split == split]
        return [c for c, _ in own], [t for _, t in own]


def learning_cases(
    manifest: Sequence[Path], *, fill: Sequence[str], labelling: Labelling, config: FolderConfig, told: Told | None
) -> LearningCases:
    """Read the manifests and give every case its class.

    Raises:
        InputError: A label, class or column that is not there, or too few cases of a class.
    """
    vocabulary = read_vocabulary()
    labels = None if labelling.positive else vocabulary.labels
    chosen = choose_cohort(manifest, fill=fill, config=config, labels=labels, progress=told)
    cases = tuple(chosen.manifest.cases())
    make = _of_several if labelling.is_multiclass else _of_two
    targets, goal, warnings = make(cases, labelling, vocabulary)
    found = LearningCases(cases, targets, goal, chosen.manifest, chosen.simulated, warnings)
    for split in LEARNT:
        check_split(found.of(split)[1], goal, split=split)
    return found


def check_split(targets: Sequence[int], goal: Goal, *, split: str, failures: Sequence[str] = ()) -> None:
    """Refuse a split with fewer than two positive or negative cases, and a training split that lacks a class.

    Raises:
        InputError: It counts them.
    """
    lost = f" ({len(failures)} films could not be read; {failures[0]})" if failures else ""
    fix = "Fill the column split with train, val and test, by patient: `robustkit split` does."
    fix = "Run `robustkit validate`." if failures else fix
    n = int(goal.are_positive(np.array(targets, dtype=np.intp)).sum())
    if min(n, len(targets) - n) < FEWEST:
        what = f"expected at least two cases of either class with split={split}, got {n} positive of {len(targets)}"
        raise InputError(f"{what}{lost}.", where="--manifest", fix=fix)
    counts = Counter(targets)
    few = [name for i, name in enumerate(goal.classes) if counts[i] < FEWEST]
    if split == "train" and few:
        said = (
            f"expected at least two cases of each class with split=train, got {counts[goal.classes.index(few[0])]} of"
        )
        raise InputError(
            f"{said} {few[0]!r}{lost}.", where="--manifest", fix="Give rare classes one name, or more cases."
        )


def _of_two(
    cases: Sequence[Case], labelling: Labelling, vocabulary: Vocabulary
) -> tuple[tuple[int, ...], Goal, tuple[str, ...]]:
    """Give one logit: that of all positive labels."""
    named = labelling.positive
    found = sorted({c.label for c in cases})
    if strange := [p for p in named if p not in found]:
        what = f"no row has the label {strange[0]!r}; found: {', '.join(found)}."
        raise InputError(what, where="--positive", fix="Choose among these.")
    flags = tuple(c.label in named if named else bool(vocabulary.is_positive(c.label)) for c in cases)
    fix = "Give them one label in the manifest, or train with --multiclass."
    names = name_classes(dict(zip((c.label for c in cases), flags, strict=True)), vocabulary, fix=fix)
    goal = Goal("sigmoid-logit", names, names[1:])
    return tuple(int(f) for f in flags), goal, ()


def _of_several(
    cases: Sequence[Case], labelling: Labelling, vocabulary: Vocabulary
) -> tuple[tuple[int, ...], Goal, tuple[str, ...]]:
    """Give one logit for each value of a column, those of negative classes first."""
    values = _values(cases, labelling.column)
    names = sorted({v for c, v in zip(cases, values, strict=True) if c.split in LEARNT})
    sides = _sides(names, labelling, vocabulary)
    classes = tuple(sorted(names, key=lambda n: (sides[n], n)))
    goal = Goal("softmax-logits", classes, tuple(n for n in classes if sides[n]))
    place = {name: i for i, name in enumerate(classes)}
    against = [
        (c.case_id, v, c.label)
        for c, v in zip(cases, values, strict=True)
        if v in sides and c.split in LEARNT and vocabulary.is_positive(c.label) not in (None, sides[v])
    ]
    warnings = tuple(
        f"{len(against)} cases are of a class on the other side than their label (case {case_id}: {value}, {label}); whoever "
        "judges the checkpoint goes by the label: name the positive classes with --positive"
        for case_id, value, label in against[:1]
    )
    return tuple(place.get(v, -1) for v in values), goal, warnings


def _values(cases: Sequence[Case], column: str) -> list[str]:
    values = [c.label if column == "label" else c.facts.get(column, "").strip() for c in cases]
    lacking = [c for c, v in zip(cases, values, strict=True) if not v and c.split in LEARNT]
    if lacking:
        known = ", ".join(sorted({k for c in cases for k, v in c.facts.items() if v}))
        what = f"{len(lacking)} rows with split=train or val have no {column} (case {lacking[0].case_id})."
        raise InputError(what, where="--classes-from", fix=f"Fill the column, or name another one: label, {known}.")
    return values


def _sides(names: Sequence[str], labelling: Labelling, vocabulary: Vocabulary) -> Mapping[str, bool]:
    """Tell of every class whether it is positive."""
    named, shown = labelling.positive, ", ".join(names)
    if strange := [p for p in named if p not in names]:
        what = f"no row with split=train or val is of the class {strange[0]!r}; found: {shown}."
        raise InputError(what, where="--positive", fix="Choose among these.")
    sides = {n: n in named if named else vocabulary.is_positive(n) for n in names}
    if unknown := [n for n, side in sides.items() if side is None]:
        what = f"nothing says whether the class {unknown[0]!r} is positive; the classes are {shown}."
        raise InputError(what, where="--multiclass", fix="Name the positive ones with --positive.")
    if len({bool(s) for s in sides.values()}) < 2:
        what = f"the classes {shown} are all on one side: there is nothing to tell apart."
        raise InputError(what, where="--multiclass", fix="Name the positive ones with --positive.")
    return {n: bool(s) for n, s in sides.items()}


@dataclass(frozen=True, slots=True)
class SplitWindows:
    """Windows by split, why cases are missing among them, and what is doubtful, one sentence each."""

    windows: Mapping[str, tuple[Window, ...]]
    failures: tuple[str, ...]
    warnings: tuple[str, ...]


def load_splits(found: LearningCases, *, spec: InputSpec, jitter: float, workers: int) -> SplitWindows:
    """Read the films of train and val.

    Raises:
        InputError: Too few are left, or films are judged elsewhere too.
    """
    windows: dict[str, tuple[Window, ...]] = {}
    failures: list[str] = []
    for split in LEARNT:
        cases, targets = found.of(split)
        loaded = load_windows(cases, targets=targets, spec=spec, jitter=jitter, workers=workers)
        if loaded.failures:
            check_split([w.target for w in loaded.windows], found.goal, split=split, failures=loaded.failures)
        windows[split] = loaded.windows
        failures += loaded.failures
    return SplitWindows(windows, tuple(failures), equal_films(windows, found.cases))
