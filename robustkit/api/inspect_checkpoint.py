"""inspect: tell what a model file is, what it says of itself, and what is still open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from robustkit.models.inspection import Inspection


def inspect_checkpoint(
    checkpoint: str,
    *,
    arch: str | None = None,
    input_size: int | None = None,
    kernel: str | None = None,
    scaling: str | None = None,
    margin: float | None = None,
    fit: str | None = None,
    channels: str | None = None,
    classes: str | None = None,
    positive: str | None = None,
    outputs: str | None = None,
    trust_code: bool = False,
    write_sidecar: bool = False,
) -> Inspection:
    """Open a model file and tell what was found; it is not run on any film.

    Args:
        checkpoint: Path, or ``phantom-oracle``.
        arch, input_size, kernel, scaling, margin, fit, channels, classes, positive, outputs, trust_code: See
            ``ModelOptions``; stronger than the sidecar and the file.
        write_sidecar: Write ``<ckpt>.toml`` beside it, with ``"?"`` where nobody has said.

    Raises:
        CheckpointError: The file cannot be opened; it is named as what it is.
    """
    from robustkit.models.inspection import inspect_file
    from robustkit.models.options import ModelOptions

    options = ModelOptions(
        arch=arch,
        input_size=input_size,
        kernel=kernel,
        scaling=scaling,
        margin=margin,
        fit=fit,
        channels=channels,
        classes=classes,
        positive=positive,
        outputs=outputs,
        trust_code=trust_code,
    )
    return inspect_file(checkpoint, options, write_sidecar=write_sidecar)
