"""OpenVINO as it is wanted here: named threads and precision, and nothing sent anywhere."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from robustkit.backends._base import Batch, Precision
from robustkit.backends._graph import Graph, network_copy
from robustkit.errors import BackendError
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


def compile_network(model: Classifier, batch: Batch, *, precision: Precision, streams: int) -> Any:
    """Give the compiled model for one batch shape, one thread for each stream.

    The hints are given one by one: by default OpenVINO takes bf16 where the processor has it, and pins threads.
    """
    ov = quiet_openvino()
    graph = Graph(network_copy(model), model.input).eval()
    # traced with two crops: the tracer runs them several times, and the shape is given below
    crops = torch.from_numpy(batch.zeros()[:2])
    with torch.inference_mode(), warnings.catch_warnings(), _our_words(ov, model):
        # the tracer warns of shapes that become constants: the batch has one shape
        warnings.simplefilter("ignore")
        converted = ov.convert_model(graph, example_input=(crops,), input=[ov.PartialShape(list(batch.shape))])
    hints = {
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        "INFERENCE_NUM_THREADS": streams,
        "NUM_STREAMS": streams,
        "ENABLE_CPU_PINNING": False,
    }
    with _our_words(ov, model):
        return ov.Core().compile_model(converted, "CPU", hints)


def requests(compiled: Any) -> Any:
    """Give a queue of requests: one in work for each stream and one that waits."""
    ov = quiet_openvino()
    return ov.AsyncInferQueue(compiled, 2 * int(compiled.get_property("NUM_STREAMS")))


@contextmanager
def _our_words(ov: Any, model: Classifier) -> Iterator[None]:
    """Turn what the converter and the tracer raise into a BackendError."""
    named = ("GeneralFailure", "InitializationFailure", "NotImplementedFailure", "OpConversionFailure",
             "OpValidationFailure")  # fmt: skip
    faults = tuple(getattr(ov.frontend, n) for n in named if hasattr(ov.frontend, n))
    try:
        yield
    except (RuntimeError, TypeError, ValueError, NotImplementedError, *faults) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        what = f"OpenVINO cannot convert {model.arch or 'the network'} ({said[0][:200]})."
        raise BackendError(what, where=f"model {model.name}", fix="Use --backend eager.") from error
