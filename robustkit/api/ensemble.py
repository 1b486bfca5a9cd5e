"""ensemble: several models as one, whose answer is the mean of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from robustkit.api._averages import Averaged, default_outputs, open_members, write_average
from robustkit.errors import InputError


def ensemble(
    checkpoints: Sequence[str],
    *,
    output: Path = Path("ensemble.json"),
    mean: Literal["probabilities", "logits"] = "probabilities",
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
) -> Averaged:
    """Write a model file whose answer is the mean of several models' answers to the same box.

    The checkpoints stay where they are: the file names them, relative to its own folder, with their sha256 and with how
    they are read. A checkpoint that changes later is refused.

    Args:
        checkpoints: Two or more model files of the same classes.
        output: The file (JSON, whatever its name).
        mean: Of the probabilities of each class, or of the logits.
        arch, input_size, kernel, scaling, margin, fit, channels, classes, positive, outputs, trust_code: See
            ``ModelOptions``; of every checkpoint.

    Raises:
        InputError: Fewer than two checkpoints, or they call different classes positive.
        CheckpointError: One cannot be opened, or they name different classes.
    """
    if len(checkpoints) < 2:
        what = f"an ensemble needs two or more checkpoints, got {len(checkpoints)}."
        raise InputError(what, fix="Give another one: robustkit ensemble a.pt b.pt -o ensemble.json.")
    from robustkit.models.members import member_entry

    options = {
        "arch": arch, "input_size": input_size, "kernel": kernel, "scaling": scaling, "margin": margin, "fit": fit,
        "channels": channels, "classes": classes, "positive": positive, "outputs": outputs, "trust_code": trust_code,
    }  # fmt: skip
    members = open_members(checkpoints, options)
    return write_average(
        members,
        output,
        kind="ensemble",
        body={"mean": mean, "members": [member_entry(m, beside=output) for m in members]},
        outputs=default_outputs(members[0]),
        lineage=f"mean of {', '.join(m.name for m in members)}",
        trust_code=trust_code,
    )
