"""perturb: judge models under repeated random box perturbations, and keep every answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from robustkit.api._outcome import PerturbResult, Progress
from robustkit.errors import InputError

if TYPE_CHECKING:
    from robustkit.engine.conditions import Levels

PRESETS: dict[str, dict[str, str]] = {"reader": {"shift": "0.05,0.1", "edges": "0.05,0.1"}}
"""Readers differ in extent more than in position."""


def perturb(
    *,
    model: Sequence[str],
    manifest: Sequence[Path] = (),
    fill: Sequence[str] = (),
    shifts: Sequence[str] = (),
    perturb: Sequence[str] = (),
    preset: str | None = None,
    units: Literal["side", "px", "mm"] = "side",
    repeats: int = 50,
    sampler: Literal["random", "sobol"] = "random",
    until: float | None = None,
    max_repeats: int = 1600,
    seed: int = 0,
    snap: Literal["auto", "whole", "none"] = "auto",
    border: Literal["inside", "clip", "pad"] = "inside",
    splits: Sequence[str] = (),
    device: str = "auto",
    backend: str = "auto",
    precision: str | None = None,
    batch_size: str = "auto",
    workers: int = 0,
    crops: str = "auto",
    depth: Literal["8", "float"] = "8",
    allow_truncated: bool = False,
    allow_seen: bool = False,
    no_images: bool = False,
    hash_ids: bool = False,
    hash_key: Path | None = None,
    arch: str | None = None,
    input_size: int | None = None,
    kernel: str | None = None,
    scaling: str | None = None,
    margin: float | None = None,
    fit: str | None = None,
    channels: str | None = None,
    classes: str | None = None,
    positive: str | None = None,
    outputs: str | None = None,
    trust_code: bool = False,
    out: Path | None = None,
    new: bool = False,
    resume: Path | None = None,
    executor: Literal["serial", "dask"] = "serial",
    scheduler: str | None = None,
    part_rows: int = 0,
    plan: bool = False,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> PerturbResult:
    """Run every model on the nominal and on the perturbed boxes of every case.

    Args:
        model: ``PATH`` or ``NAME=PATH`` of a checkpoint or a written model, or ``phantom-oracle``; several share the
            same boxes, and what is the same network is run once.
        manifest: Manifests, joined; none: robustkit.toml's, else the simulated phantom cohort.
        fill: ``COLUMN=VALUE`` for all rows of a manifest (``--set``).
        shifts: Levels of ``shift`` in box sides: ``0.1`` or ``0.05,0.1,0.2``.
        perturb: ``KIND=LEVELS`` for every perturbation by name.
        preset: ``reader``.
        units: What a level counts in.
        repeats: Redrawn boxes per level.
        sampler: ``random``, or ``sobol``: scrambled Sobol points, seeded by case, whose means vary much less.
        until: Go on in rounds, each with twice as many repeats in all, until the Monte-Carlo error (sd over repeats
            / sqrt(repeats)) of every case's mean score and of the cohort's AUC at every level is under this. With
            ``sobol`` the true error is smaller than that.
        max_repeats: Where ``until`` gives up.
        seed: 0..2^64-1.
        snap, border: Rounding and border rule of the boxes.
        splits: Rows of these splits alone; default all but ``train``.
        device, backend, precision, batch_size, workers, crops: How it is computed.
        depth, allow_truncated: How films are read.
        no_images: Keep no thumbnails of the films in the run folder.
        hash_ids: Write patient_id and lesion_id as keyed hashes.
        hash_key: File of the key; default robustkit.toml's, else ``robustkit.key`` in the working folder. It is made
            at first use, and runs of the same key have the same hashes.
        allow_seen: Judge cases that the training saw, and say so on every page.
        arch, input_size, kernel, scaling, margin, fit, channels, classes, positive, outputs, trust_code:
            What a checkpoint does not say of itself.
        out: The run folder itself; default ``runs/<UTC time>-<identity>``.
        new: Start another run though a finished one of the same identity is there.
        resume: Go on with this run folder.
        executor: ``serial`` (this machine, all its GPUs) or ``dask``.
        scheduler: Of dask: its address, or ``local:N`` for N workers here.
        part_rows: Rows per model in one part of the results, about: what a kill can lose; 0: chosen.
        plan: Tell the crops and the time expected, and stop.
        command: The command as typed, for run.json.
        progress: Told of films and rows done.

    Returns:
        The finished run, or with ``plan=True`` what it would cost.

    Raises:
        StoppedError: Ctrl-C, after the parts in hand (exit 130); a second one stops at once.
        RobustkitError: Wrong input (exit 2), found before anything is written.
    """
    from robustkit.api._run import Choices, open_models, prepare_request
    from robustkit.api._work import work

    groups = choose_levels(shifts=shifts, perturb=perturb, preset=preset, units=units)
    if repeats < 1:
        raise InputError(f"expected at least 1 repeat, got {repeats}.", where="--repeats", fix="Use --repeats 50.")
    if not 0 <= seed < 2**64:
        raise InputError(f"expected a seed in 0..2^64-1, got {seed}.", where="--seed", fix="Use --seed 0.")
    if until is not None and not 0 < until < 1:
        raise InputError(
            f"expected a precision between 0 and 1, got {until}.", where="--until", fix="Use --until 0.01."
        )
    if until is not None and (repeats < 2 or max_repeats < repeats):
        what = f"--until needs at least 2 repeats and at most --max-repeats ({max_repeats}), got {repeats}."
        raise InputError(what, where="--repeats", fix="Use --repeats 50 --max-repeats 1600.")
    if until is not None and not groups:
        fix = "Add --shifts 0.1."
        raise InputError("there is nothing to repeat without a perturbation.", where="--until", fix=fix)
    if part_rows < 0:
        what = f"expected 0 (auto) or more rows, got {part_rows}."
        raise InputError(what, where="--part-rows", fix="Use --part-rows 0.")
    if hash_key is not None and not hash_ids:
        raise InputError("a key is for hashed ids.", where="--hash-key", fix="Add --hash-ids.")
    if scheduler is not None and executor != "dask":
        raise InputError("a scheduler is for --executor dask.", where="--scheduler", fix="Add --executor dask.")
    options = {
        "arch": arch, "input_size": input_size, "kernel": kernel, "scaling": scaling, "margin": margin, "fit": fit,
        "channels": channels, "classes": classes, "positive": positive, "outputs": outputs, "trust_code": trust_code,
    }  # fmt: skip
    choices = Choices(
        groups=groups, repeats=repeats, seed=seed, snap=snap, border=border, splits=tuple(splits), device=device,
        backend=backend, precision=precision, batch_size=batch_size, workers=workers, crops=crops, depth=depth,
        allow_truncated=allow_truncated, allow_seen=allow_seen, out=out, new=new, resume=resume,
        models=tuple(model), options=options, fill=tuple(fill), sampler=sampler, until=until,
        max_repeats=max_repeats, executor=executor, scheduler=scheduler, part_rows=part_rows,
        keeps_images=not no_images, hash_ids=hash_ids, hash_key=hash_key,
    )  # fmt: skip
    models = open_models(model, options)
    prepared = prepare_request(models, manifest, fill=fill, choices=choices, progress=progress)
    return work(prepared, choices, command=command, only_plan=plan, progress=progress)


def choose_levels(
    *, shifts: Sequence[str], perturb: Sequence[str], preset: str | None, units: Literal["side", "px", "mm"]
) -> tuple[Levels, ...]:
    """Read the perturbation flags.

    Raises:
        InputError: A bad level, an unknown kind or preset, or one kind given twice.
    """
    from robustkit.engine.conditions import parse_levels, parse_perturbation

    groups = [parse_levels(shifts, kind="shift", units=units)] if shifts else []
    groups += [parse_perturbation(text, units=units) for text in perturb]
    if preset is not None:
        if preset not in PRESETS:
            what = f"unknown preset {preset!r}; known: {', '.join(PRESETS)}."
            raise InputError(what, where="--preset", fix="Use --preset reader.")
        groups += [parse_perturbation(f"{k}={v}", units="side") for k, v in PRESETS[preset].items()]
    kinds = [g.kind for g in groups]
    twice = sorted({k for k in kinds if kinds.count(k) > 1})
    if twice:
        what = f"the perturbation {twice[0]} is given more than once."
        raise InputError(what, where="--perturb", fix="Give all its levels at once: --perturb shift=0.05,0.1.")
    return tuple(groups)
