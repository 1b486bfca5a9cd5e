"""The baselines of a study: fitted by the commands of their names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustkit.api._study_cohort import StudyCohort
from robustkit.api._study_models import Arm
from robustkit.api._study_options import command
from robustkit.api._study_work import Made, Work, named_in_errors, slug
from robustkit.provenance import file_digest
from robustkit.study.protocol import BEST, Baseline


def fit_baselines(work: Work, cohort: StudyCohort, kinds: tuple[str, ...], image: Mapping[str, Path]) -> list[Arm]:
    """Fit the baselines of some kinds.

    Args:
        work: The study.
        cohort: Its cases.
        kinds: Which ones.
        image: Model files that a combined model may stand on, by arm; the best is under ``best``.
    """
    return [_fitted(work, cohort, b, image) for b in work.protocol.baselines if b.kind in kinds]


def _fitted(work: Work, cohort: StudyCohort, baseline: Baseline, image: Mapping[str, Path]) -> Arm:
    output = work.out / "models" / f"{slug(baseline.name)}.json"
    options: dict[str, Any] = {"seed": work.protocol.seed, **baseline.options}
    made_from: dict[str, Any] = {
        "kind": baseline.kind,
        "cohort": cohort.key,
        "options": {k: str(v) for k, v in options.items()},
    }
    if baseline.kind == "combined":
        path = image[str(options.pop("image", BEST))]
        options["model"] = [str(path)]
        made_from["image"] = file_digest(path)

    def make() -> Made:
        done = command(f"baseline_{baseline.kind}")(
            **cohort.options, output=output, workers=work.workers, progress=work.progress, **options
        )
        return [output], {"warnings": list(done.warnings)}

    with named_in_errors(f"baselines, {baseline.name}"):
        work.step(f"fit {baseline.name}", made_from, make)
    return Arm(baseline.name, baseline.kind, "", {baseline.name: output})
