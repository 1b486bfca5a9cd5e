"""combined: one model's score, on the logit scale, and facts of the case, weighted by logistic regression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.errors import CheckpointError
from robustkit.geometry import Boxes
from robustkit.kinds._facts import FactsPart, finite, read_facts
from robustkit.kinds._mean import check_fields
from robustkit.models.classifier import Classifier, Logits
from robustkit.models.score import log_probabilities
from robustkit.models.written import OpenMember, Written
from robustkit.perturbations._base import BoxRules


@dataclass(frozen=True, slots=True)
class Combined:
    """A CompositeModel: log-odds = weight x logit of the member's score + those from facts.

    Attributes:
        members: The one model.
        weight: Of the logit of its score.
        part: Columns of facts and their weights, with the intercept.
        needs_facts: See ``CompositeModel``.
    """

    members: tuple[Classifier, ...]
    weight: float
    part: FactsPart
    needs_facts: bool = True

    def shown(self, case: Case, boxes: Boxes, *, film: tuple[float, float], rules: BoxRules) -> Boxes:
        """Give ``(R, 1, 4)``: the boxes themselves."""
        return boxes[:, None]

    def fold(self, case: Case, boxes: Boxes, answers: Sequence[Logits]) -> Logits:
        """Give ``(R, 1)`` logits of the last class."""
        own = score_logits(answers[0][:, 0], self.members[0])
        return self.log_odds(case, boxes, own)[:, None].astype(np.float32)

    def log_odds(self, case: Case, boxes: Boxes, own: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give ``(R,)`` float64 for boxes and the ``(R,)`` logits of the member's score."""
        return self.weight * own + self.part.log_odds(case, boxes)

    def remarks(self, cases: Sequence[Case]) -> tuple[str, ...]:
        """See ``FactsPart.remarks``."""
        return self.part.remarks(cases)


def score_logits(outputs: Logits, model: Classifier) -> NDArray[np.float64]:
    """Give ``(R,)`` float64 logits of the score of ``(R, K)`` outputs: no rounding of the score to 0 or 1 enters."""
    found = log_probabilities(outputs, kind=model.output.kind)
    is_positive = np.array([c in model.positive for c in model.classes])
    for_it, against = (np.logaddexp.reduce(found[:, side], axis=1) for side in (is_positive, ~is_positive))
    return np.asarray(for_it - against)


class CombinedKind:
    """body: ``member``, ``weight``, ``facts``, ``intercept``, ``coefficients``, ``allow_missing``."""

    name = "combined"
    engine: Literal["composite"] = "composite"

    def runner(self, written: Written, *, open_member: OpenMember) -> Combined:
        """Open the member and read the body.

        Raises:
            CheckpointError: A field is missing or wrong, or the member cannot tell positive from negative.
        """
        check_fields(written, ("member", "weight", "facts", "intercept", "coefficients", "allow_missing"))
        member = open_member(written.body.get("member"))
        if not set(member.positive) < set(member.classes):
            what = f"the member {member.name} has no negative class: its score says nothing."
            raise CheckpointError(what, where=str(written.path), fix="Give another model.")
        weight = finite(written, written.body, "weight")
        return Combined((member,), weight, read_facts(written, written.body, read_vocabulary()))


PLUGIN = CombinedKind()
