"""What is known of the cases of a reader study: from a run, from manifests, or from the readings themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from robustkit.analysis.cohort import UNNAMED, Judged, judged_cases, truth_of
from robustkit.analysis.matrix import read_answers
from robustkit.analysis.reader_truth import Truth, make_truth
from robustkit.analysis.readings import Readings
from robustkit.analysis.tables import assign_strata
from robustkit.analysis.thresholds import judged_at
from robustkit.cohort.derive import DERIVED, derive
from robustkit.cohort.manifest import join_manifests, read_manifest
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.errors import InputError
from robustkit.results.folder import RunFolder, written_threshold
from robustkit.stats.stability import spread
from robustkit.stats.threshold import logit


@dataclass(frozen=True, slots=True)
class KnownCases:
    """The cases that there are.

    Attributes:
        judged: With truth, patients and facts.
        answers: By case_id, what the model said (columns of ``Truth``); empty where there is none.
        model: Its name; "".
        is_simulated: True where the films are the phantom's.
        has_facts: False where nothing but labels is known.
    """

    judged: Judged
    answers: pd.DataFrame
    model: str = ""
    is_simulated: bool = False
    has_facts: bool = True

    @property
    def labels(self) -> dict[str, str]:
        """By case_id."""
        frame = self.judged.frame[self.judged.judged]
        return dict(zip(frame["case_id"], frame["label"], strict=True))

    def truth(self, *, by: Sequence[str], draws: int, seed: int) -> Truth:
        """Give the truth for the analysis, with strata as in ``stratify``.

        Raises:
            InputError: Strata are asked for and only labels are known.
        """
        if by and not self.has_facts:
            what = f"nothing is known of {by[0]}: the readings name labels alone."
            raise InputError(what, where="--by", fix="Give --run or --manifest.")
        found = assign_strata(self.judged, by) if self.has_facts else {}
        frame = self.judged.frame.assign(positive=self.judged.positive)[self.judged.judged]
        strata = {k: v[self.judged.judged].set_axis(frame["case_id"]) for k, v in found.items()}
        known = frame.set_index("case_id")[["positive", "patient_id", "cohort"]].join(self.answers)
        return make_truth(known, strata, draws=draws, seed=seed, model=self.model)


def cases_of_run(run: Path, *, model: str | None, positive: Sequence[str], study: Mapping[str, Any]) -> KnownCases:
    """Give the judged cases of a run, and what a model said of them.

    Args:
        run: Its folder.
        model: Name; default the study's, else the run's first.
        positive: Labels that count as positive, instead of the models'.
        study: Settings of the packs; empty where there were none.

    Raises:
        InputError: No such model, or packs of another run.
    """
    folder = RunFolder(run)
    record = folder.record()
    if study and study.get("identity") != record.get("identity", ""):
        what = "the packs were made from another run than this one."
        raise InputError(what, where=str(run), fix="Give the run that `readers pack` was given.")
    names = [str(m["name"]) for m in record["models"]]
    name = model or str(study.get("model") or names[0])
    if name not in names:
        what = f"the run has no model {name!r}; it has {', '.join(names)}."
        raise InputError(what, where="--model", fix="Choose one of these.")
    judged = judged_cases(folder, record, read_vocabulary(), positive=positive)
    shown = float(study["threshold"]) if study.get("model") == name else None
    answers = _answers(folder, judged, record, name, shown=shown)
    return KnownCases(judged, answers, name, bool(record.get("simulated")))


def _answers(
    folder: RunFolder, judged: Judged, record: Mapping[str, Any], model: str, *, shown: float | None
) -> pd.DataFrame:
    """Give score, decision, and spread and flips over redrawn boxes at the first level.

    Args:
        shown: The threshold that the aided arm showed; None: that of ``stratify``, else as chosen there.
    """
    ids = judged.frame["case_id"].tolist()
    groups = [g for g in record["perturbations"] if g.get("levels")]
    primary = [(str(groups[0]["kind"]), float(groups[0]["levels"][0]))] if groups else []
    own = read_answers(folder, model, ids, primary)
    if shown is None:
        asked = written_threshold(folder, model)
        shown = judged_at(judged, own, record, asked=asked, method="smoothed", draws=200, seed=0).value
    above = own.nominal >= shown
    sd = flips = np.full(len(ids), np.nan)
    if own.matrices and own.matrices[0].scores.shape[1] > 1:
        scores = own.matrices[0].scores
        sd = spread(logit(scores))
        flips = np.where(np.isnan(sd), np.nan, ((scores >= shown) != above[:, None]).mean(axis=1))
    return pd.DataFrame({"model": own.nominal, "above": above, "sd_logit": sd, "flip_rate": flips}, index=ids)


def cases_of_manifests(manifests: Sequence[Path], *, positive: Sequence[str]) -> KnownCases:
    """Give all cases of manifests."""
    frame = join_manifests([read_manifest(m) for m in manifests]).frame.sort_values("case_id", ignore_index=True)
    # a manifest may have been written from a run: what follows from other facts is made anew
    given = frame[[c for c in frame if c not in DERIVED and not str(c).startswith("film_")]]
    frame = derive(given, read_vocabulary())
    return KnownCases(_all_judged(frame, positive), pd.DataFrame(index=frame["case_id"]))


def cases_of_readings(readings: Readings, *, positive: Sequence[str]) -> KnownCases:
    """Give the cases as the readings name them: a label each; a patient and a cohort where there are such columns.

    Raises:
        InputError: A reading says no label.
    """
    frame = readings.frame.drop_duplicates("case_id").sort_values("case_id", ignore_index=True)
    if (frame["label"] == "").any():
        what = f"nothing says what the case {frame.loc[frame['label'] == '', 'case_id'].iloc[0]} is."
        fix = "Give --run, --manifest, or a column label in the readings."
        raise InputError(what, where="readers analyse", fix=fix)
    own = frame[["case_id", "label", "patient_id", "cohort"]]
    return KnownCases(_all_judged(own, positive), pd.DataFrame(index=own["case_id"]), has_facts=False)


def _all_judged(frame: pd.DataFrame, positive: Sequence[str]) -> Judged:
    """Count every row: nothing is known of splits, or the readings are of these cases anyhow."""
    patients = frame["patient_id"].where(frame["patient_id"] != "", frame["case_id"])
    own = frame.assign(patient_id=patients, cohort=frame["cohort"].where(frame["cohort"] != "", UNNAMED))
    codes, _ = pd.factorize(patients, sort=True)
    names = sorted(set(own["cohort"]))
    n = len(own)
    return Judged(
        frame=own,
        positive=truth_of(own["label"], (), read_vocabulary(), positive),
        patients=codes.astype(np.intp),
        judged=np.ones(n, dtype=bool),
        development=np.zeros(n, dtype=bool),
        cohorts=tuple(names),
        trained=own.iloc[:0],
        warnings=("patients are unknown: every case counts as one.",) if frame["patient_id"].eq("").all() else (),
    )
