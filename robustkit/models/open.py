"""Opens any model file: told by content, loaded strictly, never run as a program unless the user says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from robustkit.errors import CheckpointError
from robustkit.models.classifier import Classifier
from robustkit.models.options import ModelOptions, read_sidecar
from robustkit.models.readers import Found, read_model_file, shape_of
from robustkit.models.resolve import resolve_input, resolve_output

BUNDLED = "phantom-oracle"


def open_model(spec: str | Path, options: ModelOptions) -> Classifier:
    """Open a model file, or the bundled ``phantom-oracle``.

    Args:
        spec: Path, or ``phantom-oracle``.
        options: Flags; they are stronger than the sidecar ``<ckpt>.toml``, which is stronger than the file.

    Raises:
        CheckpointError: What is wrong with the file, and how to mend it.
        InputError: A flag that is not allowed or does not fit the file.
    """
    if str(spec) == BUNDLED:
        from robustkit.models.oracle import oracle

        bundled = oracle()
        return replace(bundled, name=options.name) if options.name else bundled
    path = Path(spec)
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
