"""ONNX files: read with onnxruntime; external data only beside the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustkit.errors import CheckpointError, MissingExtraError
from robustkit.inputs import Layout


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """What an ONNX file says: size and layout of its input, numbers per crop, and the path to run it from."""

    path: Path
    height_px: int | None
    width_px: int | None
    n_channels: int
    layout: Layout
    n_outputs: int


def read_onnx(path: Path) -> OnnxGraph:
    """Read the face of an ONNX model.

    Raises:
        CheckpointError: Damaged, weights outside the file's folder, or not one image in and one row out.
        MissingExtraError: onnxruntime is not installed.
    """
    _check_external(path)
    session = open_session(path)
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        what = f"expected one input of four axes, got {[list(i.shape) for i in inputs]}."
        raise CheckpointError(what, where=str(path), fix="Export the classifier alone, images in, scores out.")
    shape = [s if isinstance(s, int) else None for s in inputs[0].shape]
    layout: Layout = "nhwc" if shape[3] in (1, 3) and shape[1] not in (1, 3) else "nchw"
    channels, height, width = (shape[3], shape[1], shape[2]) if layout == "nhwc" else (shape[1], shape[2], shape[3])
    out = outputs[0].shape
    n_outputs = out[-1] if len(out) > 1 and isinstance(out[-1], int) else 1
    return OnnxGraph(path, height, width, int(channels or 3), layout, int(n_outputs))


def open_session(path: Path, *, threads: int = 0) -> Any:
    """Open an onnxruntime session on the CPU."""
    try:
        import onnxruntime
    except ImportError as error:
        fix = "Run: pip install 'robustkit[onnx]'"
        raise MissingExtraError("ONNX files need onnxruntime.", where=str(path), fix=fix) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001  # onnxruntime's own classes are hidden in a private module
        reason = str(error).splitlines()[0][:160]
        what = f"the ONNX file is damaged or not supported ({reason})."
        raise CheckpointError(what, where=str(path), fix="Export it again.") from error


def _check_external(path: Path) -> None:
    """Refuse weights that lie outside the file's own folder."""
    try:
        import onnx
    except ImportError:
        return  # onnxruntime itself refuses external data above the model's folder
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(str(path), load_external_data=False).graph
    except (DecodeError, ValueError, OSError) as error:
        raise CheckpointError("this is no ONNX file.", where=str(path), fix="Copy it again from where it came.") from error
    root = path.parent.resolve()
    for tensor in graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location" and not (root / entry.value).resolve().is_relative_to(root):
                what = f"its weights lie outside its folder ({entry.value})."
                raise CheckpointError(what, where=str(path), fix="Put the data file beside the model.")
