"""ensemble: the mean of several models, each asked about the same box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from robustkit.cohort.case import Case
from robustkit.geometry import Boxes
from robustkit.inputs import OutputKind
from robustkit.kinds._mean import Mean, check_classes, check_fields, class_answers, mean_outputs, read_mean
from robustkit.models.classifier import Classifier, Logits
from robustkit.models.written import OpenMember, Written
from robustkit.perturbations._base import BoxRules


@dataclass(frozen=True, slots=True)
class EnsembleModel:
    """A CompositeModel.

    Attributes:
        members: Two or more, of the same classes.
        classes: In the order of the outputs.
        mean: Of what.
        outputs: What comes out.
        needs_facts: See ``CompositeModel``.
    """

    members: tuple[Classifier, ...]
    classes: tuple[str, ...]
    mean: Mean
    outputs: OutputKind
    needs_facts: bool = False

    def shown(self, case: Case, boxes: Boxes, *, film: tuple[float, float], rules: BoxRules) -> Boxes:
        """Give ``(R, 1, 4)``: the boxes themselves."""
        return boxes[:, None]

    def fold(self, case: Case, boxes: Boxes, answers: Sequence[Logits]) -> Logits:
        """Give the mean over the members."""
        each = [class_answers(a[:, 0], m, self.classes) for a, m in zip(answers, self.members, strict=True)]
        return mean_outputs(np.stack(each, axis=1), mean=self.mean, outputs=self.outputs)


class Ensemble:
    """body: ``members`` (two or more entries), ``mean`` (``probabilities`` or ``logits``)."""

    name = "ensemble"
    engine: Literal["composite"] = "composite"

    def runner(self, written: Written, *, open_member: OpenMember) -> EnsembleModel:
        """Open the members.

        Raises:
            CheckpointError: Fewer than two, the same twice, or of other classes than the file.
        """
        check_fields(written, ("members", "mean"))
        entries = written.body.get("members")
        if not isinstance(entries, list) or len(entries) < 2:
            raise written.wrong("body.members", "a list of two or more members", entries)
        members = tuple(open_member(e) for e in entries)
        check_classes(written, {f"body.members[{i}]": m for i, m in enumerate(members)})
        asked = [(m.sha256, m.input) for m in members]
        twice = next((i for i, a in enumerate(asked) if a in asked[:i]), None)
        if twice is not None:
            raise written.wrong(f"body.members[{twice}]", "another model than those before it", members[twice].name)
        return EnsembleModel(members, written.classes, read_mean(written), written.outputs)


PLUGIN = Ensemble()
