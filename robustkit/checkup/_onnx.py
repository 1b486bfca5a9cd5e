"""An ONNX file whose answers follow from arithmetic, run as any ONNX model is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robustkit.backends._base import Batch, fetch
from robustkit.engine.equip import backend
from robustkit.engine.trial import distance
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

_SIDE, _N = 8, 4
_WEIGHT, _BIAS = 3.0, -1.0


def onnx_distance(folder: Path) -> float:
    """Write, open and run a network that gives 3 x mean - 1, and compare.

    Returns:
        The largest |answer - expected| / max(1, |expected|).

    Raises:
        ImportError: onnx or ONNX Runtime is not installed.
    """
    import onnxruntime  # noqa: F401

    model = open_model(str(_write(folder / "mean.onnx")), _OPTIONS)
    batch = Batch(_N, _SIDE, _SIDE)
    crops = np.arange(_N * _SIDE * _SIDE, dtype=np.uint8).reshape(batch.shape)
    found = fetch([backend("onnxruntime").prepare(model, batch, device="cpu", precision="fp32")(crops)])
    expected = _WEIGHT * crops.reshape(_N, -1).astype(np.float64).mean(axis=1) / 255 + _BIAS
    return distance(found, expected[:, None].astype(np.float32))


_OPTIONS = ModelOptions(
    input_size=_SIDE, scaling="unit", channels="grey", classes="benign,non-benign", positive="non-benign",
    outputs="sigmoid-logit",
)  # fmt: skip


def _write(file: Path) -> Path:
    import onnx
    from onnx import TensorProto, helper

    shape = ["n", 1, _SIDE, _SIDE]
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weight", "bias"], ["logit"]),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n", 1])],
        [
            helper.make_tensor("weight", TensorProto.FLOAT, [1, 1], [_WEIGHT]),
            helper.make_tensor("bias", TensorProto.FLOAT, [1], [_BIAS]),
        ],
    )
    # versions that every ONNX Runtime of the extra reads
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, str(file))
    return file
