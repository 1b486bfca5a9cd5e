"""baseline combined: the best image model's score and facts, fitted on validation rows, written as a model file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.api._baseline import BaselineResult, Fitted, check_output, check_seed, save_baseline
from robustkit.api._development import Development, development_of
from robustkit.api._outcome import Progress
from robustkit.api.baseline_clinical import check_knots, choose_facts, known_facts

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray

    from robustkit.models.classifier import Classifier


def baseline_combined(
    *,
    model: Sequence[str],
    manifest: Sequence[Path] = (),
    fill: Sequence[str] = (),
    output: Path = Path("combined.json"),
    facts: Sequence[str] = (),
    knots: int = 0,
    allow_missing: bool = False,
    positive: str | None = None,
    figure: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    workers: int = 0,
    progress: Progress | None = None,
) -> BaselineResult:
    """Fit the logit of a model's score and facts together on the rows with ``split=val``, never on test.

    Args:
        model: ``PATH`` or ``NAME=PATH`` of image models; of several the one with the best validation AUC is taken.
        manifest: Manifests; none: robustkit.toml's, else the simulated phantom cohort.
        fill: ``COLUMN=VALUE`` for all rows of a manifest (``--set``).
        output: The model file (JSON); it names the image model's file, relative to its own folder, and its sha256.
        facts: Names, also several with commas; default those of age_years, sex, region and size that the manifest has.
        knots: Of the natural cubic splines of numbers, 3 to 7; 0: straight lines, since validation rows are few.
        allow_missing: Stand in for a fact that a whole cohort lacks, instead of refusing.
        positive: Labels that count as positive, with commas; default the vocabulary's non-benign ones.
        figure: Write the nomogram to this page (HTML).
        seed: Of folds and bootstrap.
        device: auto, cpu, cuda[:n].
        workers: Threads that decode; 0: one per core.
        progress: Told of answers of the image models.

    Raises:
        InputError: No validation rows, one class only, too few patients, an unknown fact, or one that a whole cohort lacks.
    """
    import time

    import numpy as np

    from robustkit.api._run import open_models
    from robustkit.baselines.combined import best_of, combined_estimates, cross_fitted, fit_combined
    from robustkit.baselines.nomogram import fact_scales, nomogram, score_scale
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.config import read_config
    from robustkit.engine.equip import resolve_workers
    from robustkit.models.members import member_entry
    from robustkit.models.open import member_opener
    from robustkit.models.written import Written, kind_of

    begun = time.perf_counter()
    check_knots(knots)
    check_output(output, figure)
    check_seed(seed)
    models = open_models(model, {})
    for one in models:
        member_entry(one, beside=output)
    told = (lambda done, n: progress("films drawn", done, n)) if progress else None
    cohort = development_of(
        manifest, fill=fill, positive=positive, config=read_config(Path.cwd()), workers=resolve_workers(workers),
        split="val", told=told,
    )  # fmt: skip
    val = cohort.rows("val")
    cohort.check("val", val)
    answers = _answers(
        model, models, cohort, manifest=manifest, fill=fill, device=device, workers=workers, progress=progress
    )
    lost = np.isnan(np.stack([answers[m.name] for m in models])[:, val]).any(axis=0)
    failures = [f"{cohort.cases[i].case_id}: no answer of the image model" for i in val[lost]]
    val = val[~lost]
    cohort.check("val", val, failures=failures)
    labels, groups = cohort.positive[val], cohort.groups[val]
    best, aucs = best_of(labels, [answers[m.name][val] for m in models])
    member, logits = models[best], answers[models[best].name][val]
    known = known_facts(cohort, val, read_vocabulary())
    names = choose_facts(facts, known)
    found = fit_combined(logits, known, names, labels, patients=groups, knots=knots)
    held, folds = cross_fitted(logits, known, names, labels, patients=groups, knots=knots, seed=seed)
    body = {
        "member": member_entry(member, beside=output), "weight": float(found.given[0]), "facts": found.design.to_list(),
        "intercept": found.intercept, "coefficients": found.coefficients.tolist(), "allow_missing": allow_missing,
    }  # fmt: skip
    written = Written(
        "combined", cohort.classes, cohort.classes[1:], body, path=output,
        lineage=f"robustkit baseline combined: {member.name} ({member.arch}) and {', '.join(names)}",
    )  # fmt: skip
    runner: Any = kind_of(written).runner(written, open_member=member_opener(output, trust_code=False))
    remarks = runner.remarks(cohort.others())
    in_sample = np.array([
        float(runner.log_odds(c, c.box.array()[None], z[None])[0])
        for c, z in zip((cohort.cases[i] for i in val), logits, strict=True)
    ])  # fmt: skip
    scales = (
        score_scale(member.name, float(found.given[0]), logits),
        *fact_scales(found.design, found.coefficients, known),
    )
    coefficients = found.table([(f"score of {member.name}", "logit of the score")])
    chosen = [] if len(models) == 1 else [
        f"{member.name} was chosen among {len(models)} models by validation AUC ("
        f"{', '.join(f'{m.name} {a:.3f}' for m, a in zip(models, aucs, strict=True))})."
    ]  # fmt: skip
    estimates = combined_estimates(labels, held, groups, folds=folds, seed=seed)
    return save_baseline(
        output,
        Fitted(
            written=written, fitted=val, val=val, threshold_logits=held,
            estimates=estimates, coefficients=coefficients, ticks=nomogram(scales, found.intercept, fitted=in_sample),
            n_features=1 + len(found.design.columns),
            choices={
                "facts": list(names), "knots": knots, "method": found.fit.method, "seed": seed, "folds": len(set(folds.tolist())),
                "models": {m.name: a for m, a in zip(models, aucs, strict=True)},
            },
            notes=(*chosen, *found.said), seconds=time.perf_counter() - begun,
            failures=failures, warnings=(*cohort.warnings(val), *found.warnings, *remarks),
        ),
        cohort,
        figure=figure,
    )  # fmt: skip


def _answers(
    specs: Sequence[str],
    models: Sequence[Classifier],
    cohort: Development,
    *,
    manifest: Sequence[Path],
    fill: Sequence[str],
    device: str,
    workers: int,
    progress: Progress | None,
) -> dict[str, NDArray[float64]]:
    """Give ``(n,)`` logits of each model's score for all cases, NaN but for validation rows: as `perturb` would."""
    import tempfile

    import numpy as np

    from robustkit.api.perturb import perturb
    from robustkit.kinds.combined import score_logits
    from robustkit.results.folder import RunFolder

    with tempfile.TemporaryDirectory(prefix="robustkit-") as folder:
        run = perturb(
            model=specs, manifest=manifest, fill=fill, splits=["val"], device=device, workers=workers, no_images=True,
            out=Path(folder) / "run", progress=progress,
        ).run  # fmt: skip
        assert run is not None
        rows = RunFolder(run).predictions(columns=["model", "case_id", "logits"])
    place = {c.case_id: i for i, c in enumerate(cohort.cases)}
    found = {}
    for one in models:
        own = rows[rows["model"] == one.name]
        values = np.full(len(cohort.cases), np.nan)
        outputs = np.stack([np.asarray(v, dtype=np.float32) for v in own["logits"]])
        values[[place[c] for c in own["case_id"]]] = score_logits(outputs, one)
        found[one.name] = values
    return found
