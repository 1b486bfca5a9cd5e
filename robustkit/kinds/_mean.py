"""The mean of several answers to one question, of one model or of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from robustkit.inputs import OutputKind
from robustkit.models.classifier import Classifier, Logits
from robustkit.models.score import log_probabilities
from robustkit.models.written import Written

Mean = Literal["probabilities", "logits"]
"""What is averaged: probabilities (the arithmetic mean, as the field does), or logits (their geometric mean)."""


def read_mean(written: Written) -> Mean:
    """Give ``body.mean``; ``probabilities`` where the file does not say.

    Raises:
        CheckpointError: It is neither.
    """
    mean = written.body.get("mean", "probabilities")
    if mean not in get_args(Mean):
        raise written.wrong("body.mean", " or ".join(get_args(Mean)), mean)
    return cast(Mean, mean)


def check_fields(written: Written, known: Sequence[str]) -> None:
    """Refuse fields of the body that the kind does not know.

    Raises:
        CheckpointError: They are named.
    """
    unknown = sorted(set(written.body) - set(known))
    if unknown:
        raise written.wrong("body", f"no other fields than {', '.join(known)}", ", ".join(unknown))


def check_classes(written: Written, members: Mapping[str, Classifier]) -> None:
    """Refuse members whose classes are not those of the file.

    Args:
        written: The file.
        members: By the name of their field.

    Raises:
        CheckpointError: They are named, with the classes of both.
    """
    for name, member in members.items():
        if set(member.classes) != set(written.classes):
            theirs, ours = ", ".join(member.classes), ", ".join(written.classes)
            raise written.wrong(name, f"a model of the classes {ours} (answers can be averaged class by class)", theirs)


def class_answers(outputs: Logits, member: Classifier, classes: Sequence[str]) -> NDArray[np.float64]:
    """Give ``(..., C)`` float64 log-probabilities of the classes in the order of the file, whatever the member's."""
    found = log_probabilities(outputs, kind=member.output.kind)
    return found[..., [member.classes.index(c) for c in classes]]


def mean_outputs(answers: NDArray[np.float64], *, mean: Mean, outputs: OutputKind) -> Logits:
    """Give the outputs of a model whose answer is the mean of others'.

    Args:
        answers: ``(R, n, C)`` log-probabilities of n answers.
        mean: Of probabilities, or of logits.
        outputs: ``sigmoid-logit`` or ``softmax-logits``.

    Returns:
        ``(R, 1)`` logits of the last class, or ``(R, C)`` logits; float32.
    """
    if mean == "probabilities":
        pooled = np.logaddexp.reduce(answers, axis=1) - np.log(answers.shape[1])
    else:
        pooled = answers.mean(axis=1)
    if outputs == "sigmoid-logit":
        pooled = pooled[:, -1:] - pooled[:, :1]
    return np.asarray(pooled, dtype=np.float32)
