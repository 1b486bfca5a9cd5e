"""clinical: logistic regression on a case's facts; sizes are those of the box that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.cohort.vocabulary import read_vocabulary
from robustkit.geometry import Boxes
from robustkit.kinds._facts import FactsPart, read_facts
from robustkit.kinds._mean import check_fields
from robustkit.models.written import OpenMember, Written


@dataclass(frozen=True, slots=True)
class Clinical:
    """A FactsModel.

    Attributes:
        part: Its columns and their weights.
    """

    part: FactsPart

    def logits(self, case: Case, boxes: Boxes) -> NDArray[np.float32]:
        """Give ``(R, 1)`` logits of the last class for ``(R, 4)`` boxes."""
        return self.part.log_odds(case, boxes)[:, None].astype(np.float32)

    def remarks(self, cases: Sequence[Case]) -> tuple[str, ...]:
        """See ``FactsPart.remarks``."""
        return self.part.remarks(cases)


class ClinicalKind:
    """A body of ``facts``, ``intercept``, ``coefficients``, ``allow_missing``."""

    name = "clinical"
    engine: Literal["facts"] = "facts"

    def runner(self, written: Written, *, open_member: OpenMember) -> Clinical:
        """Read the body.

        Raises:
            CheckpointError: A field is missing or wrong.
        """
        check_fields(written, ("facts", "intercept", "coefficients", "allow_missing"))
        return Clinical(read_facts(written, written.body, read_vocabulary()))


PLUGIN = ClinicalKind()
