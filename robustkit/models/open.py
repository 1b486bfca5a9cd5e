"""Opens any model file: told by content, loaded strictly, never run as a program unless the user says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from robustkit.documents import is_file
from robustkit.errors import CheckpointError, InputError
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models.classifier import Classifier
from robustkit.models.content import content_of
from robustkit.models.options import ModelOptions, read_sidecar, said_options
from robustkit.models.readers import Found, read_model_file, shape_of
from robustkit.models.resolve import resolve_input, resolve_output
from robustkit.models.written import OpenMember, Written, kind_of, read_written
from robustkit.provenance import digest, file_digest

BUNDLED = "phantom-oracle"


@dataclass(slots=True)
class Room:
    """How many members one model file may still open, on all levels together.

    Thirty levels of two files, each an ensemble of both below, would otherwise open a thousand million networks.
    """

    left: int = 64

    def take(self, where: str) -> None:
        """Count one more.

        Raises:
            CheckpointError: It is one too many.
        """
        self.left -= 1
        if self.left < 0:
            what = "the model has more than 64 members, those of its members included."
            raise CheckpointError(what, where=where, fix="Name each network once.")


def open_model(spec: str | Path, options: ModelOptions) -> Classifier:
    """Open a model file, or the bundled ``phantom-oracle``.

    Args:
        spec: Path, or ``phantom-oracle``.
        options: Flags; they are stronger than the sidecar ``<ckpt>.toml``, which is stronger than the file. Of a written
            model they name it and choose its positive classes; how its members are read, it says itself.

    Raises:
        CheckpointError: What is wrong with the file, and how to mend it.
        InputError: A flag that is not allowed or does not fit the file.
    """
    if str(spec) == BUNDLED:
        from robustkit.models.oracle import oracle

        bundled = oracle()
        return replace(bundled, name=options.name) if options.name else bundled
    return _open(Path(spec), options, Room())


def _open(path: Path, options: ModelOptions, room: Room) -> Classifier:
    if content_of(path) == "written":
        return classifier_of_written(read_written(path), options, room=room)
    options = options.over(read_sidecar(path))
    return classifier_of(path, read_model_file(path, options), options)


def classifier_of(path: Path, found: Found, options: ModelOptions) -> Classifier:
    """Resolve what the file, its sidecar and the flags say together.

    Args:
        path: Of the file.
        found: What the file alone tells.
        options: Flags over sidecar.

    Raises:
        CheckpointError: A backbone without a classifier, an input that the network does not take, or an open question.
    """
    where = str(path)
    if found.outputs.n == 0:
        made = f"{found.lineage}: " if found.lineage else ""
        what = f"the file holds a backbone without a classifier ({made}{found.arch}, {found.n_tensors} tensors)."
        fix = "Fine-tune it first: `robustkit train --weights FILE`; then judge the checkpoint that comes out."
        raise CheckpointError(what, where=where, fix=fix)
    seen, assumed = resolve_input(options, found.wanted)
    if found.engine == "torch":
        from robustkit.models.archive import count_outputs

        count_outputs(found.runner, shape_of(seen), where=where)
    meaning = resolve_output(options, found.outputs, where=where)
    return Classifier(
        name=options.name or path.name.removesuffix(path.suffix),
        path=path.resolve(),
        sha256=found.sha256,
        arch=found.arch,
        input=seen,
        output=meaning.output,
        classes=meaning.classes,
        positive=meaning.positive,
        engine=found.engine,
        runner=found.runner,
        lineage=options.lineage or found.lineage,
        assumed=(*found.notes, *assumed, *meaning.assumed),
        operating_points=options.operating_points or found.operating_points,
        seen=found.seen,
    )


def classifier_of_written(written: Written, options: ModelOptions, *, room: Room | None = None) -> Classifier:
    """Open what a written model file says, and its members.

    Raises:
        CheckpointError: No such kind, a field that is wrong, or a member that is missing or another file now.
        InputError: ``--positive`` names no class of it.
    """
    path, kind = written.path, kind_of(written)
    runner = kind.runner(written, open_member=member_opener(path, trust_code=options.trust_code, room=room))
    members: tuple[Classifier, ...] = getattr(runner, "members", ())
    network = next((m for m in _leaves(members) if m.is_network), None)
    return Classifier(
        name=options.name or path.name.removesuffix(path.suffix),
        path=path.resolve(),
        sha256=whole_digest(path, members),
        arch=written.kind,
        input=network.input if network else InputSpec(),
        output=OutputSpec(written.outputs),
        classes=written.classes,
        positive=_positive(written, options),
        engine=kind.engine,
        runner=runner,
        lineage=written.lineage,
        assumed=(*written.assumed, *(f"{m.name}: {a}" for m in members for a in m.assumed)),
        operating_points=written.operating_points,
        seen=written.seen,
        training=written.training,
    )


def whole_digest(path: Path, members: Sequence[Classifier]) -> str:
    """Give the SHA-256 of a written model: of its file; with members, of the list of the file's and theirs."""
    own = file_digest(path)
    return digest([own, *(m.sha256 for m in members)]) if members else own


def member_opener(path: Path, *, trust_code: bool, room: Room | None = None) -> OpenMember:
    """Give what opens the members of a written model.

    An entry has ``path`` (relative to the folder of the file, or absolute), ``sha256`` (of the member's bytes), and, as
    in a sidecar, whatever the member's own file does not say.

    Args:
        path: The written model.
        trust_code: Open members that are programs.
        room: For how many more; shared with the members' own members.
    """
    where, left = str(path), room or Room()

    def opened(entry: Any) -> Classifier:
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            what = f'expected a member such as {{"path": "a.pt", "sha256": "..."}}, got {entry!r}.'
            raise CheckpointError(what, where=where, fix="Correct body.")
        left.take(where)
        file = path.resolve().parent / entry["path"]
        if not is_file(file):
            what = f"the member {entry['path']} is missing."
            raise CheckpointError(what, where=where, fix=f"Put it to {file}, or correct its path.")
        file = file.resolve()
        found = file_digest(file)
        if entry.get("sha256") != found:
            what = f"the member {entry['path']} is another file now than when this model was written."
            fix = f"Put that file back, or write the model again (the file's sha256 is {found})."
            raise CheckpointError(what, where=where, fix=fix)
        rest = {k: v for k, v in entry.items() if k not in ("path", "sha256")}
        said = said_options(rest, who=f"the member {entry['path']}", where=where)
        return _open(file, replace(said, trust_code=trust_code), left)

    return opened


def _leaves(members: tuple[Classifier, ...]) -> Iterator[Classifier]:
    for member in members:
        yield from _leaves(member.members) if member.members else (member,)


def _positive(written: Written, options: ModelOptions) -> tuple[str, ...]:
    told = tuple(n.strip() for n in (options.positive or "").split(",") if n.strip())
    unknown = [p for p in told if p not in written.classes]
    if unknown:
        what = f"{', '.join(unknown)} is no class of the model; its classes are {', '.join(written.classes)}."
        raise InputError(what, where=f"--positive, {written.path}", fix="Choose among these.")
    return told or written.positive
