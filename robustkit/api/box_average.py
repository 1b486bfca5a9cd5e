"""box-average: a model that is asked about k redrawn boxes each time, and answers with the mean."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from robustkit.api._averages import Averaged, default_outputs, open_members, write_average


def box_average(
    checkpoint: str,
    *,
    output: Path = Path("box-average.json"),
    k: int = 9,
    level: float = 0.1,
    perturbation: str = "shift",
    seed: int = 0,
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
    """Write a model file whose answer is the mean of a model's answers to k boxes redrawn around the one asked about.

    The k displacements are drawn once for a case and are the same for every box of it: the answer is a function of case
    and box. Their draws are none of those that `perturb` tests with.

    Args:
        checkpoint: Model file; it stays where it is.
        output: The file (JSON, whatever its name).
        k: Boxes, 1..1024; a run takes about k times as long.
        level: How far they are redrawn, in sides of the box, 0..1.
        perturbation: How: ``shift``, or another perturbation of `perturb`.
        seed: Of the draws, 0..2^64-1.
        mean: Of the probabilities of each class, or of the logits.
        arch, input_size, kernel, scaling, margin, fit, channels, classes, positive, outputs, trust_code: See
            ``ModelOptions``.

    Raises:
        CheckpointError: It cannot be opened, or a number is out of its range.
    """
    from robustkit.models.members import member_entry

    options = {
        "arch": arch, "input_size": input_size, "kernel": kernel, "scaling": scaling, "margin": margin, "fit": fit,
        "channels": channels, "classes": classes, "positive": positive, "outputs": outputs, "trust_code": trust_code,
    }  # fmt: skip
    members = open_members([checkpoint], options)
    member = members[0]
    return write_average(
        members,
        output,
        kind="box-average",
        body={
            "member": member_entry(member, beside=output), "k": k, "level": level, "perturbation": perturbation,
            "seed": seed, "mean": mean,
        },
        outputs=default_outputs(member) if member.output.kind == "probabilities" else member.output.kind,
        lineage=f"mean of {member.name} over {k} boxes ({perturbation} {level:g})",
        trust_code=trust_code,
    )  # fmt: skip
