"""run.json: how a run was made, written before the first part and completed after the last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from robustkit.engine.questions import LeafKey, leaf_key, leaves
from robustkit.engine.request import Request
from robustkit.engine.trial import Trial
from robustkit.models.classifier import Classifier
from robustkit.provenance import git_commit, package_versions
from robustkit.results.schema import FORMAT


def first_record(request: Request, *, command: Sequence[str], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Give run.json as it stands before the first part.

    Args:
        request: The resolved run.
        command: As typed.
        facts: What the caller knows besides: ``simulated``, ``warnings``, ``thresholds``, ``has_patients`` ...
    """
    plan = request.plan
    return {
        "format": FORMAT,
        "status": "partial",
        "identity": request.identity(),
        "identity_fields": request.identity_fields(),
        "command": list(command),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": plan.seed,
        "rng": "philox4x32-10",
        "sampler": plan.sampler,
        "set_size": plan.set_size,
        "repeats": plan.repeats,
        "border": plan.border,
        "snap": plan.snap,
        **({"until": request.until.to_dict(), "rounds": []} if request.until else {}),
        "perturbations": [g.to_dict() for g in plan.groups],
        "models": model_entries(request.models, request.backend),
        "manifests": [
            {"path": str(s.path), "sha256": s.sha256, "n_cases": s.n_cases} for s in request.manifest.sources
        ],
        **({"ids": dict(request.ids)} if request.ids else {}),
        "thresholds": [],
        "backend": request.backend,
        "precision": request.precision,
        "batch_size": request.batch_size,
        "device": request.device,
        "crops": request.crops,
        "depth": request.depth,
        "allow_truncated": request.allow_truncated,
        "part_rows": plan.part_rows,
        "packages": package_versions(),
        "git_commit": git_commit(),
        "counts": {"ok": 0, "failed": 0},
        "timings_s": {},
        **facts,
    }


def trial_entries(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Give the entries of ``trials``: how far each backend is from eager fp32."""
    return [t.to_dict() for t in trials]


def model_entries(models: Sequence[Classifier], backends: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give the entries of ``models``; a composite has ``members``, which are entries, too.

    Args:
        models: Of the run.
        backends: By name of a model or of a leaf.
    """
    found = {key: backends[leaf.name] for key, leaf in leaves(models).items()}
    return [_entry(m, found) for m in models]


def _entry(model: Classifier, backends: Mapping[LeafKey, str]) -> dict[str, Any]:
    return {
        "name": model.name,
        "path": str(model.path) if model.path else None,
        "sha256": model.sha256,
        "arch": model.arch,
        "classes": list(model.classes),
        "positive": list(model.positive),
        "input": model.input.to_dict(),
        "output": model.output.kind,
        "operating_points": dict(model.operating_points),
        "lineage": model.lineage,
        "assumed": list(model.assumed),
        **({"training": dict(model.training)} if model.training else {}),
        "backend": model.engine if model.members else backends[leaf_key(model)],
        **({"members": [_entry(m, backends) for m in model.members]} if model.members else {}),
    }
