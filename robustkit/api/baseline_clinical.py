"""baseline clinical: logistic regression on named facts, written as a model file that `perturb` takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from robustkit.api._baseline import BaselineResult, Fitted, check_output, check_seed, no_member, save_baseline
from robustkit.api._development import Development, development_of
from robustkit.api._outcome import Progress
from robustkit.errors import InputError

if TYPE_CHECKING:
    from numpy import intp
    from numpy.typing import NDArray

    from robustkit.cohort.facts import Facts
    from robustkit.cohort.vocabulary import Vocabulary

DEFAULT_FACTS = ("age_years", "sex", "region", "size")
SIZE = "size"
"""Stands for size_mm where at least half of the training cases have a spacing, else for size_frac."""


def baseline_clinical(
    *,
    manifest: Sequence[Path] = (),
    fill: Sequence[str] = (),
    output: Path = Path("clinical.json"),
    facts: Sequence[str] = (),
    knots: int = 4,
    allow_missing: bool = False,
    positive: str | None = None,
    figure: Path | None = None,
    seed: int = 0,
    workers: int = 0,
    progress: Progress | None = None,
) -> BaselineResult:
    """Fit a logistic regression on facts of the rows with ``split=train``; rows with ``split=val`` give the threshold.

    Args:
        manifest: Manifests; none: robustkit.toml's, else the simulated phantom cohort.
        fill: ``COLUMN=VALUE`` for all rows of a manifest (``--set``).
        output: The model file (JSON).
        facts: Names, also several with commas; default those of age_years, sex, region and size that the manifest has.
        knots: Of the natural cubic splines of numbers, 3 to 7; 0: straight lines.
        allow_missing: Stand in for a fact that a whole cohort lacks, instead of refusing.
        positive: Labels that count as positive, with commas; default the vocabulary's non-benign ones.
        figure: Write the nomogram to this page (HTML).
        seed: Of the bootstrap.
        workers: Threads that read the headers of films; 0: one per core.
        progress: Told while the phantom's films are drawn.

    Raises:
        InputError: No training or validation rows, one class only, an unknown fact, or one that a whole cohort lacks.
    """
    import time

    import numpy as np

    from robustkit.baselines.clinical import fit_facts
    from robustkit.baselines.judged import judged
    from robustkit.baselines.nomogram import fact_scales, nomogram
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.config import read_config
    from robustkit.engine.equip import resolve_workers
    from robustkit.models.written import Written, kind_of

    begun = time.perf_counter()
    check_knots(knots)
    check_output(output, figure)
    check_seed(seed)
    told = (lambda done, n: progress("films drawn", done, n)) if progress else None
    cohort = development_of(
        manifest, fill=fill, positive=positive, config=read_config(Path.cwd()), workers=resolve_workers(workers), told=told
    )  # fmt: skip
    rows = {split: cohort.rows(split) for split in ("train", "val")}
    for split, own in rows.items():
        cohort.check(split, own)
    vocabulary = read_vocabulary()
    known = known_facts(cohort, rows["train"], vocabulary)
    names = choose_facts(facts, known)
    labels = cohort.positive[rows["train"]]
    found = fit_facts(known, names, labels, patients=cohort.groups[rows["train"]], knots=knots)
    body = {
        "facts": found.design.to_list(), "intercept": found.intercept, "coefficients": found.coefficients.tolist(),
        "allow_missing": allow_missing,
    }  # fmt: skip
    written = Written(
        "clinical", cohort.classes, cohort.classes[1:], body, lineage="robustkit baseline clinical", path=output
    )
    runner = kind_of(written).runner(written, open_member=no_member)
    remarks = runner.remarks(cohort.others())  # type: ignore[union-attr]  # clinical is a model of facts
    answer = [float(runner.part.log_odds(c, c.box.array()[None])[0]) for c in cohort.cases]  # type: ignore[union-attr]
    logits = np.array(answer)
    val = rows["val"]
    estimates = judged(cohort.positive[val], logits[val], cohort.groups[val], rows="validation", seed=seed)
    scales = fact_scales(found.design, found.coefficients, known)
    return save_baseline(
        output,
        Fitted(
            written=written, fitted=rows["train"], val=val, threshold_logits=logits[val], estimates=estimates,
            coefficients=found.table(), ticks=nomogram(scales, found.intercept, fitted=logits[rows["train"]]),
            n_features=len(found.design.columns),
            choices={"facts": list(names), "knots": knots, "method": found.fit.method, "seed": seed},
            notes=found.said, warnings=(*cohort.warnings(rows["train"]), *found.warnings, *remarks), seconds=time.perf_counter() - begun,
        ),
        cohort,
        figure=figure,
    )  # fmt: skip


def check_knots(knots: int) -> None:
    """Refuse a number of knots that has no places.

    Raises:
        InputError: It says which there are.
    """
    from robustkit.baselines.terms import KNOTS

    if knots and knots not in KNOTS:
        what = f"expected {min(KNOTS)} to {max(KNOTS)} knots, or 0 for straight lines, got {knots}."
        raise InputError(what, where="--knots", fix="Use --knots 4.")


def known_facts(cohort: Development, rows: NDArray[intp], vocabulary: Vocabulary) -> list[Facts]:
    """Give the facts of some cases, each for its own box."""
    from robustkit.cohort.facts import facts_of

    return [facts_of(c, c.box.array()[None], vocabulary=vocabulary) for c in (cohort.cases[i] for i in rows)]


def choose_facts(asked: Sequence[str], cases: Sequence[Facts]) -> tuple[str, ...]:
    """Give the names of the facts to be used: those asked for, else those of the usual ones that any case has.

    Raises:
        UnknownNameError: No case has one, or no model may learn from it.
    """
    import numpy as np

    from robustkit.cohort.facts import check_names

    has = {k for f in cases for k, v in f.items() if (v if isinstance(v, str) else np.isfinite(v).any())}
    in_mm = sum(bool(np.isfinite(f["size_mm"]).all()) for f in cases if not isinstance(f["size_mm"], str))
    size = "size_mm" if 2 * in_mm >= len(cases) else "size_frac"
    wanted = [n.strip() for text in asked for n in text.split(",") if n.strip()]
    wanted = wanted or [n for n in DEFAULT_FACTS if n == SIZE or n in has]
    names = [size if n == SIZE and SIZE not in has else n for n in wanted]
    check_names(names, has, where="--facts")
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise InputError(f"the fact {twice[0]} is named twice.", where="--facts", fix="Name it once.")
    return tuple(names)
