"""ONNX graphs: any batch, fixed or open; what it cannot run is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save
from robustkit.backends.onnxruntime import PLUGIN
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

from forwards import forward_of

CROPS = np.random.default_rng(6).integers(0, 256, (5, 4, 6), dtype=np.uint8)
LOGIT = ModelOptions(outputs="sigmoid-logit", scaling="unit")


def _mean_of_a_plane(path: Path, batch: int | str, layout: str) -> Path:
    """Write a graph that gives the mean of each crop, times 3, minus 1."""
    shape = [batch, 1, 4, 6] if layout == "nchw" else [batch, 4, 6, 1]
    constants = [numpy_helper.from_array(np.array(v, dtype=np.float32), n) for n, v in (("a", [3.0]), ("b", [1.0]))]
    axes = numpy_helper.from_array(np.array([1, 2, 3], dtype=np.int64), "axes")
    column = numpy_helper.from_array(np.array([-1, 1], dtype=np.int64), "column")
    nodes = [
        helper.make_node("ReduceMean", ["x", "axes"], ["m"], keepdims=0),
        helper.make_node("Mul", ["m", "a"], ["s"]),
        helper.make_node("Sub", ["s", "b"], ["t"]),
        helper.make_node("Reshape", ["t", "column"], ["y"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, 1])
    graph = helper.make_graph(nodes, "mean", [x], [y], initializer=[*constants, axes, column])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), str(path))
    return path


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("batch", ["n", 1, 2, 8])
def test_every_batch(tmp_path: Path, batch: int | str, layout: str) -> None:
    model = open_model(_mean_of_a_plane(tmp_path / "m.onnx", batch, layout), LOGIT)
    assert (model.input.layout, model.input.height_px, model.input.width_px) == (layout, 4, 6)
    out = forward_of(PLUGIN, model, CROPS)(CROPS)
    assert out.shape == (5, 1)
    assert out[:, 0] == pytest.approx(CROPS.mean(axis=(1, 2)) / 255 * 3 - 1, abs=1e-6)


def test_what_it_cannot_run(tmp_path: Path) -> None:
    model = open_model(_mean_of_a_plane(tmp_path / "m.onnx", "n", "nchw"), LOGIT)
    assert PLUGIN.can_run(model, device="cpu", precision="fp32") == ""
    assert "--device cpu" in PLUGIN.can_run(model, device="cuda:0", precision="fp32")
    assert "fp32" in PLUGIN.can_run(model, device="cpu", precision="bf16")
    oracle = open_model("phantom-oracle", ModelOptions())
    assert "ONNX files only" in PLUGIN.can_run(oracle, device="cpu", precision="fp32")
