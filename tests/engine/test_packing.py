"""Crops of many cases in one fixed batch: every crop answered once, in order, whatever the sizes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.backends._base import Batch
from robustkit.engine.feeding import Feeder
from robustkit.engine.packing import Lane, Packer
from robustkit.errors import DeviceMemoryError


class _Sum:
    """A forward whose answer is the crop's sum; it keeps the shapes that it saw."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, crops: np.ndarray, filled: int) -> np.ndarray:
        assert not crops[filled:].any()
        self.shapes.append(crops.shape)
        return crops.reshape(len(crops), -1).sum(axis=1, dtype=np.float32)[:, None]


@pytest.mark.parametrize("threaded", [True, False])
@settings(deadline=None)  # the first call imports torch
@given(sizes=st.lists(st.lists(st.integers(0, 9), max_size=5), min_size=1, max_size=3), batch=st.integers(1, 7))
def test_every_crop_is_answered_once_in_order(threaded: bool, sizes: list[list[int]], batch: int) -> None:
    rng = np.random.default_rng(0)
    forward, lane = _Sum(), Lane(threaded=threaded)
    packer = Packer(Feeder(forward, name="m", size=batch, n_outputs=1), Batch(batch, 2, 3), lane=lane)
    wanted, found = [], []
    for part in sizes:
        crops = [rng.integers(0, 256, (k, 2, 3), dtype=np.uint8) for k in part]
        for c in crops:
            packer.add(c)
        found.append(packer.finish())
        wanted.append([float(x.sum()) for c in crops for x in c])
    assert [p.wait().rows.ravel().tolist() for p in found] == wanted
    lane.close()
    assert set(forward.shapes) <= {(batch, 2, 3)}
    assert len(forward.shapes) == sum(-(-sum(part) // batch) for part in sizes)


def test_places_of_lost_crops_are_those_in_the_part() -> None:
    import torch

    def full(crops: np.ndarray, filled: int) -> np.ndarray:
        if len(crops) > 1 or crops[0, 0, 0] == 9:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")
        return crops.reshape(len(crops), -1).sum(axis=1, dtype=np.float32)[:, None]

    lane = Lane(threaded=True)
    packer = Packer(Feeder(full, name="m", size=4, n_outputs=1), Batch(4, 1, 1), lane=lane)
    for value in (1, 2, 9, 4, 5, 9, 7):
        packer.add(np.full((1, 1, 1), value, dtype=np.uint8))
    found = packer.finish().wait()
    lane.close()
    np.testing.assert_array_equal(found.rows.ravel(), [1, 2, np.nan, 4, 5, np.nan, 7])
    assert sorted(found.lost) == [2, 5]


@pytest.mark.parametrize("first", ["host", "device"])
def test_crops_of_both_kinds_share_a_batch(first: str) -> None:
    """A film that found no room on the device is cut on the host, between others that were cut there."""
    import torch

    def first_pixel(crops: Any, filled: int) -> np.ndarray:
        return np.asarray(crops)[:, 0, 0].astype(np.float32)[:, None]

    packer = Packer(Feeder(first_pixel, name="m", size=4, n_outputs=1), Batch(4, 1, 1), lane=Lane(threaded=False))
    kinds = [np.full((1, 1, 1), 3, np.uint8), torch.full((2, 1, 1), 5, dtype=torch.uint8)]
    for crops in kinds if first == "host" else kinds[::-1]:
        packer.add(crops)
    assert packer.finish().wait().rows.ravel().tolist() == ([3, 5, 5] if first == "host" else [5, 5, 3])


def test_memory_that_runs_out_for_outputs_on_their_way_is_told_in_our_words() -> None:
    class Later:
        def wait(self) -> np.ndarray:
            raise RuntimeError("Exception from src/plugins/intel_cpu: std::bad_alloc")

    packer = Packer(
        Feeder(lambda crops, filled: Later(), name="m", size=2, n_outputs=1), Batch(2, 1, 1), lane=Lane(threaded=False)
    )
    packer.add(np.zeros((2, 1, 1), dtype=np.uint8))
    with pytest.raises(DeviceMemoryError, match="cpu has no memory left for the answers of a part"):
        packer.finish().wait()
