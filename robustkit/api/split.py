"""split: which cases train, which choose, which judge; written into the manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from robustkit.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame, Series


@dataclass(frozen=True, slots=True)
class SplitPart:
    """One row of the outcome.

    Attributes:
        split: ``train``, ``val``, ``test``.
        label: Of the cases; ``all`` for all of them.
        n_cases, n_patients: In it.
        share: Of the cases of this label that were split.
    """

    split: str
    label: str
    n_cases: int
    n_patients: int
    share: float


@dataclass(frozen=True, slots=True)
class SplitResult:
    """A split manifest.

    Attributes:
        path: Of the manifest.
        parts: By split and label.
        cohort: That was split; "" where rows name none.
        n_groups: Groups of cases that were kept together.
        n_left: Cases of other cohorts, which stay without split.
        warnings: One sentence each.
    """

    path: Path
    parts: tuple[SplitPart, ...]
    cohort: str
    n_groups: int
    n_left: int
    warnings: tuple[str, ...]


def split(
    *,
    manifest: Path,
    shares: str = "60/20/20",
    by: Sequence[str] = (),
    group: str = "patient_id",
    cohort: str | None = None,
    seed: int = 0,
    new: bool = False,
    output: Path | None = None,
) -> SplitResult:
    """Deal the cases of one cohort into train, val and test, patients and films whole, and write the column ``split``.

    Args:
        manifest: CSV or Parquet; every other column stays as it is.
        shares: Percent of the cases for train, val and test.
        by: Columns whose values are dealt in proportion; default the label.
        group: Column whose values are never divided; films are never divided either.
        cohort: That is split; default ``internal``, or the only one. Other cohorts stay without a split: they are judged whole.
        seed: Of the order.
        new: Deal anew where there are splits already.
        output: Default the manifest itself.

    Raises:
        InputError: A flag out of its range, no such column or cohort, or splits that are there.
        ManifestError: Bad rows.
    """
    import pandas as pd

    from robustkit.atomic import replacing
    from robustkit.cohort.manifest import read_manifest, read_table
    from robustkit.cohort.splits import SPLITS, draw_splits, groups_of

    path = output or manifest
    if path.parent.resolve() != manifest.parent.resolve():
        what = "films are looked for beside the manifest; there they would not be found."
        raise InputError(what, where=str(path), fix="Give --output a name in the folder of the manifest.")
    wanted = dict(zip(SPLITS, _shares(shares), strict=True))
    frame, raw = read_manifest(manifest).frame, read_table(manifest)
    keep = _chosen(frame, cohort)
    _check(frame, [*by, group], has_split=bool(frame.loc[keep, "split"].ne("").any()), new=new)
    own = frame[keep]
    # a case without a name of its group is one by itself
    named = own[group].astype(str).where(own[group].astype(str) != "", own["image_path"])
    groups = groups_of([named, own["image_path"].astype(str)])
    strata = own[[*(by or ("label",))]].astype(str).agg(" * ".join, axis=1)
    dealt = pd.Series(draw_splits(groups, strata, wanted, seed=seed), index=own.index)
    column = pd.Series("", index=frame.index).where(~keep, dealt.reindex(frame.index).fillna(""))
    with replacing(path) as temporary:
        told = raw.assign(split=column.to_numpy())
        if path.suffix.lower() in {".parquet", ".pq"}:
            told.to_parquet(temporary, index=False)
        else:
            told.to_csv(temporary, index=False, lineterminator="\n")
    parts = tuple(_parts(own.assign(split=dealt)))
    name = str(own["cohort"].iloc[0])
    n_left = int((~keep).sum())
    said = tuple(_warnings(own, parts, wanted, group=group))
    return SplitResult(path, parts, name, int(groups.max()) + 1, n_left, said)


def _shares(text: str) -> list[float]:
    try:
        found = [float(p) for p in text.split("/")]
    except ValueError:
        found = []
    if len(found) != 3 or not all(p >= 0 for p in found) or abs(sum(found) - 100) > 1e-6 or found[0] == 0:
        what = f"expected percent of train, val and test that add up to 100, got {text!r}."
        raise InputError(what, where="--shares", fix="Write for example 60/20/20.")
    return [p / 100 for p in found]


def _chosen(frame: DataFrame, cohort: str | None) -> Series[bool]:
    """Tell which rows are split."""
    names = sorted(set(frame["cohort"]))
    wanted = cohort if cohort is not None else "internal" if "internal" in names else names[0]
    if wanted not in names or (cohort is None and len(names) > 1 and wanted != "internal"):
        what = f"no cohort is called {wanted!r}; there are {', '.join(n or '(none)' for n in names)}."
        if cohort is None:
            what = f"which cohort is to be split? There are {', '.join(n or '(none)' for n in names)}."
        raise InputError(what, where="--cohort", fix="Name the one on which models are developed.")
    return frame["cohort"] == wanted


def _check(frame: DataFrame, columns: Sequence[str], *, has_split: bool, new: bool) -> None:
    lacking = [c for c in columns if c not in frame]
    if lacking:
        what = f"no case has the fact {lacking[0]!r}; there are {', '.join(map(str, frame.columns))}."
        raise InputError(what, where="--by and --group", fix="Name columns of the manifest.")
    if has_split and not new:
        what = "the manifest has splits already; models may have been trained on them."
        raise InputError(what, where="column split", fix="Give --new to deal anew, or --cohort for another cohort.")


def _parts(own: DataFrame) -> Iterator[SplitPart]:
    """Count the splits: all cases, then every label."""
    from robustkit.cohort.splits import SPLITS

    for label in ("all", *sorted(set(own["label"]))):
        of = own if label == "all" else own[own["label"] == label]
        for name in SPLITS:
            part = of[of["split"] == name]
            yield SplitPart(name, label, len(part), part["patient_id"].nunique(), len(part) / len(of))


def _warnings(own: DataFrame, parts: Sequence[SplitPart], wanted: Mapping[str, float], *, group: str) -> Iterator[str]:
    if own["patient_id"].eq(own["image"]).all() and group == "patient_id":
        yield "patients are unknown (no patient_id): each film counts as one; films of one patient may be divided."
    for part in parts:
        if wanted[part.split] > 0 and not part.n_cases:
            yield f"{part.split} has no case with the label {part.label}: there are too few groups of it."
