"""The analyses of a study's run: tables, comparisons, drift, heatmaps, readers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robustkit.api._study_work import Made, Work
from robustkit.errors import InputError
from robustkit.provenance import file_digest
from robustkit.study.protocol import Readers


def stratified(work: Work, run: Path) -> Made:
    """Write all tables of the run; comparisons within strata are a step of their own."""
    from robustkit.api.stratify import stratify

    done = stratify(run=run, **work.protocol.stratify)
    own = [t for t in done.tables if t.stem != "comparisons" or work.protocol.compare is None]
    return own, {"warnings": list(done.warnings), "enough_repeats": done.enough_repeats}


def compared(work: Work, run: Path) -> Made:
    """Test all pairs of arms within strata too."""
    from robustkit.api.compare import compare

    return [compare(runs=[run], **{"seed": work.protocol.seed, **(work.protocol.compare or {})}).table], {}


def drifted(work: Work, run: Path) -> Made:
    """Compare external cohorts with the internal one, where there are both."""
    from robustkit.api.drift import drift

    try:
        done = drift(run=run, progress=work.progress, **{"workers": work.workers, **work.protocol.drift})
    except InputError as error:
        if "cohorts found" not in error.what:
            raise
        return [], {"warnings": [f"no drift: {error.what}"]}
    return [done.table], {"warnings": list(done.warnings)}


def looked(work: Work, run: Path) -> Made:
    """Make heatmaps of the networks."""
    from robustkit.api.heatmaps import heatmaps

    options: dict[str, Any] = {"model": [n.name for n in work.protocol.networks], **(work.protocol.heatmaps or {})}
    done = heatmaps(run=run, device=work.device, workers=work.workers, progress=work.progress, **options)
    return list(done.tables), {"warnings": list(done.warnings)}


def readers_key(readers: Readers) -> dict[str, Any]:
    """Give what decides the reader analysis."""
    options = {k: str(v) for k, v in readers.options.items()}
    return {"readings": [file_digest(f) for f in readers.readings], "simulate": readers.simulate, **options}


def read(work: Work, run: Path) -> Made:
    """Analyse the readings; of the phantom readers may be simulated first."""
    from robustkit.api.readers_analyse import readers_analyse

    readers = work.protocol.readers or Readers()
    files = list(readers.readings)
    options = dict(readers.options)
    if readers.simulate:
        files = [_simulated(work, run, readers.simulate)]
        options.setdefault("model", work.protocol.names[0])
    done = readers_analyse(readings=files, run=run, seed=work.protocol.seed, **options)
    return [done.table, *(f for f in files if readers.simulate)], {"warnings": list(done.warnings)}


def _simulated(work: Work, run: Path, readers: int) -> Path:
    from robustkit.analysis.cohort import judged_cases
    from robustkit.atomic import replacing
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.phantom.readings import simulated_readings
    from robustkit.results.folder import RunFolder, written_threshold

    folder = RunFolder(run)
    cohort = judged_cases(folder, folder.record(), read_vocabulary())
    model = str((work.protocol.readers or Readers()).options.get("model", work.protocol.names[0]))
    rows = folder.predictions(
        columns=["case_id", "score"], filters=[("model", "==", model), ("perturbation", "==", "nominal")]
    ).set_index("case_id")["score"]
    ids = cohort.frame.loc[cohort.judged, "case_id"].tolist()
    above = rows.reindex(ids).to_numpy() >= (written_threshold(folder, model) or 0.5)
    found = simulated_readings(
        ids, cohort.positive[cohort.judged], above, readers=readers, seed=work.protocol.seed
    )  # fmt: skip
    file = work.out / "readers" / "simulated-readings.csv"
    with replacing(file) as temporary:
        found.to_csv(temporary, index=False)
    return file
