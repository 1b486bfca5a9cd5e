"""The arms of a study: trained, fitted, and chosen on validation rows before a test row is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from robustkit.api._study_cohort import StudyCohort
from robustkit.api._study_work import Made, Work, named_in_errors, slug
from robustkit.provenance import file_digest
from robustkit.study.protocol import IMAGENET, SCRATCH, Network

NO_VALIDATION = "no validation rows: the first arm is the reference, and the first seed of every arm is judged."


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm with its model files.

    Attributes:
        name, kind: As the study file says; kind is ``network``, ``checkpoint`` or that of the baseline.
        weights: What training began with; "" where nothing was trained.
        seeds: Model files by name of the training; one for arms without seeds.
        is_stand_in: Its weights are noise in the place of pretrained ones.
    """

    name: str
    kind: str
    weights: str
    seeds: Mapping[str, Path]
    is_stand_in: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the validation rows decided.

    Attributes:
        model: File of every arm.
        seed: Name of the chosen training of every arm.
        val_auc: Of every training; NaN where it cannot be told.
        reference: The arm that others are tested against.
        reason: Why it could not be chosen; "" where it was.
    """

    model: dict[str, Path]
    seed: dict[str, str]
    val_auc: dict[str, float]
    reference: str
    reason: str = ""
    training: list[Mapping[str, Any]] = field(default_factory=list)


def train_networks(work: Work, cohort: StudyCohort) -> tuple[list[Arm], list[Mapping[str, Any]]]:
    """Train every seed of every network; give the arms and a row of study_training.csv for each training."""
    arms: list[Arm] = []
    rows: list[Mapping[str, Any]] = []
    for network in work.protocol.networks:
        files = {}
        begun_from = _weights(work, network)
        for k in range(network.seeds):
            name = network.name if network.seeds == 1 else f"{network.name}, seed {k + 1}"
            files[name], row = _trained(work, cohort, network, weights=begun_from, k=k, name=name)
            rows.append({"arm": network.name, "seed": k + 1, "training": name, **row})
        weights = f"{network.weights} (noise)" if network.is_stand_in else Path(network.weights).name
        arms.append(Arm(network.name, "network", weights, files, network.is_stand_in))
    return arms, rows


def _trained(
    work: Work, cohort: StudyCohort, network: Network, *, weights: Path | str, k: int, name: str
) -> tuple[Path, Mapping[str, Any]]:
    from robustkit.api.train import train

    output = work.out / "models" / f"{slug(network.name)}-seed{k + 1}.safetensors"
    seed = work.protocol.seed + k
    made_from = {
        "arch": network.arch, "weights": weights if isinstance(weights, str) else file_digest(weights), "seed": seed,
        "cohort": cohort.key, "options": dict(network.options),
    }  # fmt: skip

    def make() -> Made:
        begin: dict[str, Any] = {} if weights == SCRATCH else {"weights": weights}
        result = train(
            **cohort.options, output=output, arch=network.arch, seed=seed, device=work.device, workers=work.workers,
            progress=work.progress, **begin, **network.options,
        )  # fmt: skip
        return [output], {
            "arch": network.arch, "weights": network.weights if network.is_stand_in else Path(network.weights).name,
            "epochs": result.epochs, "best_epoch": result.best_epoch + 1, "val_auc": result.best_val_auc,
            "threshold": _or_none(result.threshold), "n_train": result.n_train, "n_val": result.n_val,
            "seconds": round(result.seconds, 1), "sha256": result.sha256, "warnings": list(result.warnings),
        }  # fmt: skip

    with named_in_errors(f"networks, {network.name}"):
        return output, work.step(f"train {name}", made_from, make).said


def _weights(work: Work, network: Network) -> Path | str:
    """Give the file to begin with, ``scratch`` or ``imagenet``; a stand-in is written first."""
    if network.is_stand_in:
        return _stand_in(work, network)
    return network.weights if network.weights in (SCRATCH, IMAGENET) else Path(network.weights)


def _stand_in(work: Work, network: Network) -> Path:
    """Write a file of seeded noise in the place of pretrained weights, called what it is."""
    number = int(network.weights.partition(":")[2])
    path = work.out / "weights" / f"stand-in-{number}-{slug(network.arch)}.safetensors"

    def make() -> Made:
        import torch
        from safetensors.torch import save

        from robustkit.atomic import write_bytes
        from robustkit.models.builders import empty_network

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(number)
            module, _ = empty_network(network.arch, 1)
        tensors = {k: v.detach().contiguous().clone() for k, v in module.state_dict().items()}
        write_bytes(path, save(tensors, metadata={"about": "robustkit stand-in: seeded noise, no pretraining"}))
        return [path], {}

    work.step(f"stand-in weights {number} for {network.arch}", {"arch": network.arch, "number": number}, make)
    return path


def choose(work: Work, cohort: StudyCohort, arms: list[Arm]) -> Chosen:
    """Choose the training of every arm, and the reference arm, by the AUC on validation rows alone."""
    models = {name: path for arm in arms for name, path in arm.seeds.items()}
    aucs = _validation_aucs(work, cohort, models)
    known = {n: a for n, a in aucs.items() if a == a}
    seed = {a.name: max(a.seeds, key=lambda n: known.get(n, -1.0)) for a in arms}
    candidates = [a for a in arms if a.kind in ("network", "checkpoint")] or arms
    mean = {a.name: sum(known.get(n, 0.0) for n in a.seeds) / len(a.seeds) for a in candidates}
    reference = max(mean, key=lambda n: mean[n])
    model = {a.name: a.seeds[seed[a.name]] for a in arms}
    return Chosen(model, seed, aucs, reference, "" if known else NO_VALIDATION)


def _validation_aucs(work: Work, cohort: StudyCohort, models: Mapping[str, Path]) -> dict[str, float]:
    from robustkit.api._cohort import choose_cohort
    from robustkit.config import FolderConfig

    chosen = choose_cohort(cohort.manifests, fill=cohort.fill, config=FolderConfig(), labels=None)
    if not (chosen.manifest.frame["split"] == "val").any():
        return dict.fromkeys(models, float("nan"))
    folder = work.run("validation", models, splits=["val"], no_images=True, **cohort.options)
    return nominal_aucs(folder, models)


def nominal_aucs(folder: Path, models: Mapping[str, Path]) -> dict[str, float]:
    """Give the AUC of every model over all cases of a run that have a score."""
    import numpy as np

    from robustkit.analysis.cohort import positive_labels
    from robustkit.results.folder import RunFolder
    from robustkit.stats.auc import auc

    run = RunFolder(folder)
    positive = set(positive_labels(run.record()))
    truth = run.cases().set_index("case_id")["label"].isin(positive)
    rows = run.predictions(columns=["model", "case_id", "score"], filters=[("perturbation", "==", "nominal")])
    found = {}
    for name in models:
        own = rows[(rows["model"] == name) & rows["score"].notna()].set_index("case_id")["score"]
        flags = truth.reindex(own.index).to_numpy(dtype=bool)
        both = flags.any() and not flags.all()
        found[name] = auc(flags, own.to_numpy(dtype=np.float64)) if both else float("nan")
    return found


def _or_none(value: float) -> float | None:
    return value if value == value else None
