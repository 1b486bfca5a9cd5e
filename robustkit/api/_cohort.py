"""From the flags of a command to one manifest: the files given, else robustkit.toml, else the phantom."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from robustkit.config import FolderConfig
from robustkit.errors import InputError

if TYPE_CHECKING:
    from robustkit.cohort.manifest import Manifest
    from robustkit.cohort.vocabulary import Vocabulary

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ChosenCohort:
    """The manifest of a run; ``simulated`` where every file of it is the phantom's, told by content."""

    manifest: Manifest
    simulated: bool


def choose_cohort(
    paths: Sequence[Path],
    *,
    fill: Sequence[str],
    config: FolderConfig,
    labels: frozenset[str] | None,
    progress: Progress | None = None,
) -> ChosenCohort:
    """Read and join the manifests.

    Args:
        paths: As given; empty where the user named none.
        fill: ``INDEX:column=value`` or ``column=value`` (of the last manifest).
        config: Of the working folder.
        labels: Labels that a row may have; None: any.
        progress: Told while the phantom's films are drawn at first use.
    """
    from robustkit.cohort.manifest import join_manifests, read_manifest

    chosen = tuple(paths) or config.manifest
    if not chosen:
        from robustkit.phantom.store import phantom_manifest_path

        chosen = (phantom_manifest_path(progress=progress),)
    fills = _fills(fill, len(chosen))
    parts = [read_manifest(p, labels=labels, fills=fills[i]) for i, p in enumerate(chosen)]
    bundled = hashlib.sha256(files("robustkit.data_manifests").joinpath("phantom.csv").read_bytes()).hexdigest()
    simulated = all(source.sha256 == bundled for part in parts for source in part.sources)
    return ChosenCohort(join_manifests(parts) if len(parts) > 1 else parts[0], simulated)


def name_classes(sides: Mapping[str, bool], vocabulary: Vocabulary, *, fix: str) -> tuple[str, str]:
    """Name the two classes that labels make: by their one label, else ``benign`` and ``non-benign``.

    Args:
        sides: Of every label, whether it is positive.
        vocabulary: Of labels.
        fix: What to do where the names would not say the truth.

    Raises:
        InputError: Several labels would be one class, and the vocabulary has one of them on the other side.
    """
    names = []
    for side, name in ((False, "benign"), (True, "non-benign")):
        own = sorted(x for x, s in sides.items() if s is side)
        # several labels share a class: whoever judges the model finds their side in the vocabulary
        lost = [x for x in own if vocabulary.is_positive(x) is not side] if len(own) > 1 else []
        if lost:
            what = f"the labels {', '.join(own)} would be one class, but the vocabulary does not say so of {lost[0]!r}."
            raise InputError(what, where="--positive", fix=fix)
        names.append(own[0] if len(own) == 1 else name)
    return names[0], names[1]


def _fills(texts: Sequence[str], n: int) -> list[dict[str, str]]:
    fills: list[dict[str, str]] = [{} for _ in range(n)]
    for text in texts:
        place, mark, rest = text.partition(":")
        index = int(place) if mark and place.isdigit() else n - 1
        column, equals, value = (rest if mark and place.isdigit() else text).partition("=")
        if not equals or not column or index >= n:
            what = f"expected COLUMN=VALUE after a --manifest, got {text!r}."
            raise InputError(what, where="--set", fix="Write for example --manifest a.csv --set cohort=internal.")
        fills[index][column] = value
    return fills
