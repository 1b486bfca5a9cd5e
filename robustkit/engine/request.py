"""The noun Request: everything that decides a run's numbers, and the identity made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from robustkit.cohort.manifest import Manifest
from robustkit.engine.plan import Plan
from robustkit.models.classifier import Classifier
from robustkit.provenance import digest
from robustkit.stats.montecarlo import LEAST_SETS


@dataclass(frozen=True, slots=True)
class Until:
    """When repeats are enough.

    Attributes:
        precision: What the Monte-Carlo errors have to be under.
        start: Repeats of the first round; every round doubles their number.
        most: Repeats that are not exceeded.
    """

    precision: float
    start: int
    most: int

    def to_dict(self) -> dict[str, Any]:
        """Give the entry of run.json."""
        return {"precision": self.precision, "start": self.start, "most": self.most}


@dataclass(frozen=True, slots=True)
class Request:
    """One run, fully resolved.

    Attributes:
        manifest: Of the cases that are shown.
        models: Loaded.
        plan: Cases, boxes, seed, repeats, border, snap.
        backend: By name of a model or of a leaf, as resolved.
        precision, batch_size, device: As resolved.
        depth, allow_truncated, crops: How films are read and cut.
        until: When repeats are enough; None: as many as the plan has.
        ids: How ids are hashed, and by which key; None where they are not.
    """

    manifest: Manifest
    models: tuple[Classifier, ...]
    plan: Plan
    backend: dict[str, str]
    precision: str
    batch_size: int
    device: str
    depth: str
    allow_truncated: bool
    crops: str
    until: Until | None = None
    ids: Mapping[str, Any] | None = None

    def identity_fields(self) -> dict[str, Any]:
        """Give the fields of the run's identity (design, section 3.1)."""
        plan = self.plan
        return {
            "manifests": [s.sha256 for s in self.manifest.sources],
            "cases": digest([[c.case_id, *c.box.array().tolist(), c.label, c.split] for c in plan.cases]),
            "models": [_model_identity(m) for m in self.models],
            "perturbations": [g.to_dict() for g in plan.groups],
            "repeats": self.until.start if self.until else plan.repeats,
            "sampler": plan.sampler,
            "border": plan.border,
            "snap": plan.snap,
            "seed": plan.seed,
            "backend": self.backend,
            "precision": self.precision,
            "batch_size": self.batch_size,
            "depth": self.depth,
            "allow_truncated": self.allow_truncated,
            **({"until": self.until.to_dict()} if self.until else {}),
            **({"ids": dict(self.ids)} if self.ids else {}),
        }

    def next_round(self) -> Plan | None:
        """Give the plan of the repeats to add, or None where there are enough or no more are allowed."""
        if self.until is None:
            return None
        # the error of Sobol points is told between whole sets: fewer would be a round for nothing
        least = LEAST_SETS * self.plan.set_size if self.plan.set_size > 1 else 0
        repeats = min(max(2 * self.plan.repeats, least), self.until.most)
        return (
            replace(self.plan, first_repeat=self.plan.repeats, repeats=repeats) if repeats > self.plan.repeats else None
        )

    def identity(self) -> str:
        """Give the SHA-256 over the canonical JSON of the identity fields."""
        return digest(self.identity_fields())


def _model_identity(model: Classifier) -> dict[str, Any]:
    return {
        "name": model.name,
        "sha256": model.sha256,
        "input": model.input.to_dict(),
        "output": model.output.kind,
        "classes": list(model.classes),
        "positive": list(model.positive),
        **({"members": [_model_identity(m) for m in model.members]} if model.members else {}),
    }
