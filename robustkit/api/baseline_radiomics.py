"""baseline radiomics: an elastic net on features of the lesion, written as a model file that `perturb` takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from robustkit.api._baseline import BaselineResult, Fitted, check_output, check_seed, no_member, save_baseline
from robustkit.api._development import Development, development_of
from robustkit.api._outcome import Progress
from robustkit.errors import InputError

if TYPE_CHECKING:
    from numpy import float64, intp
    from numpy.typing import NDArray

    from robustkit.baselines.nested import Nested, Tuned
    from robustkit.features._base import FeatureSettings
    from robustkit.kinds._lesion import Area

FEW_PATIENTS = 200
"""Under which the interval of the nested AUC was too narrow in simulation (docs/baselines.md)."""


def baseline_radiomics(
    *,
    manifest: Sequence[Path] = (),
    fill: Sequence[str] = (),
    output: Path = Path("radiomics.json"),
    area: Literal["auto", "box", "mask"] = "auto",
    spacing_mm: float | None = None,
    normalise: Literal["none", "film", "box"] = "film",
    discretisation: Literal["count", "width"] = "count",
    bins: int = 32,
    bin_width: float = 0.25,
    families: Sequence[str] = (),
    min_icc: float = 0.75,
    icc_shift: float = 0.1,
    icc_repeats: int = 10,
    max_correlation: float = 0.95,
    folds: int = 5,
    positive: str | None = None,
    seed: int = 0,
    workers: int = 0,
    progress: Progress | None = None,
) -> BaselineResult:
    """Fit an elastic net on features of the rows with ``split=train``; rows with ``split=val`` give the threshold.

    Args:
        manifest: Manifests; none: robustkit.toml's, else the simulated phantom cohort.
        fill: ``COLUMN=VALUE`` for all rows of a manifest (``--set``).
        output: The model file (JSON).
        area: ``box``: all of the box is measured; ``mask``: what lies in the mask and in the box; ``auto``: the mask where
            every row of the manifests names one, else the box.
        spacing_mm: Films whose spacing is known are resampled to it; default not.
        normalise: ``none``; ``film`` or ``box``: grey levels become sd from the mean of the film, or of the lesion.
        discretisation: ``count``: ``bins`` levels in every lesion; ``width``: levels of ``bin_width``.
        bins: See there.
        bin_width: In sd, or in grey levels with ``normalise=none``.
        families: Of features; default all.
        min_icc: Features whose ICC(1,1) over redrawn boxes of training rows is under it are left out; 0: none.
        icc_shift: How far those boxes are shifted, in sides.
        icc_repeats: How many for each case.
        max_correlation: Of two features whose ranks correlate more, the less stable one is left out; 1: none.
        folds: Of the nested cross-validation, outer and inner; patients are never divided.
        positive: Labels that count as positive, with commas; default the vocabulary's non-benign ones.
        seed: Of boxes, folds, solver and bootstrap.
        workers: Threads that measure; 0: one per core.
        progress: Told of cases measured and folds.

    Raises:
        InputError: No training or validation rows, one class only, too few patients for the folds, or no feature left.
    """
    import time

    import numpy as np

    from robustkit.baselines.judged import Found, judged
    from robustkit.baselines.nested import Tuning, cross_validate, tune
    from robustkit.baselines.selection import Limits, feature_table
    from robustkit.config import read_config
    from robustkit.engine.equip import resolve_workers
    from robustkit.features._base import FAMILIES, FeatureSettings
    from robustkit.models.written import Written, kind_of

    begun = time.perf_counter()
    _check(min_icc=min_icc, icc_shift=icc_shift, icc_repeats=icc_repeats, max_correlation=max_correlation, folds=folds)
    check_output(output)
    check_seed(seed)
    chosen = tuple(f.strip() for text in families for f in text.split(",") if f.strip()) or FAMILIES
    settings = FeatureSettings(
        spacing_mm=spacing_mm, normalise=normalise, discretisation=discretisation, bins=bins, bin_width=bin_width, families=chosen
    )  # fmt: skip
    told = (lambda done, n: progress("films drawn", done, n)) if progress else None
    cohort = development_of(
        manifest, fill=fill, positive=positive, config=read_config(Path.cwd()), workers=resolve_workers(workers), told=told
    )  # fmt: skip
    rows = {split: cohort.rows(split) for split in ("train", "val")}
    for split, own in rows.items():
        cohort.check(split, own)
    where, said = _area(cohort, area)
    repeats = icc_repeats if min_icc > 0 else 0
    measured: dict[str, Any] = {}
    failures: list[str] = []
    for split, n in (("train", repeats), ("val", 0)):
        found = _measured(
            cohort, rows[split], settings=settings, area=where, repeats=n, shift=icc_shift, seed=seed,
            workers=resolve_workers(workers), progress=progress,
        )  # fmt: skip
        lost = np.array([bool(f) for f in found.failures])
        failures += [f for f in found.failures if f]
        rows[split] = rows[split][~lost]
        cohort.check(split, rows[split], failures=[f for f in found.failures if f])
        measured[split] = found.values[~lost]
    train = rows["train"]
    labels, groups = cohort.positive[train], cohort.groups[train]
    table = feature_table(measured["train"][:, 0], measured["train"][:, 1:] if repeats else None)
    tuning = Tuning(Limits(min_icc, max(2, repeats), max_correlation), folds, seed)
    nested = cross_validate(
        table, labels, groups, tuning=tuning, told=(lambda d, n: progress("folds", d, n)) if progress else None
    )
    final = tune(table, labels, groups, tuning=tuning)
    written = Written(
        "radiomics", cohort.classes, cohort.classes[1:], _body(final, settings, where), lineage="robustkit baseline radiomics",
        path=output,
    )  # fmt: skip
    runner: Any = kind_of(written).runner(written, open_member=no_member)
    logits = runner.log_odds(_of_settings(measured["val"][:, 0], settings, runner.settings))
    val = rows["val"]
    estimates = (
        Found("auc", "nested CV", nested.auc),
        *judged(cohort.positive[val], logits, cohort.groups[val], rows="validation", seed=seed),
    )
    return save_baseline(
        output,
        Fitted(
            written=written, fitted=train, val=val, threshold_logits=logits, estimates=estimates, coefficients=(), ticks=(),
            n_features=final.n_features,
            choices={
                "area": where, "settings": settings.to_dict(), "min_icc": min_icc, "icc_shift": icc_shift,
                "icc_repeats": icc_repeats, "max_correlation": max_correlation, "folds": folds, "seed": seed,
                "C": final.penalty, "l1_ratio": final.mixture, "inner_auc": final.inner_auc,
                "n_features_by_fold": list(nested.n_features),
            },
            notes=(said, *_notes(final, settings)), seconds=time.perf_counter() - begun,
            failures=failures, warnings=(*cohort.warnings(train), *_warnings(final, nested)),
        ),
        cohort,
    )  # fmt: skip


def _check(*, min_icc: float, icc_shift: float, icc_repeats: int, max_correlation: float, folds: int) -> None:
    ranges = (
        ("--min-icc", 0 <= min_icc < 1, "an ICC from 0 to below 1", min_icc),
        ("--icc-shift", 0 < icc_shift <= 1, "a shift above 0 and up to 1, in sides", icc_shift),
        ("--icc-repeats", icc_repeats >= 2, "at least 2 boxes", icc_repeats),
        ("--max-correlation", 0 < max_correlation <= 1, "a correlation above 0 and up to 1", max_correlation),
        ("--folds", folds >= 2, "at least 2 folds", folds),
    )
    for flag, is_right, expected, got in ranges:
        if not is_right:
            raise InputError(f"expected {expected}, got {got}.", where=flag, fix="Leave it at its default.")


def _area(cohort: Development, asked: str) -> tuple[Area, str]:
    """Say where features are measured, and why."""
    n = sum(c.mask is not None for c in cohort.cases)
    if asked == "box":
        return "box", "features of the box."
    if asked == "mask" or n == len(cohort.cases):
        return "mask", "features of what lies in the mask and in the box."
    named = f"{n} of {len(cohort.cases)} rows name" if n else "no row names"
    return "box", f"features of the box: {named} a mask."


def _measured(
    cohort: Development,
    rows: NDArray[intp],
    *,
    settings: FeatureSettings,
    area: Area,
    repeats: int,
    shift: float,
    seed: int,
    workers: int,
    progress: Progress | None,
) -> Any:
    """Measure the boxes of some rows, as `perturb` would show them: as given, and redrawn."""
    import numpy as np

    from robustkit.baselines.lesions import measure_lesions
    from robustkit.engine.conditions import Levels
    from robustkit.engine.films import FilmHeaders
    from robustkit.engine.plan import Plan, resolve_snap

    cases = tuple(cohort.cases[i] for i in rows)
    headers = cohort.headers
    own = FilmHeaders(
        headers.size[rows], headers.spacing_mm[rows], tuple(headers.spacing_source[i] for i in rows),
        tuple(headers.faults[i] for i in rows),
    )  # fmt: skip
    groups = (Levels("shift", (shift,), "side"),) if repeats else ()
    snap = resolve_snap("auto", np.stack([c.box.array() for c in cohort.cases]))
    plan = Plan(cases, own, groups, repeats, seed, "inside", snap)
    told = (lambda done, n: progress("lesions measured", done, n)) if progress else None
    return measure_lesions(
        cases, plan.boxes(range(len(cases))), settings=settings, area=area, workers=workers, told=told
    )


def _body(final: Tuned, settings: FeatureSettings, area: Area) -> dict[str, Any]:
    """Write down the pipeline: features without a weight say nothing and need not be measured."""
    from dataclasses import replace

    import numpy as np

    from robustkit.features._base import feature_names

    steps = final.pipeline.named_steps
    weights = steps["net"].coef_[0]
    names = feature_names(settings)
    entries = [
        {"name": names[j], "median": float(median), "mean": float(mean), "scale": float(scale), "coefficient": float(w)}
        for j, median, mean, scale, w in zip(
            final.selection.kept_, steps["imputer"].statistics_, steps["scaler"].mean_, steps["scaler"].scale_, weights,
            strict=True,
        )
        if w != 0
    ]  # fmt: skip
    wanted = {e["name"] for e in entries}
    families = tuple(
        f for f in settings.families if wanted & set(feature_names(replace(settings, families=(f,))))
    ) or settings.families[:1]  # fmt: skip
    own = replace(settings, families=families)
    return {
        "settings": own.to_dict(), "area": area, "intercept": float(np.asarray(steps["net"].intercept_)[0]), "features": entries,
    }  # fmt: skip


def _of_settings(values: NDArray[float64], measured: FeatureSettings, wanted: FeatureSettings) -> NDArray[float64]:
    """Give the columns of the settings that are written, out of those that were measured."""
    from robustkit.features._base import feature_names

    place = {n: i for i, n in enumerate(feature_names(measured))}
    return values[:, [place[n] for n in feature_names(wanted)]]


def _notes(final: Tuned, settings: FeatureSettings) -> list[str]:
    from robustkit.baselines.selection import counted
    from robustkit.features._base import feature_names

    names, reasons = feature_names(settings), final.selection.reasons_
    lost = f": {counted(reasons)}" if reasons else ""
    said = [f"of {len(names)} features {len(reasons)} were left out{lost}; {final.n_features} have a weight."]
    constant = [names[j] for j, why in sorted(reasons.items()) if why == "constant"]
    if constant:
        said.append(f"constant in all training cases: {', '.join(constant)}.")
    return said


def _warnings(final: Tuned, nested: Nested) -> list[str]:
    said = []
    if nested.auc.n_patients < FEW_PATIENTS and nested.auc.low == nested.auc.low:
        said.append(
            f"nested CV of {nested.auc.n_patients} patients, fewer than {FEW_PATIENTS}: in simulation such intervals held the "
            "truth in 86 to 93 %, not in 95 % (docs/baselines.md)."
        )
    if not final.n_features:
        said.append("no feature has a weight: the model gives every case the same answer.")
    unsettled = final.n_unsettled + nested.n_unsettled
    if unsettled:
        said.append(f"{unsettled} fits of the elastic net had not settled after the most steps.")
    return said
