"""OpenVINO as it is wanted here: named threads and precision, and nothing sent anywhere."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import torch

from robustkit.backends._base import Batch, Precision
from robustkit.backends._graph import Graph, network_copy
from robustkit.backends._threads import compute_threads
from robustkit.models.classifier import Classifier

_HINTS = {"fp32": "f32", "bf16": "bf16"}


def quiet_openvino() -> Any:
    """Give the package ``openvino``, imported so that its usage statistics are not loaded.

    The converter reports each use over the network unless the user has declined. It does without where the
    package for it cannot be imported, and films of patients are near: so it cannot.
    """
    if "openvino_telemetry" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino


def compile_network(model: Classifier, batch: Batch, *, precision: Precision) -> Any:
    """Give the compiled model for one batch shape.

    The hints are given one by one: by default OpenVINO takes bf16 where the processor has it, and pins threads.
    """
    ov = quiet_openvino()
    graph = Graph(network_copy(model), model.input).eval()
    crops = torch.from_numpy(batch.zeros())
    with torch.inference_mode(), warnings.catch_warnings():
        # the tracer warns of shapes that become constants: the batch has one shape
        warnings.simplefilter("ignore")
        converted = ov.convert_model(graph, example_input=(crops,), input=[ov.PartialShape(list(batch.shape))])
    hints = {
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "INFERENCE_NUM_THREADS": compute_threads(),
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
    }
    return ov.Core().compile_model(converted, "CPU", hints)
