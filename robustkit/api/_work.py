"""From a request to a finished run folder: find what is there, compute what is left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from robustkit.api._errand import errand
from robustkit.api._films import bind_films, changed_films
from robustkit.api._outcome import Expectation, PerturbResult
from robustkit.api._run import Choices, Prepared, Progress
from robustkit.api._run_folder import find_run, run_folder
from robustkit.atomic import clear_leftovers, replacing
from robustkit.engine.equip import resolve_workers
from robustkit.engine.equipment import Equipment
from robustkit.engine.expect import boxes_by_leaf, boxes_per_row, film_seconds
from robustkit.engine.outfit import Outfit, outfit
from robustkit.engine.plan import resolve_part_rows
from robustkit.engine.questions import leaves
from robustkit.engine.record import first_record, trial_entries
from robustkit.engine.request import Request, Until
from robustkit.engine.runner import Outcome, missing
from robustkit.engine.share import Share, share_of_environment
from robustkit.errors import InputError, StoppedError
from robustkit.executors._base import Job
from robustkit.lock import lock_folder
from robustkit.registry import load
from robustkit.results.folder import RunFolder
from robustkit.stopping import stoppable

if TYPE_CHECKING:
    from robustkit.api._rounds import Round
    from robustkit.executors._base import Executor


def work(
    prepared: Prepared, choices: Choices, *, command: Sequence[str], only_plan: bool, progress: Progress | None
) -> PerturbResult:
    """Find or make the run folder, and compute what is left in it.

    Raises:
        DeviceMemoryError: Before anything was written: there is no memory for the batch that was given, or for one crop.
    """
    share = share_of_environment(os.environ)
    if share.is_part and choices.resume is None and choices.out is None:
        what = f"{share.n} processes are to share one run ({share.source}), and --out does not say which folder."
        raise InputError(what, where="--out", fix="Give all of them the same --out.")
    if share.is_part and choices.until is not None:
        what = f"--until has to see all answers of a round, and this process has a share ({share.source})."
        raise InputError(what, where="--until", fix="Use --executor dask, or a fixed number of --repeats.")
    prepared, folder, record = find_run(prepared, choices)
    if record and record.get("status") == "complete" and not only_plan:
        return _complete(folder, record, prepared, choices, progress=progress)
    ready = _outfit(prepared, choices, is_begun=record is not None)
    prepared = _settled(prepared, ready)
    folder, record = run_folder(prepared, choices)
    prepared = _parted(prepared, choices, record)
    if only_plan:
        return PerturbResult(None, expectation=_expect(prepared, choices, ready, folder if record else None))
    with lock_folder(
        folder.path, doing="robustkit perturb", share=f"{share.index}-of-{share.n}" if share.is_part else ""
    ):
        # another process may have written since this one looked
        record = folder.record() if (folder.path / "run.json").is_file() else None
        if record and record.get("status") == "complete":
            return _complete(folder, record, prepared, choices, progress=progress)
        if choices.executor == "serial" and not share.is_part:
            clear_leftovers(folder.path)
        return _compute(prepared, choices, folder, ready=ready, record=record, command=command,
                        progress=progress, share=share)  # fmt: skip


def _compute(
    prepared: Prepared,
    choices: Choices,
    folder: RunFolder,
    *,
    ready: Outfit,
    record: dict[str, Any] | None,
    command: Sequence[str],
    progress: Progress | None,
    share: Share,
) -> PerturbResult:
    facts = {
        **prepared.facts,
        "warnings": [*prepared.facts["warnings"], *ready.notes],
        "trials": trial_entries(ready.trials),
        "executor": choices.executor,
    }
    prepared = replace(prepared, facts=facts)
    record = record or first_record(prepared.request, command=command, facts=facts)
    folder.write_record(record)
    with replacing(folder.path / "cases.parquet") as temporary:
        prepared.cases.to_parquet(temporary, index=False)
    request = prepared.request
    workers = _readers(prepared, choices)
    plan, said = bind_films(folder.path, request.plan, workers=workers, progress=progress, is_shared=share.is_part)
    prepared = replace(prepared, request=replace(request, plan=plan))
    record = {**record, "warnings": list(dict.fromkeys([*record.get("warnings", ()), *said]))}
    outcome = Outcome(0.0, 0, 0)
    rounds: list[Round] = []

    # one for all rounds: how many crops at a time fit is found out once
    @cache
    def equipment() -> Equipment:
        return _equipment(request, choices, ready)

    while True:
        with stoppable() as stop:
            done, trials = _run_parts(
                prepared, choices, folder, record=record, equip=equipment, share=share, progress=progress,
                is_stopped=stop.is_wanted,
            )  # fmt: skip
        outcome = outcome.plus(done)
        if outcome.left and stop.is_wanted():
            what = f"stopped; {outcome.left} answers are still to be made, all others are kept."
            raise StoppedError(what, where=str(folder.path), fix="The same command goes on from here.")
        record = {**record, **({"trials": trials} if trials else {})}
        if outcome.left:
            return _partial(folder, prepared, outcome, share)
        until = prepared.request.until
        if until is None:
            break
        rounds.append(_measured(folder, prepared))
        record |= {"repeats": prepared.request.plan.repeats, "rounds": [r.to_dict() for r in rounds]}
        following = None if rounds[-1].is_enough(until.precision) else prepared.request.next_round()
        if following is None:
            record |= {"warnings": [*record.get("warnings", ()), *_unreached(rounds[-1], until)]}
            break
        folder.write_record(record)
        if stop.is_wanted():
            what = f"stopped after a round of {prepared.request.plan.repeats} repeats; all answers are kept."
            raise StoppedError(what, where=str(folder.path), fix="The same command goes on from here.")
        prepared = replace(prepared, request=replace(prepared.request, plan=following))
    record = _finish(folder, record, outcome, n_cases=len(prepared.request.plan.cases))
    return _result(folder, record, prepared, outcome=outcome)


def _measured(folder: RunFolder, prepared: Prepared) -> Round:
    # scipy is not among the core packages that every machine has
    from robustkit.api._rounds import measure

    return measure(
        folder, prepared.request, prepared.cases, positive=frozenset(prepared.facts.get("positive_labels", ()))
    )


def _unreached(last: Round, until: Until) -> list[str]:
    return [] if last.is_enough(until.precision) else [last.sentence(until)]


def _run_parts(
    prepared: Prepared,
    choices: Choices,
    folder: RunFolder,
    *,
    record: dict[str, Any],
    equip: Callable[[], Equipment],
    share: Share,
    progress: Progress | None,
    is_stopped: Callable[[], bool],
) -> tuple[Outcome, list[dict[str, Any]]]:
    """Compute the parts that are left and that are this process's; give what was done and trials of other processes.

    Where memory runs out, that is put into the record at once.
    """
    request, plan = prepared.request, prepared.request.plan
    parts = plan.parts()
    rows = {p: len(request.models) * sum(plan.n_rows(i) for i in p) for p in parts}
    left = share.of(parts, missing(plan, folder, parts))
    total = sum(rows.values())
    found = total - sum(rows[p] for p in missing(plan, folder, parts))
    trials: dict[str, dict[str, Any]] = {}

    def told(answer: Mapping[str, Any]) -> None:
        trials.update({t["model"]: t for t in answer.get("trials", ())})
        if set(answer.get("notes", ())) - set(record["warnings"]):
            record["warnings"] = _warnings(folder, record, answer["notes"])
            folder.write_record(record)

    # other processes prepare themselves; here it is done before the clock of the work starts
    equipment = equip() if left and _is_here(prepared, choices) else None
    job = Job(
        plan=plan,
        folder=folder,
        equip=lambda: equipment,
        errand=errand(prepared, choices, folder),
        devices=prepared.devices,
        scheduler=choices.scheduler or "",
        told=told,
        is_stopped=is_stopped,
    )
    done = found
    if progress:
        progress("answers", done, total)
    begun = time.perf_counter()
    for part in _executor(prepared, choices).run(job, left):
        done += rows[part]
        if equipment:
            told({"notes": equipment.notes})
        if progress:
            progress("answers", done, total)
    seconds = time.perf_counter() - begun
    still = sum(rows[p] for p in missing(plan, folder, parts))
    return Outcome(seconds, done - found, found, still), list(trials.values())


def _executor(prepared: Prepared, choices: Choices) -> Executor:
    is_many = choices.executor == "serial" and not _is_here(prepared, choices)
    return cast("Executor", load("executors", "processes" if is_many else choices.executor))


def _is_here(prepared: Prepared, choices: Choices) -> bool:
    """Tell whether this process computes; several devices have a process each."""
    return choices.executor == "serial" and len(prepared.devices) == 1


def _equipment(request: Request, choices: Choices, ready: Outfit) -> Equipment:
    from robustkit.engine.equip import crop_maker

    return Equipment(
        models=request.models,
        feeders=ready.feeders(request.models),
        cropper=crop_maker(request.crops, request.device).prepare(request.device),
        batch_size=request.batch_size,
        device=request.device,
        workers=resolve_workers(choices.workers, request.device),
        depth=choices.depth,
        allow_truncated=request.allow_truncated,
        keeps_images=choices.keeps_images,
    )


def _outfit(prepared: Prepared, choices: Choices, *, is_begun: bool) -> Outfit:
    """Choose and try backends; where other processes compute, they try for themselves."""
    request, wish = prepared.request, prepared.wish
    if not _is_here(prepared, choices):
        return Outfit.untried(request.models, wish, batch_size=request.batch_size, backends=request.backend)
    return outfit(request.models, request.plan, wish, batch_size=request.batch_size, is_begun=is_begun)


def _settled(prepared: Prepared, ready: Outfit) -> Prepared:
    request = replace(prepared.request, backend=ready.backends, batch_size=ready.batch_size)
    return replace(prepared, request=request)


def _parted(prepared: Prepared, choices: Choices, record: Mapping[str, Any] | None) -> Prepared:
    """Divide the run into parts; one that was begun keeps its parts, whose files are named by their cases."""
    request = prepared.request
    begun = int((record or {}).get("part_rows", 0)) or resolve_part_rows(
        choices.part_rows,
        batch_size=request.batch_size,
        boxes_per_row=boxes_per_row(request.models, request.plan),
    )
    return replace(prepared, request=replace(request, plan=replace(request.plan, part_rows=begun)))


def _expect(prepared: Prepared, choices: Choices, ready: Outfit, run_folder: RunFolder | None) -> Expectation:
    """Count the boxes of every model and member; time a batch of every network on empty crops, and every film model."""
    request, plan = prepared.request, prepared.request.plan
    rows = sum(plan.n_rows(i) for i in range(len(plan.cases)))
    boxes = boxes_by_leaf(request.models, plan)
    seconds = 0.0
    feeders = ready.feeders(request.models)
    for name, feeder in feeders.items():
        crops = ready.setting.batches[name].zeros()
        feeder.answers(crops, len(crops))
        begun = time.perf_counter()
        feeder.answers(crops, len(crops))
        seconds += boxes[name] / len(crops) * (time.perf_counter() - begun)
    for leaf in leaves(request.models).values():
        if leaf.engine == "film":
            own = film_seconds(leaf, plan, depth=choices.depth, allow_truncated=request.allow_truncated)
            seconds += boxes[leaf.name] * own / resolve_workers(choices.workers, request.device)
    return Expectation(
        n_cases=len(plan.cases),
        n_conditions=len(plan.conditions),
        answers=rows * len(request.models),
        crops={name: boxes[name] for name in feeders},
        seconds=seconds,
        models=tuple(m.name for m in request.models),
        run=run_folder.path if run_folder else None,
    )


def _warnings(folder: RunFolder, record: Mapping[str, Any], notes: Sequence[str] = ()) -> list[str]:
    """Give the record's warnings, those that processes with other shares of the run have written, and notes."""
    others = folder.record().get("warnings", ())
    return list(dict.fromkeys([*record.get("warnings", ()), *others, *notes]))


