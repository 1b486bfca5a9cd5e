"""The tables and pages of a study: written into its run, where every page finds them, and copied to one folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.api._study_cohort import StudyCohort, case_facts
from robustkit.api._study_models import Arm, Chosen
from robustkit.api._study_work import Work
from robustkit.atomic import replacing

if TYPE_CHECKING:
    from pandas import DataFrame

    from robustkit.results.folder import RunFolder
    from robustkit.study.protocol import Protocol

TABLES, FIGURES = "tables", "figures"
"""Folders of a study."""


def study_tables(
    work: Work, cohort: StudyCohort, *, run: Path, seeds: Path | None, arms: Sequence[Arm], chosen: Chosen
) -> list[Path]:
    """Write the tables that only a study has; give their paths.

    Args:
        work: The study.
        cohort: Its cases.
        run: Folder of the run of all arms, with its tables.
        seeds: Folder of the run of all trainings; None where every arm was trained once.
        arms, chosen: What was judged.
    """
    import pandas as pd

    from robustkit.analysis.study_arms import study_arms
    from robustkit.analysis.study_cohorts import study_cohorts
    from robustkit.analysis.study_limitations import study_limitations
    from robustkit.results.folder import RunFolder
    from robustkit.results.schema import STUDY_CROSSWALK_COLUMNS, STUDY_TRAINING_COLUMNS
    from robustkit.study.crosswalk import crosswalk

    folder = RunFolder(run)
    cases, has_patients, simulated = case_facts(cohort)
    tables = {p.stem: folder.table(p.stem) for p in sorted((run / "tables").glob("*.csv"))}
    made: dict[str, DataFrame] = {"study_cohorts": study_cohorts(cases)}
    about = [_about(a, chosen) for a in arms]
    published = [asdict(p) for p in work.protocol.published]
    made["study_arms"] = study_arms(tables, about, published)
    made["study_training"] = _in_columns(chosen.training, STUDY_TRAINING_COLUMNS)
    if seeds is not None:
        made["study_seeds"] = _seeds(RunFolder(seeds), arms)
    facts = _limits(work, cases, arms, tables, has_patients=has_patients, simulated=simulated)
    made["study_limitations"] = study_limitations(facts, tables)
    full = {n for n, t in {**tables, **made}.items() if len(t)}
    made["study_crosswalk"] = pd.DataFrame(crosswalk(full), columns=list(STUDY_CROSSWALK_COLUMNS))
    return [folder.write_table(name, table) for name, table in made.items() if len(table)]


def _about(arm: Arm, chosen: Chosen) -> Mapping[str, Any]:
    kind = "network, stand-in weights" if arm.is_stand_in else arm.kind
    return {
        "model": arm.name, "kind": kind, "weights": arm.weights,
        "val_auc": chosen.val_auc.get(chosen.seed.get(arm.name, ""), float("nan")),
        "is_reference": arm.name == chosen.reference,
    }  # fmt: skip


def _in_columns(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(columns))


def _seeds(folder: RunFolder, arms: Sequence[Arm]) -> DataFrame:
    from robustkit.analysis.cohort import judged_cases
    from robustkit.analysis.study_seeds import study_seeds
    from robustkit.cohort.vocabulary import read_vocabulary

    cohort = judged_cases(folder, folder.record(), read_vocabulary())
    return study_seeds(folder, cohort, {a.name: list(a.seeds) for a in arms if a.kind == "network"})


def _limits(
    work: Work,
    cases: DataFrame,
    arms: Sequence[Arm],
    tables: Mapping[str, DataFrame],
    *,
    has_patients: bool,
    simulated: bool,
) -> Any:
    from robustkit.analysis.study_limitations import StudyFacts

    readers = tables.get("readers")
    names = set() if readers is None else set(readers.loc[readers["analysis"] == "per reader", "reader_id"]) - {""}
    return StudyFacts(
        cases=cases,
        has_patients=has_patients,
        is_simulated=simulated,
        stand_ins=[a.name for a in arms if a.is_stand_in],
        one_seed=[a.name for a in arms if a.kind == "network" and len(a.seeds) == 1],
        readers=len(names),
        simulated_readers=bool(work.protocol.readers and work.protocol.readers.simulate),
        notes=work.protocol.notes,
    )


def about(protocol: Protocol) -> Mapping[str, Any]:
    """Give what the report says of the study file itself, as plain data."""
    published = [
        [p.model, p.cohort, p.metric, p.source, *map(str, (p.value, p.low, p.high))] for p in protocol.published
    ]
    return {
        "title": protocol.title,
        "notes": list(protocol.notes),
        "published": published,
        "arms": list(protocol.names),
    }


def collect(work: Work, run: Path) -> list[Path]:
    """Copy all tables, and write every figure as a page of its own; give the files."""
    made = []
    for table in sorted((run / "tables").glob("*.csv")):
        made.append(work.out / TABLES / table.name)
        with replacing(made[-1]) as temporary:
            shutil.copyfile(table, temporary)
    return [*made, *_figures(run, work.out / FIGURES)]


def _figures(run: Path, folder: Path) -> list[Path]:
    """Write each figure at the first choice of its menus; they share one script, which lies beside them."""
    import plotly.graph_objects as go
    from plotly.offline import get_plotlyjs

    from robustkit.api.report import run_view
    from robustkit.atomic import write_text
    from robustkit.results.folder import RunFolder

    view = run_view(RunFolder(run), n=0, has_images=False)
    made = [folder / "plotly.min.js"]
    write_text(made[0], get_plotlyjs())
    for figure in view.figures:
        if figure.drawings:
            sheet = figure.drawings[0].sheet
            page = go.Figure(data=sheet.data, layout=sheet.layout).to_html(
                include_plotlyjs="plotly.min.js", div_id="figure"
            )
            made.append(folder / f"{figure.name}.html")
            write_text(made[-1], page)
    return made
