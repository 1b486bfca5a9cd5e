"""Crops by matrix products equal Pillow's: every pixel of 8-bit films, 1e-3 of a level of deeper ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from robustkit.crops._gemm import digits
from robustkit.crops._taps import Axis, Taps, taps
from robustkit.crops.gemm import PLUGIN, DeviceCrops
from robustkit.crops.pillow import PLUGIN as PILLOW
from robustkit.inputs import InputSpec, Kernel

KERNELS: tuple[Kernel, ...] = ("bilinear", "bicubic", "lanczos", "box")


def _film(height: int, width: int, seed: int, *, smooth: bool = False) -> np.ndarray:
    if smooth:
        return (np.add.outer(np.arange(height) * 3, np.arange(width)) % 256).astype(np.uint8)
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


boxes = st.lists(
    st.tuples(st.floats(-60, 260), st.floats(-60, 260), st.floats(1, 300), st.floats(1, 300)), min_size=1, max_size=4
).map(lambda rows: np.array([[x, y, x + w, y + h] for x, y, w, h in rows]))


@settings(max_examples=120, deadline=None)
@given(
    film=st.tuples(st.integers(2, 220), st.integers(2, 220), st.integers(0, 99), st.booleans()),
    boxes=boxes,
    size=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    kernel=st.sampled_from(KERNELS),
    margin=st.sampled_from([0.0, 0.3]),
    fit=st.sampled_from(["stretch", "square"]),
    snapping=st.sampled_from(["whole", "none"]),
    way=st.sampled_from(["double", "split"]),
)
def test_every_pixel_is_pillows(film, boxes, size, kernel, margin, fit, snapping, way) -> None:  # type: ignore[no-untyped-def]
    pixels = _film(film[0], film[1], film[2], smooth=film[3])
    spec = InputSpec(size[0], size[1], kernel=kernel, margin=margin, fit=fit)
    cropper = DeviceCrops("cpu", way=way)
    found = cropper.crops(cropper.load(pixels), boxes, spec, snapping=snapping)
    assert found.dtype == np.uint8
    assert np.array_equal(found, PILLOW.crops(pixels, boxes, spec, snapping=snapping))


@pytest.mark.parametrize("way", ["double", "split"])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [(24, 24), (8, 60), (60, 8)])
def test_large_boxes_with_many_taps_in_both_orders(kernel: Kernel, way: str, size: tuple[int, int]) -> None:
    pixels = _film(1500, 1100, 1)
    tall, wide = [100.0, 20.0, 300.0, 1480.0], [10.0, 700.0, 1090.0, 800.0]
    spec = InputSpec(*size, kernel=kernel)
    cropper = DeviceCrops("cpu", way=way)  # type: ignore[arg-type]
    film = cropper.load(pixels)
    for snapping in ("whole", "none"):
        shown = np.array([tall, wide, [0.5, 0.5, 1099.5, 1499.5]])
        wanted = PILLOW.crops(pixels, shown, spec, snapping=snapping)  # type: ignore[arg-type]
        assert np.array_equal(cropper.crops(film, shown, spec, snapping=snapping), wanted)  # type: ignore[arg-type]


def test_a_small_memory_changes_nothing() -> None:
    pixels, spec = _film(200, 240, 3), InputSpec(32, 32, kernel="bicubic")
    start = np.random.default_rng(0).uniform(0, 100, (20, 2))
    shown = np.concatenate([start, start + 90], axis=1)
    small, large = DeviceCrops("cpu", chunk_bytes=1), DeviceCrops("cpu")
    film = large.load(pixels)
    assert np.array_equal(small.crops(film, shown, spec), large.crops(film, shown, spec))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("snapping", ["whole", "none"])
def test_deeper_films_equal_pillows_floats(kernel: Kernel, snapping: str) -> None:
    pixels = np.random.default_rng(5).uniform(0, 255, (180, 140)).astype(np.float32)
    shown = np.array([[10.3, 20.7, 90.2, 170.1], [-20.0, 30.0, 60.0, 200.0], [50.0, 50.0, 60.0, 58.0]])
    spec = InputSpec(40, 56, kernel=kernel)
    cropper = DeviceCrops("cpu")
    found = cropper.crops(cropper.load(pixels), shown, spec, snapping=snapping)  # type: ignore[arg-type]
    wanted = PILLOW.crops(pixels, shown, spec, snapping=snapping)  # type: ignore[arg-type]
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 1e-3


@pytest.mark.parametrize(("n", "count"), [(32, 2), (33, 3), (500, 3)])
def test_digits_are_whole_numbers_that_half_precision_holds(n: int, count: int) -> None:
    values = torch.from_numpy(np.random.default_rng(0).uniform(-1.3, 1.3, (3, 40, n)))
    weights = Taps(values, torch.zeros((3, 40, n), dtype=torch.int64), 1)
    parts = digits(weights)
    assert len(parts) == count
    assert torch.equal(sum(d.to(torch.float64) * 2.0**shift for shift, d in parts), weights.rounded().values)
    assert all(d.dtype == torch.float16 and float(d.abs().max()) <= 2048 for _, d in parts)
    # sums of a low digit over all taps stay where float32 counts every whole number
    assert all(float(d.abs().max()) * 255 * n <= 2**24 for _, d in parts[:-1])


def test_weights_by_hand() -> None:
    # four pixels to two: bilinear of width 2 around 1 and 3, clipped at the image: (3/4, 3/4, 1/4), mirrored; sum 7/4
    axis = Axis(*(torch.tensor([v], dtype=torch.float64) for v in (0, 4, 0, 4)), 0, 4, 4.0)
    found = taps(axis, out=2, kernel="bilinear")
    expected = torch.tensor([[3, 3, 1, 0], [0, 1, 3, 3]], dtype=torch.float64) / 7
    assert torch.allclose(found.dense(found.values)[0], expected)
    edges = Taps(torch.tensor([[[0.25, -0.25, 2.0**-23, -(2.0**-23)]]]), torch.arange(4)[None, None], 4)
    assert edges.rounded().values.flatten().tolist() == [2**20, -(2**20), 1, -1]


def test_a_region_off_the_film_is_black() -> None:
    cropper = PLUGIN.prepare("cpu")
    found = cropper.crops(cropper.load(_film(50, 40, 0) | 1), np.array([[60.0, 70.0, 90.0, 90.0]]), InputSpec(8, 8))
    assert not found.any()


def test_the_oracle_is_the_installed_pillow() -> None:
    pixels = _film(90, 70, 2)
    cropper = DeviceCrops("cpu", way="split")
    found = cropper.crops(cropper.load(pixels), np.array([[5.0, 6.0, 65.0, 88.0]]), InputSpec(16, 16))[0]
    wanted = Image.fromarray(pixels).crop((5, 6, 65, 88)).resize((16, 16), Image.Resampling.BILINEAR)
    assert np.array_equal(found, np.asarray(wanted))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("kernel", KERNELS)
def test_cuda(kernel: Kernel) -> None:
    pixels = _film(900, 800, 4)
    start = np.random.default_rng(0).uniform(-50, 300, (16, 2))
    shown = np.concatenate([start, start + np.array([400, 350])], axis=1)
    cropper = PLUGIN.prepare("cuda:0")
    for snapping in ("whole", "none"):
        found = cropper.crops(cropper.load(pixels), shown, InputSpec(kernel=kernel), snapping=snapping)  # type: ignore[arg-type]
        wanted = PILLOW.crops(pixels, shown, InputSpec(kernel=kernel), snapping=snapping)  # type: ignore[arg-type]
        assert np.array_equal(found.cpu().numpy(), wanted)