def _finish(folder: RunFolder, record: dict[str, Any], outcome: Outcome, *, n_cases: int) -> dict[str, Any]:
    failed = len(folder.failures())
    counts = {"ok": n_cases - failed, "failed": failed}
    timings = {"work": round(record.get("timings_s", {}).get("work", 0.0) + outcome.seconds, 3)}
    said = _warnings(folder, record)
    done = {**record, "status": "complete", "counts": counts, "timings_s": timings, "warnings": said}
    folder.write_record(done)
    return done


def _partial(folder: RunFolder, prepared: Prepared, outcome: Outcome, share: Share) -> PerturbResult:
    """Tell that this process has done its share and others have not."""
    said = (
        f"this process's share ({share.source}) is done; {outcome.left} answers of other processes are still to come."
    )
    return PerturbResult(
        run=folder.path,
        warnings=(*prepared.facts["warnings"], said),
        seconds=outcome.seconds,
        rows_per_s=outcome.made / max(outcome.seconds, 1e-9) if outcome.made else float("nan"),
        is_partial=True,
    )


def _complete(
    folder: RunFolder, record: dict[str, Any], prepared: Prepared, choices: Choices, *, progress: Progress | None
) -> PerturbResult:
    """Give what a finished run says, and which films have become others since."""
    workers = _readers(prepared, choices)
    said = changed_films(folder.path, prepared.request.plan, workers=workers, progress=progress)
    found = _result(folder, record, prepared, was_complete=True)
    return replace(found, warnings=tuple(dict.fromkeys([*found.warnings, *said])))


def _readers(prepared: Prepared, choices: Choices) -> int:
    return resolve_workers(choices.workers, prepared.request.device)


def _result(
    folder: RunFolder,
    record: dict[str, Any],
    prepared: Prepared,
    *,
    was_complete: bool = False,
    outcome: Outcome | None = None,
) -> PerturbResult:
    failures, counts = folder.failures(), record.get("counts", {})
    result = PerturbResult(
        run=folder.path,
        n_ok=counts.get("ok", len(prepared.request.plan.cases) - len(failures)),
        n_failed=counts.get("failed", len(failures)),
        failures=tuple(f"{case}: {reason}" for case, reason in sorted(failures.items())),
        warnings=tuple(record.get("warnings", prepared.facts["warnings"])),
        was_complete=was_complete,
        trials=tuple(t for t in record.get("trials", ())),
    )
    if outcome is None or outcome.made == 0:
        return result
    return replace(result, seconds=outcome.seconds, rows_per_s=outcome.made / max(outcome.seconds, 1e-9))
