"""box-average: the mean of one model's answers over k boxes redrawn around the one that it is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from robustkit.cohort.case import Case
from robustkit.geometry import Boxes
from robustkit.inputs import OutputKind
from robustkit.kinds._mean import Mean, check_classes, check_fields, class_answers, mean_outputs, read_mean
from robustkit.models.classifier import Classifier, Logits
from robustkit.models.written import OpenMember, Written
from robustkit.perturbations._base import BoxRules, Perturbation, reach_px, settled
from robustkit.registry import load, names
from robustkit.seeds import uniforms

STREAM = 2**31 + 2**16
"""Of the counter: far from those of the perturbations and of training, so that no box of a test is foreseen."""

MOST = 1024


@dataclass(frozen=True, slots=True)
class BoxAverageModel:
    """A CompositeModel.

    The k displacements are drawn once for a case, in sides of the box, and are the same for every box of the case: the
    answer is a function of case and box, and two boxes that are near each other have answers that are.

    Attributes:
        members: The one model.
        classes: In the order of the outputs.
        k: Boxes that are redrawn.
        level: How far, as in ``robustkit perturb``, in sides of the box; 0: not at all.
        perturbation: How.
        seed: Of the draws.
        mean: Of what.
        outputs: What comes out.
        needs_facts: See ``CompositeModel``.
    """

    members: tuple[Classifier, ...]
    classes: tuple[str, ...]
    k: int
    level: float
    perturbation: Perturbation
    seed: int
    mean: Mean
    outputs: OutputKind
    needs_facts: bool = False

    def shown(self, case: Case, boxes: Boxes, *, film: tuple[float, float], rules: BoxRules) -> Boxes:
        """Give ``(R, k, 4)`` redrawn boxes; with level 0 ``(R, 1, 4)``, the boxes themselves."""
        if self.level == 0:
            return boxes[:, None]
        drawn = uniforms(self.seed, [case.case_id], repeats=range(self.k), stream=STREAM)
        draws = np.broadcast_to(drawn, (len(boxes), self.k, 4))
        reach = reach_px(boxes, self.level, units="side", spacing_mm=np.full(len(boxes), np.nan))
        moved = self.perturbation.move(boxes, reach, self.level, draws)
        frame = np.broadcast_to(np.asarray(film, dtype=np.float64), (len(boxes), 2))
        return settled(moved, boxes, film=frame, rules=rules, keeps_size=self.perturbation.keeps_size)

    def fold(self, case: Case, boxes: Boxes, answers: Sequence[Logits]) -> Logits:
        """Give the mean over the boxes; the mean of equal answers is that answer, to the last bit."""
        (outputs,), (member,) = answers, self.members
        pooled = mean_outputs(class_answers(outputs, member, self.classes), mean=self.mean, outputs=self.outputs)
        if (member.output.kind, member.classes) != (self.outputs, self.classes):
            return pooled
        is_one = (outputs == outputs[:, :1]).all(axis=(1, 2))
        return np.where(is_one[:, None], outputs[:, 0], pooled)


class BoxAverage:
    """body: ``member``, ``k``, ``level``, ``perturbation`` (``shift``), ``seed`` (0), ``mean`` (``probabilities``)."""

    name = "box-average"
    engine: Literal["composite"] = "composite"

    def runner(self, written: Written, *, open_member: OpenMember) -> BoxAverageModel:
        """Open the member.

        Raises:
            CheckpointError: A field is missing or out of its range, or the member has other classes than the file.
        """
        check_fields(written, ("member", "k", "level", "perturbation", "seed", "mean"))
        body = written.body
        k, level, seed = body.get("k"), body.get("level"), body.get("seed", 0)
        if type(k) is not int or not 1 <= k <= MOST:
            raise written.wrong("body.k", f"a whole number from 1 to {MOST}", k)
        if isinstance(level, bool) or not isinstance(level, int | float) or not 0 <= level <= 1:
            raise written.wrong("body.level", "a number from 0 to 1, in sides of the box", level)
        if type(seed) is not int or not 0 <= seed < 2**64:
            raise written.wrong("body.seed", "a whole number from 0 to 2^64-1", seed)
        kind = body.get("perturbation", "shift")
        if kind not in names("perturbations"):
            raise written.wrong("body.perturbation", f"one of {', '.join(names('perturbations'))}", kind)
        member = open_member(body.get("member"))
        check_classes(written, {"body.member": member})
        return BoxAverageModel(
            members=(member,),
            classes=written.classes,
            k=k,
            level=float(level),
            perturbation=cast(Perturbation, load("perturbations", kind)),
            seed=seed,
            mean=read_mean(written),
            outputs=written.outputs,
        )


PLUGIN = BoxAverage()
