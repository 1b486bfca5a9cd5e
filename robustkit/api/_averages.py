"""What `ensemble` and `box-average` share: members opened, the model written, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.errors import InputError

if TYPE_CHECKING:
    from robustkit.inputs import OutputKind
    from robustkit.models.classifier import Classifier


@dataclass(frozen=True, slots=True)
class Averaged:
    """A written model of members.

    Attributes:
        path: The file.
        kind: ``ensemble`` or ``box-average``.
        sha256: Of the file and its members, as run.json will have it.
        members: Names.
        classes, positive: Of its answers.
        mean: Of ``probabilities`` or ``logits``.
        assumed: What no member's file, sidecar or flag said, one sentence each; it is written down in the file.
    """

    path: Path
    kind: str
    sha256: str
    members: tuple[str, ...]
    classes: tuple[str, ...]
    positive: tuple[str, ...]
    mean: str
    assumed: tuple[str, ...]


def open_members(checkpoints: Sequence[str], options: Mapping[str, Any]) -> tuple[Classifier, ...]:
    """Open the checkpoints with the flags that were given.

    Raises:
        InputError: One cannot be opened.
    """
    from robustkit.models.open import open_model
    from robustkit.models.options import ModelOptions

    return tuple(open_model(c, ModelOptions(**options)) for c in checkpoints)


def default_outputs(member: Classifier) -> OutputKind:
    """Give what comes out of a mean: one logit for two classes, else one for each."""
    return "sigmoid-logit" if len(member.classes) == 2 else "softmax-logits"


def write_average(
    members: Sequence[Classifier],
    output: Path,
    *,
    kind: str,
    body: Mapping[str, Any],
    outputs: OutputKind,
    lineage: str,
    trust_code: bool,
) -> Averaged:
    """Open the model as it will be read, then write it.

    Raises:
        InputError: Members that call other classes positive.
        CheckpointError: Members that cannot be averaged; nothing is written.
    """
    from robustkit.models.open import member_opener, whole_digest
    from robustkit.models.written import Written, kind_of, save_written

    first = members[0]
    for other in members[1:]:
        if set(other.classes) == set(first.classes) and set(other.positive) != set(first.positive):
            theirs, ours = ", ".join(other.positive), ", ".join(first.positive)
            what = f"{other.name} calls {theirs} positive, {first.name} {ours}."
            raise InputError(what, where="--positive", fix="Say --positive with those that are meant.")
    written = Written(
        kind=kind,
        classes=first.classes,
        positive=first.positive,
        body=body,
        outputs=outputs,
        lineage=lineage,
        assumed=tuple(f"{m.name}: {a}" for m in members for a in m.assumed),
        path=output,
    )
    runner = kind_of(written).runner(written, open_member=member_opener(output, trust_code=trust_code))
    save_written(output, written)
    return Averaged(
        path=output,
        kind=kind,
        sha256=whole_digest(output, getattr(runner, "members", ())),
        members=tuple(m.name for m in members),
        classes=written.classes,
        positive=written.positive,
        mean=str(body["mean"]),
        assumed=written.assumed,
    )
