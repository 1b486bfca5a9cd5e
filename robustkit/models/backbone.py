"""Begins training from another checkpoint's weights: everything but the classifier, strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robustkit.errors import CheckpointError
from robustkit.models.architectures import is_head
from robustkit.models.builders import row_of
from robustkit.models.content import content_of
from robustkit.models.match import match
from robustkit.models.native import read_safetensors
from robustkit.models.network import mismatch
from robustkit.models.tensors import read_tensors, unwrap


def load_backbone(network: Any, arch: str, path: Path) -> None:
    """Load all tensors but the classifier's into ``network``, whatever they are wrapped in.

    Args:
        network: Of ``empty_network(arch, ...)``.
        arch: Its name.
        path: Any torch or safetensors file of weights, RadImageNet's included.

    Raises:
        CheckpointError: A program, or tensors of another architecture; they are listed.
    """
    content = content_of(path)
    if content not in ("safetensors", "torch"):
        what = f"expected weights (a state dict or safetensors), got {content}."
        raise CheckpointError(what, where=str(path), fix="Save the state dict of that model.")
    held = read_safetensors(path)[0] if content == "safetensors" else read_tensors(path, trust_code=False)
    tensors = unwrap(held, where=str(path)).tensors
    row = row_of(arch)
    matched = match(tensors, (row,), where=str(path))
    if matched is None or matched.found.n_channels != 3:
        raise mismatch(tensors, arch, where=str(path))
    kept = {k: v for k, v in network.state_dict().items() if is_head(k, row.head)}
    network.load_state_dict({**kept, **matched.body}, strict=False)
