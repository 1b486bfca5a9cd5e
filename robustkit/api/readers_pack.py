"""readers pack: offline pages with which radiologists read the cases of a run, without and with the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from robustkit.api._outcome import Progress
from robustkit.documents import parse_json
from robustkit.errors import InputError

if TYPE_CHECKING:
    from robustkit.analysis.cohort import Judged
    from robustkit.analysis.reading_plan import Sitting
    from robustkit.engine.run_films import RunFilms
    from robustkit.packs.pack import Aid, ReadCase
    from robustkit.report.heatmap_pictures import ShownMaps
    from robustkit.results.folder import RunFolder

FACTS = ("age_years", "sex", "site", "view")
QUESTION = "How suspicious is the lesion in the box?"
TELLING = (
    "label",
    "subtype",
    "group",
    "cohort",
    "centre",
    "split",
    "reference",
    "patient_id",
    "case_id",
    "lesion_id",
    "image",
)
"""Facts that would tell a reader the answer, or who the patient is."""


@dataclass(frozen=True, slots=True)
class Packed:
    """One pack.

    Attributes:
        file: The page.
        reader, session, arm: Whose.
        n_cases, n_practice: Counted cases, and cases for practice.
        bytes: Of the file.
    """

    file: Path
    reader: str
    session: int
    arm: str
    n_cases: int
    n_practice: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PackResult:
    """A study, ready to be read.

    Attributes:
        folder: Of the study.
        packs: For the readers.
        key: What every code stands for; not for readers.
        study: Settings, which `readers analyse` reads.
        model: Whose answers the aided arm shows.
        warnings: One sentence each.
    """

    folder: Path
    packs: tuple[Packed, ...]
    key: Path
    study: Path
    model: str
    warnings: tuple[str, ...]


def readers_pack(
    *,
    run: Path | None = None,
    reader: Sequence[str] = (),
    readers: int = 2,
    model: str | None = None,
    design: Literal["crossover", "sequential"] = "crossover",
    n: int = 100,
    by: Sequence[str] = (),
    practice: int = 3,
    facts: Sequence[str] = (),
    scale: Literal["0-100", "1-5"] = "0-100",
    question: str = QUESTION,
    washout_days: int = 28,
    film_px: int = 1400,
    no_heatmaps: bool = False,
    out: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> PackResult:
    """Write one offline page for each reader, session and arm, and the key apart from them.

    Args:
        run: Run folder; default the newest complete one.
        reader: Names of the readers; default reader-1, reader-2, ...
        readers: How many where none is named.
        model: Whose answers the aided arm shows; default the run's first.
        design: ``crossover``: both sessions have unaided and aided cases, the second the other way round. ``sequential``: all
            unaided, then all aided; order and aid can then not be told apart.
        n: Cases to be read; all where there are fewer.
        by: Facts whose strata are drawn in proportion; default the truth.
        practice: Cases shown first that are not counted, of other patients.
        facts: Clinical facts shown in both arms; default age, sex, site and view.
        scale: Of the rating.
        question: Asked of every case.
        washout_days: Least days between a case's two readings; `readers analyse` checks it.
        film_px: Longer side of the films in the packs.
        no_heatmaps: Leave heatmaps out of the aided arm.
        out: Folder of the study; default ``readers`` in the run.
        seed: Of sample, halves, orders and codes.
        progress: Told of films.

    Raises:
        InputError: A flag out of its range, a fact that would tell the answer, or a folder that holds another study.
        RunError: No run, a damaged one, or one that is not complete.
        FilmError: A film of a drawn case cannot be read, or is another file than when the run began.
    """
    from robustkit.analysis.cohort import judged_cases
    from robustkit.analysis.reading_plan import key_table, sittings
    from robustkit.atomic import write_text
    from robustkit.cohort.vocabulary import read_vocabulary
    from robustkit.config import read_config
    from robustkit.engine.run_films import RunFilms
    from robustkit.report.heatmap_pictures import ShownMaps, read_shown_maps
    from robustkit.results.folder import RunFolder
    from robustkit.results.runs import newest_run

    folder = RunFolder(run) if run else newest_run(read_config(Path.cwd()).runs)
    record = folder.record()
    names = _check(reader, readers, n=n, practice=practice, washout_days=washout_days, film_px=film_px)
    shown_facts = _facts(facts)
    cohort = judged_cases(folder, record, read_vocabulary())
    chosen_model = _model(record, model)
    answers = _answers(folder, cohort, record, chosen_model, seed=seed)
    may_read = _readable(cohort, answers)
    cases, trial, said = _draw(cohort, may_read, by=by, n=n, practice=practice, seed=seed)
    planned = sittings(names, cases, trial, design=design, seed=seed)
    maps = ShownMaps() if no_heatmaps else read_shown_maps(folder.path, [m["name"] for m in record["models"]])
    study = {
        "format": 1, "identity": str(record.get("identity", "")), "model": chosen_model, "design": design, "readers": names,
        "n": len(cases), "by": list(by), "practice": len(trial), "facts": list(shown_facts), "scale": scale, "question": question,
        "washout_days": washout_days, "seed": seed, "heatmaps": maps.method, "threshold": answers["cut"],
        "reference": answers["reference_said"],
    }  # fmt: skip
    study["study"] = hashlib.sha256(json.dumps(study, sort_keys=True).encode()).hexdigest()[:12]
    place = out or folder.path / "readers"
    _claim(place, study)
    cards = _cards(
        cohort, answers, [*cases, *trial], facts=shown_facts, film_px=film_px, maps=maps, progress=progress,
        films=RunFilms.of(folder),
    )  # fmt: skip
    packs = tuple(_write(place, s, cards, study, is_simulated=bool(record.get("simulated"))) for s in planned)
    key = place / "key.csv"
    write_text(key, key_table(planned).to_csv(index=False, lineterminator="\n"))
    write_text(place / "study.json", json.dumps(study, indent=1, ensure_ascii=False) + "\n")
    if not maps.method and not no_heatmaps:
        said.append("the run has no heatmaps: the aided arm shows the answer alone (run `robustkit heatmaps` first).")
    if design == "sequential":
        said.append("sequential: the aided reading is always the second; order and aid cannot be told apart.")
    return PackResult(place, packs, key, place / "study.json", chosen_model, tuple(said))


def _check(reader: Sequence[str], readers: int, *, n: int, practice: int, washout_days: int, film_px: int) -> list[str]:
    for flag, value, least in (
        ("--readers", readers, 1), ("--n", n, 2), ("--practice", practice, 0), ("--washout-days", washout_days, 0),
        ("--film-px", film_px, 200),
    ):  # fmt: skip
        if value < least:
            raise InputError(f"expected at least {least}, got {value}.", where=flag, fix=f"Give {least} or more.")
    names = list(reader) or [f"reader-{k + 1}" for k in range(readers)]
    bad = [r for r in names if not r or not all(c.isalnum() or c in "-_" for c in r)]
    if bad or len(set(names)) < len(names):
        what = f"expected different names of letters, digits, - and _, got {', '.join(map(repr, bad or names))}."
        raise InputError(what, where="--reader", fix="They become names of files: use for example r1 and r2.")
    return names


def _facts(wanted: Sequence[str]) -> tuple[str, ...]:
    telling = [f for f in wanted if f in TELLING]
    if telling:
        what = f"{telling[0]} would tell the reader the answer, or who the patient is."
        raise InputError(what, where="--facts", fix=f"Use clinical facts, for example {', '.join(FACTS)}.")
    return tuple(wanted) or FACTS


def _model(record: Mapping[str, Any], wanted: str | None) -> str:
    names = [str(m["name"]) for m in record["models"]]
    if wanted is not None and wanted not in names:
        what = f"the run has no model {wanted!r}; it has {', '.join(names)}."
        raise InputError(what, where="--model", fix="Choose one of these.")
    return wanted or names[0]


def _answers(folder: RunFolder, cohort: Judged, record: Mapping[str, Any], model: str, *, seed: int) -> dict[str, Any]:
    """Give nominal scores, the carried threshold, and the scores among which ranks are told."""
    import numpy as np

    from robustkit.analysis.matrix import read_answers
    from robustkit.analysis.thresholds import judged_at
    from robustkit.results.folder import written_threshold

    own = read_answers(folder, model, cohort.frame["case_id"].tolist(), [])
    asked = written_threshold(folder, model)
    at = judged_at(cohort, own, record, asked=asked, method="smoothed", draws=200, seed=seed)
    development = own.nominal[cohort.development & np.isfinite(own.nominal)]
    reference = development if len(development) else own.nominal[np.isfinite(own.nominal)]
    said = "development cases" if len(development) else "the cases of this study"
    return {"model": model, "nominal": own.nominal, "cut": at.value, "reference": reference, "reference_said": said}


def _readable(cohort: Judged, answers: Mapping[str, Any]) -> Any:
    """Tell which judged cases were answered and have a film and a box that are known."""
    import numpy as np

    frame = cohort.frame
    has_film = frame["image_path"].astype(str).ne("") if "image_path" in frame else frame["case_id"].eq("")
    has_box = np.isfinite(frame[["x0", "y0", "x1", "y1"]].to_numpy(dtype=np.float64)).all(axis=1)
    found = cohort.judged & np.isfinite(answers["nominal"]) & has_film.to_numpy(dtype=bool) & has_box
    if found.sum() < 2:
        what = f"{int(found.sum())} judged cases were answered and have a film and a box that are known."
        raise InputError(what, where="readers pack", fix="Runs of `robustkit perturb` know both.")
    return found


def _draw(
    cohort: Judged, may_read: Any, *, by: Sequence[str], n: int, practice: int, seed: int
) -> tuple[list[str], list[str], list[str]]:
    import numpy as np
    import pandas as pd

    from robustkit.analysis.reading_plan import sample_cases
    from robustkit.analysis.tables import assign_strata

    frame = cohort.frame[may_read]
    truth = pd.Series(np.where(cohort.positive, "positive", "negative"), index=cohort.frame.index)
    groups = truth[may_read]
    for series in assign_strata(cohort, by).values() if by else ():
        groups = groups.str.cat(series[may_read], sep=" * ")
    cases, trial = sample_cases(frame, groups, n=n, practice=practice, seed=seed)
    said = list(cohort.warnings)
    if len(cases) < n:
        said.append(f"{n} cases were asked for; the run has {len(cases)} that can be read.")
    if len(trial) < practice:
        said.append(f"{practice} practice cases were asked for; {len(trial)} patients are left that are not read.")
    return cases, trial, said


def _claim(place: Path, study: Mapping[str, Any]) -> None:
    """Refuse a folder that holds another study: its packs may be with readers already."""
    file = place / "study.json"
    if not file.is_file():
        return
    try:
        old = parse_json(file.read_text(encoding="utf-8"))
    except ValueError:
        old = {}
    if old.get("study") != study["study"]:
        differs = ", ".join(k for k in study if k != "study" and old.get(k) != study[k]) or "its settings"
        what = f"the folder holds another study ({differs} differ), and its packs may be with readers."
        raise InputError(what, where=str(place), fix="Give another --out.")


def _cards(
    cohort: Judged,
    answers: Mapping[str, Any],
    cases: Sequence[str],
    *,
    facts: Sequence[str],
    film_px: int,
    maps: ShownMaps,
    films: RunFilms,
    progress: Progress | None,
) -> dict[str, tuple[ReadCase, Aid]]:
    """Give every case as it stands in a pack, its code left open, and what the model says of it."""
    import numpy as np

    from robustkit.analysis.reading_plan import ranks_among
    from robustkit.packs.pack import Aid, ReadCase, facts_of, pack_film
    from robustkit.report.heatmap_pictures import placed_on_film

    frame = cohort.frame.set_index("case_id")
    nominal = dict(zip(frame.index, answers["nominal"], strict=True))
    cards = {}
    for k, case in enumerate(cases, start=1):
        row = frame.loc[case]
        film = films.read(str(case), depth="8")
        height, width = film.pixels.shape
        webp, size = pack_film(film.pixels, most_px=film_px)
        x0, y0, x1, y1 = (
            float(row[c]) / side for c, side in zip(("x0", "y0", "x1", "y1"), (width, height) * 2, strict=True)
        )
        score = float(nominal[case])
        shown = maps.maps.get((str(answers["model"]), str(case)))
        heat = placed_on_film(shown, (width, height)) if shown is not None and not shown.reason else None
        rank = float(ranks_among(np.array([score]), answers["reference"])[0])
        card = ReadCase("", webp, size, (x0, y0, x1, y1), facts_of(dict(row), facts))
        cards[str(case)] = (card, Aid(score >= answers["cut"], rank, heat))
        if progress is not None:
            progress("films", k, len(cases))
    return cards


def _write(
    place: Path,
    sitting: Sitting,
    cards: Mapping[str, tuple[ReadCase, Aid]],
    study: Mapping[str, Any],
    *,
    is_simulated: bool,
) -> Packed:
    from dataclasses import replace

    from robustkit.analysis.reading_plan import AIDED
    from robustkit.atomic import write_text
    from robustkit.packs.pack import PackTexts, build_pack

    texts = PackTexts(
        sitting.reader, sitting.session, sitting.arm, str(study["study"]), str(study["question"]),
        ("not at all", "as much as can be"), study["scale"], is_simulated, str(study["reference"]),
    )  # fmt: skip
    own = []
    for i, (case, code) in enumerate(zip(sitting.cases, sitting.codes, strict=True)):
        card, aid = cards[case]
        own.append(
            replace(card, code=code, aid=aid if sitting.arm == AIDED else None, is_practice=i < sitting.n_practice)
        )
    file = place / "packs" / sitting.reader / f"{sitting.name}.html"
    write_text(file, build_pack(texts, own))
    n = len(own) - sitting.n_practice
    return Packed(file, sitting.reader, sitting.session, sitting.arm, n, sitting.n_practice, file.stat().st_size)
