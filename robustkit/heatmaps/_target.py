"""What a heatmap explains: the logit of the positive classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from robustkit.heatmaps._base import Target
from robustkit.models.classifier import Classifier

_LEAST = 1e-7


def positive_logit(model: Classifier) -> Target:
    """Give the function from ``(B, K)`` outputs to the ``(B,)`` logit of the score: log(p / (1 - p)).

    For one sigmoid logit this is the logit itself, for two softmax logits their difference.
    """
    kind, classes = model.output.kind, model.classes
    chosen = [i for i, name in enumerate(classes) if name in model.positive]
    sign = 1.0 if classes[-1] in model.positive else -1.0
    if kind == "sigmoid-logit":
        return lambda outputs: sign * outputs[:, 0]
    if kind == "softmax-logits":
        rest = [i for i in range(len(classes)) if i not in chosen]
        return lambda outputs: _together(outputs, chosen) - _together(outputs, rest)

    def of_probabilities(outputs: torch.Tensor) -> torch.Tensor:
        p = outputs[:, 0] if outputs.shape[1] == 1 else outputs[:, chosen].sum(dim=1)
        p = p.clamp(_LEAST, 1 - _LEAST)
        return (sign if outputs.shape[1] == 1 else 1.0) * (p.log() - (1 - p).log())

    return of_probabilities


def decided_logit(model: Classifier, threshold: float) -> Target:
    """Give the logit of whichever side of the threshold each answer is on: what speaks for the decision made."""
    logit = positive_logit(model)
    cut = torch.logit(torch.tensor(float(threshold), dtype=torch.float64).clamp(_LEAST, 1 - _LEAST))

    def of_decision(outputs: torch.Tensor) -> torch.Tensor:
        own = logit(outputs)
        return torch.where(own.detach() >= cut.to(own), own, -own)

    return of_decision


def _together(outputs: torch.Tensor, which: Sequence[int]) -> torch.Tensor:
    return torch.logsumexp(outputs[:, list(which)], dim=1)
