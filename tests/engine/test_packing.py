"""Crops of many cases in one fixed batch: every crop answered once, in order, whatever the sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robustkit.backends._base import Batch
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
    packer = Packer(forward, Batch(batch, 2, 3), n_outputs=1, lane=lane)
    wanted, found = [], []
    for part in sizes:
        crops = [rng.integers(0, 256, (k, 2, 3), dtype=np.uint8) for k in part]
        for c in crops:
            packer.add(c)
        found.append(packer.finish())
        wanted.append([float(x.sum()) for c in crops for x in c])
    assert [p.wait().ravel().tolist() for p in found] == wanted
    lane.close()
    assert set(forward.shapes) <= {(batch, 2, 3)}
    assert len(forward.shapes) == sum(-(-sum(part) // batch) for part in sizes)


def test_a_full_device_is_told_in_our_words() -> None:
    import torch

    def full(_: np.ndarray, filled: int) -> np.ndarray:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate")

    lane = Lane(threaded=True)
    packer = Packer(full, Batch(2, 4, 6), n_outputs=1, lane=lane, device="cuda:0")
    packer.add(np.zeros((2, 4, 6), dtype=np.uint8))
    with pytest.raises(DeviceMemoryError, match="cuda:0 has no memory left for a batch of 2 crops of 6 x 4 px"):
        packer.finish().wait()
    lane.close()
