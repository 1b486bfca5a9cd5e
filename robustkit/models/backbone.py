"""Begins training from another checkpoint's weights: everything but the classifier, strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from robustkit.errors import CheckpointError
from robustkit.models import radimagenet
from robustkit.models.architectures import is_head
from robustkit.models.content import content_of
from robustkit.models.tensors import read_tensors, unwrap


def load_backbone(network: Any, arch: str, path: Path) -> None:
    """Load all tensors but the classifier's into ``network``.

    Raises:
        CheckpointError: A program, or tensors of another architecture; they are listed.
    """
    if content_of(path) == "safetensors":
        from safetensors.torch import load_file

        tensors = unwrap(load_file(path), where=str(path))
    else:
        tensors = unwrap(read_tensors(path, trust_code=False), where=str(path))
    family = radimagenet.recognise(tensors)
    if family is not None:
        tensors = radimagenet.rename(tensors, family)
    head = network.default_cfg.get("classifier", "fc")
    heads = (head,) if isinstance(head, str) else tuple(head)
    own = {k: tuple(v.shape) for k, v in network.state_dict().items() if not any(is_head(k, h) for h in heads)}
    missing = [k for k in own if k not in tensors and not k.endswith("num_batches_tracked")]
    other = [k for k in own if k in tensors and tuple(tensors[k].shape) != own[k]]
    if missing or other:
        shown = ", ".join([*missing, *other][:6])
        what = f"the weights do not fit {arch}: {len(missing)} tensors missing, {len(other)} of another shape ({shown}, ...)."
        raise CheckpointError(what, where=str(path), fix="Give the --arch that these weights belong to.")
    network.load_state_dict({k: tensors[k] for k in own if k in tensors}, strict=False)
