"""A batch that does not fit is shown in halves, and a crop that does not fit alone is lost, with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from robustkit.backends._base import fetch
from robustkit.backends._memory import device_memory
from robustkit.engine.feeding import Feeder
from robustkit.errors import DeviceMemoryError

BATCH = np.arange(8, dtype=np.uint8).reshape(8, 1, 1)


class _Narrow:
    """Answers each crop with its pixel; has room for ``room`` crops, and never for a crop of ``bad``."""

    def __init__(self, room: int, *, bad: int = -1, error: Exception | None = None) -> None:
        self.room, self.bad, self.error = room, bad, error or torch.OutOfMemoryError("CUDA out of memory.")
        self.sizes: list[int] = []

    def __call__(self, crops: Any, filled: int | None = None) -> np.ndarray:
        self.sizes.append(len(crops))
        if len(crops) > self.room or (crops == self.bad).any():
            raise self.error
        return np.asarray(crops, dtype=np.float32)[:, 0]


def _feeder(forward: _Narrow, *, size: int = 8, device: str = "cuda:0") -> Feeder:
    return Feeder(forward, name="net", size=size, n_outputs=1, device=device)  # type: ignore[arg-type]


@pytest.mark.parametrize(("room", "sizes"), [(8, [8]), (7, [8, 4, 4]), (3, [8, 4, 2, 2, 2, 2])])
def test_the_largest_half_that_fits(room: int, sizes: list[int]) -> None:
    forward = _Narrow(room)
    fed = _feeder(forward)(BATCH)
    assert (forward.sizes, fed.n_rows, dict(fed.lost)) == (sizes, 8, {})
    assert fetch(fed.outputs).ravel().tolist() == list(range(8))


def test_the_smaller_number_is_kept_and_told(caplog: pytest.LogCaptureFixture) -> None:
    forward = _Narrow(4)
    feeder = _feeder(forward)
    feeder(BATCH)
    forward.room = 8
    feeder(BATCH)
    assert forward.sizes == [8, 4, 4, 4, 4]
    assert feeder.notes == ("net: memory ran out on cuda:0, and the network was shown 4 crops at a time.",)
    assert (
        "net: cuda:0 has no memory left for a batch of 8 crops of 1 x 1 px. Going on with 4 at a time." in caplog.text
    )


@pytest.mark.parametrize(("size", "sizes"), [(5, [5, 2, 2, 1]), (7, [7, 3, 1, 1, 1, 1, 1, 1, 1])])
def test_numbers_that_are_no_powers_of_two(size: int, sizes: list[int]) -> None:
    forward = _Narrow(2)
    assert fetch(_feeder(forward, size=size)(BATCH[:size]).outputs).ravel().tolist() == list(range(size))
    assert forward.sizes == sizes


def test_padding_is_not_shown_once_the_batch_is_in_pieces() -> None:
    forward = _Narrow(2)
    fed = _feeder(forward)(BATCH, 3)
    assert forward.sizes == [8, 4, 2, 2]
    assert fetch(fed.outputs).ravel().tolist()[:3] == [0, 1, 2]
    assert fed.n_rows == 4


def test_a_crop_that_does_not_fit_alone_is_lost_and_the_others_are_not() -> None:
    fed = _feeder(_Narrow(8, bad=5))(BATCH)
    told = "cuda:0 has no memory left for one crop of 1 x 1 px (free some there, or use --device cpu or a smaller --input-size)"
    assert dict(fed.lost) == {5: told}
    np.testing.assert_array_equal(fetch(fed.outputs).ravel(), [0, 1, 2, 3, 4, np.nan, 6, 7])


def test_who_wants_all_answers_is_told() -> None:
    with pytest.raises(DeviceMemoryError, match="model net: cpu has no memory left for one crop .*fewer --workers"):
        _feeder(_Narrow(8, bad=5), device="cpu").answers(BATCH, 8)
    assert _feeder(_Narrow(2)).answers(BATCH, 3).ravel().tolist() == [0, 1, 2]


def test_outputs_of_all_kinds_are_put_together() -> None:
    class Later:
        def wait(self) -> np.ndarray:
            return np.full((1, 1), 2, dtype=np.float32)

    found = fetch([torch.ones(1, 1), Later(), np.full((1, 1), np.nan, dtype=np.float32)])
    np.testing.assert_array_equal(found.ravel(), [1, 2, np.nan])


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"
        ),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("Exception from src/inference/src/cpp/infer_request.cpp:223: std::bad_alloc"),
    ],
    ids=lambda e: f"{type(e).__name__} {str(e)[-20:]}".strip(),
)
def test_every_way_of_saying_it(error: Exception) -> None:
    with (
        pytest.raises(DeviceMemoryError, match="^cpu: cpu has no memory left for a film"),
        device_memory("cpu", doing="a film"),
    ):
        raise error


def test_onnx_runtime_says_it_by_a_class_of_its_own() -> None:
    state = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state")
    # as said by onnxruntime 1.32 under a limit on its address space
    said = "bfc_arena.cc:360 AllocateRawInternal Failed to allocate memory for requested buffer of size 4294967296"
    with pytest.raises(DeviceMemoryError, match="no memory left for a batch"), device_memory("cpu", doing="a batch"):
        raise state.Fail(said)


def test_other_faults_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), device_memory("cpu", doing="a film"):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
