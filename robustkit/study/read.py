"""Reads a study file: every fault of it at once, each with its place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from robustkit.documents import parse_toml
from robustkit.errors import InputError
from robustkit.study.protocol import (
    IMAGENET,
    PHANTOM,
    SCRATCH,
    STAND_IN,
    Baseline,
    BaselineKind,
    Checkpoint,
    CohortPart,
    Network,
    Protocol,
    Published,
    Readers,
)

_TOP = {
    "title", "out", "seed", "notes", "cohorts", "split", "train", "networks", "checkpoints", "baselines", "perturb",
    "stratify", "drift", "compare", "heatmaps", "readers", "published",
}  # fmt: skip
_SEEDS = 5
_LARGEST = 2**63
_IMPORT_PATHS = {"source", "images", "groups", "masks"}


def read_protocol(file: Path, *, root: Path | None = None) -> Protocol:
    """Read a study file.

    Args:
        file: Of the study.
        root: Folder that paths in it are relative to; default its own.

    Raises:
        InputError: No such file, not TOML, or faults in it: all of them.
    """
    try:
        said = parse_toml(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fix = "Write one with `robustkit study --init template`, or run `robustkit study phantom`."
        raise InputError("there is no such study file.", where=str(file), fix=fix) from None
    except (OSError, ValueError) as error:
        raise InputError(f"this is not a TOML file ({error}).", where=str(file), fix="Correct it.") from error
    faults: list[str] = []
    protocol = _protocol(_Part("", said, faults), file, root or file.resolve().parent)
    _check_whole(protocol, faults)
    if faults:
        what = f"{len(faults)} faults:\n" + "\n".join(f"  {f}" for f in faults)
        raise InputError(what, where=str(file))
    return protocol


@dataclass(frozen=True, slots=True)
class _Part:
    """A table of the file, its place, and the list in which faults are kept."""

    where: str
    said: Mapping[str, Any]
    faults: list[str]

    def fault(self, what: str) -> None:
        self.faults.append(f"{self.where}: {what}" if self.where else what)

    def only(self, known: set[str]) -> None:
        """Name every key that means nothing here."""
        for key in sorted(set(self.said) - known):
            near = get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
            self.fault(f"unknown key {key!r}; {hint}")

    def text(self, key: str, otherwise: str) -> str:
        value = self.said.get(key, otherwise)
        if not isinstance(value, str):
            self.fault(f"{key}: expected text in quotes, got {_shown(value)}")
            return otherwise
        return value

    def needed(self, key: str) -> str:
        if key not in self.said:
            self.fault(f"{key} is missing")
        return self.text(key, "")

    def number(self, key: str, otherwise: float) -> float:
        value = self.said.get(key, otherwise)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > _LARGEST:
            self.fault(f"{key}: expected a number, got {_shown(value)}")
            return otherwise
        return float(value)

    def whole(self, key: str, otherwise: int, *, least: int = 0) -> int:
        value = self.said.get(key, otherwise)
        if isinstance(value, bool) or not isinstance(value, int):
            self.fault(f"{key}: expected a whole number, got {_shown(value)}")
            return otherwise
        if not least <= value < _LARGEST:
            self.fault(f"{key}: expected {least} or more, got {_shown(value)}")
            return otherwise
        return value

    def texts(self, key: str) -> list[str]:
        """Give a list of texts; one text alone is a list of one."""
        value = self.said.get(key, [])
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not all(isinstance(v, str) for v in found):
            self.fault(f"{key}: expected a list of texts in quotes, got {_shown(value)}")
            return []
        return found

    def table(self, key: str) -> Mapping[str, Any] | None:
        value = self.said.get(key)
        if value is None or isinstance(value, dict):
            return value
        self.fault(f"{key}: expected a table [{key}], got {_shown(value)}")
        return None

    def parts(self, key: str) -> list[_Part]:
        """Give the tables of ``[[key]]``, numbered from 1."""
        value = self.said.get(key, [])
        if not (isinstance(value, list) and all(isinstance(v, dict) for v in value)):
            self.fault(f"{key}: expected [[{key}]] tables")
            return []
        return [_Part(f"{key}[{i}]", v, self.faults) for i, v in enumerate(value, start=1)]

    def rest(self, *own: str) -> dict[str, Any]:
        """Give all keys but these."""
        return {k: v for k, v in self.said.items() if k not in own}


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _protocol(top: _Part, file: Path, root: Path) -> Protocol:
    top.only(_TOP)
    defaults = top.table("train") or {}
    readers = top.table("readers")
    return Protocol(
        title=top.text("title", file.stem),
        file=file,
        out=root / top.text("out", file.stem),
        seed=top.whole("seed", 0),
        cohorts=tuple(_cohort(p, root) for p in top.parts("cohorts")),
        split=top.table("split"),
        networks=tuple(_network(p, defaults, root) for p in top.parts("networks")),
        checkpoints=tuple(_checkpoint(p, root) for p in top.parts("checkpoints")),
        baselines=tuple(_baseline(p) for p in top.parts("baselines")),
        perturb=top.table("perturb") or {},
        stratify=top.table("stratify") or {},
        drift=top.table("drift") or {},
        compare=top.table("compare"),
        heatmaps=top.table("heatmaps"),
        readers=None if readers is None else _readers(_Part("readers", readers, top.faults), root),
        published=tuple(_published(p) for p in top.parts("published")),
        notes=tuple(top.texts("notes")),
    )


def _cohort(part: _Part, root: Path) -> CohortPart:
    part.only({"manifest", "import", "set", "from"})
    manifest, imported = part.said.get("manifest"), part.said.get("import")
    if (manifest is None) == (imported is None):
        part.fault(f'expected manifest = "cases.csv" (or "{PHANTOM}"), or import = {{ format, source }}')
    if imported is not None and not (isinstance(imported, dict) and {"format", "source"} <= set(imported)):
        part.fault('import: expected { format = "btxrd", source = "FOLDER", ... }')
        imported = {}
    path = None if manifest in (None, PHANTOM) else root / str(manifest)
    options = {k: root / str(v) if k in _IMPORT_PATHS else v for k, v in dict(imported or {}).items()}
    fill = {str(k): str(v) for k, v in (part.table("set") or {}).items()}
    return CohortPart(path, options, fill, part.text("from", ""))


def _network(part: _Part, defaults: Mapping[str, Any], root: Path) -> Network:
    whole = _Part(part.where, {**defaults, **part.said}, part.faults)
    weights = part.text("weights", SCRATCH)
    kind, colon, number = weights.partition(":")
    if kind == STAND_IN and not (colon and number.isascii() and number.isdigit()):
        part.fault(f'weights: expected "{STAND_IN}:1" (a number for each file of noise), got {_shown(weights)}')
    elif kind != STAND_IN and weights not in (SCRATCH, IMAGENET):
        weights = str(root / weights)
    options = whole.rest("name", "arch", "weights", "seeds", "from")
    seeds = whole.whole("seeds", _SEEDS, least=1)
    return Network(part.needed("name"), part.needed("arch"), weights, seeds, options, part.text("from", ""))


def _checkpoint(part: _Part, root: Path) -> Checkpoint:
    part.only({"name", "path", "from"})
    return Checkpoint(part.needed("name"), root / part.needed("path"), part.text("from", ""))


def _baseline(part: _Part) -> Baseline:
    kind = part.needed("kind")
    if kind and kind not in get_args(BaselineKind):
        part.fault(f"kind: expected {', '.join(get_args(BaselineKind))}, got {_shown(kind)}")
    return Baseline(part.needed("name"), kind, part.rest("name", "kind"))  # type: ignore[arg-type]  # a fault elsewhere


def _readers(part: _Part, root: Path) -> Readers:
    files, simulate = part.texts("readings"), part.whole("simulate", 0)
    if bool(files) == bool(simulate):
        part.fault('expected readings = ["readings.csv"], or simulate = 2 (phantom only)')
    options = part.rest("readings", "simulate")
    if "study" in options:
        options["study"] = root / str(options["study"])
    return Readers(tuple(root / f for f in files), simulate, options)


def _published(part: _Part) -> Published:
    part.only({"model", "cohort", "metric", "value", "low", "high", "source"})
    value, low, high = (part.number(k, math.nan) for k in ("value", "low", "high"))
    names = part.needed("model"), part.needed("cohort"), part.text("metric", "auc")
    return Published(*names, value, low, high, part.needed("source"))


def _check_whole(made: Protocol, faults: list[str]) -> None:
    """Name what is wrong between the parts."""
    if not made.cohorts:
        faults.append(f'cohorts: expected at least one [[cohorts]] with a manifest (or manifest = "{PHANTOM}")')
    if not made.names:
        faults.append("networks: expected at least one [[networks]], [[checkpoints]] or [[baselines]]")
    faults += [f"names: two arms are called {n!r}" for n in sorted({n for n in made.names if made.names.count(n) > 1})]
    known = ", ".join(made.names)
    faults += [
        f"published: no arm is called {p.model!r}; there are {known}"
        for p in made.published
        if p.model not in made.names
    ]
    if made.readers and made.readers.simulate and not made.is_phantom:
        faults.append("readers: simulate is for the phantom alone: of real films readers are never made up")
