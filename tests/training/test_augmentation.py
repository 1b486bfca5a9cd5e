"""Training draws each case anew each epoch, whatever stands beside it; nothing beyond a window is missed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from robustkit.cohort.case import Case
from robustkit.crops.pillow import PLUGIN as PILLOW
from robustkit.geometry import Box
from robustkit.inputs import InputSpec
from robustkit.training.augmentation import Augmentation, Sight, augmented_crops, moved_box, nominal_crops
from robustkit.training.windows import Window, load_windows

from plain_boxes import draws

SPEC = InputSpec(height_px=24, width_px=24, margin=0.5, fit="square")
SIGHT = Sight(SPEC, PILLOW)
STILL = Augmentation(jitter=0.0, contrast=0.0, brightness=0.0, has_flips=False)
FILM = (90, 70)


def _case(path: Path, name: str, box: Box) -> Case:
    return Case(name, path, box, "benign", name, "train", None, {})


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("films") / "film.png"
    Image.fromarray(np.random.default_rng(5).integers(1, 256, FILM[::-1], dtype=np.uint8)).save(path)
    return path


def _windows(film: Path, names: str = "abcdef", *, jitter: float = 0.2) -> tuple[Window, ...]:
    cases = [_case(film, n, Box(10 + 3 * i, 12, 40 + 3 * i, 33)) for i, n in enumerate(names)]
    loaded = load_windows(cases, targets=[1] * len(cases), spec=SPEC, jitter=jitter, workers=2)
    assert loaded.failures == ()
    return loaded.windows


def test_each_epoch_and_each_case_draws_anew_and_a_seed_repeats_it(film: Path) -> None:
    how = Augmentation(jitter=0.2)
    twins = tuple(_windows(film, n)[0] for n in "ab")  # one box under two names
    first, second = (augmented_crops(twins, SIGHT, how=how, seed=1, epoch=e) for e in (0, 1))
    assert first.shape == (2, 24, 24)
    assert first.dtype == np.float32
    assert 0 <= first.min() < first.max() <= 255
    for a, b in [(first[0], first[1]), (first[0], second[0]), (first[1], second[1])]:
        assert np.abs(a - b).mean() > 1
    np.testing.assert_array_equal(first, augmented_crops(twins, SIGHT, how=how, seed=1, epoch=0))
    assert np.abs(first - augmented_crops(twins, SIGHT, how=how, seed=2, epoch=0)).mean() > 1


def test_neither_neighbours_nor_order_change_a_case(film: Path) -> None:
    windows = _windows(film)
    together = augmented_crops(windows, SIGHT, how=Augmentation(), seed=3, epoch=4)
    backwards = augmented_crops(windows[::-1], SIGHT, how=Augmentation(), seed=3, epoch=4)
    alone = [augmented_crops([w], SIGHT, how=Augmentation(), seed=3, epoch=4)[0] for w in windows]
    np.testing.assert_array_equal(together, backwards[::-1])
    np.testing.assert_array_equal(together, np.stack(alone))


@pytest.mark.parametrize(
    ("how", "change"),
    [
        (Augmentation(jitter=0.2, contrast=0, brightness=0, has_flips=False), "box"),
        (Augmentation(jitter=0, contrast=0.3, brightness=0, has_flips=False), "contrast"),
        (Augmentation(jitter=0, contrast=0, brightness=20, has_flips=False), "brightness"),
        (Augmentation(jitter=0, contrast=0, brightness=0, has_flips=True), "flips"),
    ],
)
def test_each_difference_is_the_one_that_is_named(film: Path, how: Augmentation, change: str) -> None:
    windows = _windows(film, "abcdefghijklmnop"[:12])
    plain = nominal_crops(windows, SIGHT).astype(np.float32)
    np.testing.assert_array_equal(plain, augmented_crops(windows, SIGHT, how=STILL, seed=0, epoch=2))
    seen = augmented_crops(windows, SIGHT, how=how, seed=0, epoch=2)
    assert np.abs(seen - plain).mean() > 1
    if change == "flips":
        same = (seen == plain).all(axis=(1, 2))
        turned = (seen == plain[:, :, ::-1]).all(axis=(1, 2))
        assert (same ^ turned).all()
        assert same.any()
        assert turned.any()
    if change == "brightness":
        inside = (seen > 0) & (seen < 255)
        moved = np.where(inside, seen - plain, np.nan)
        assert (np.nanmax(moved, axis=(1, 2)) - np.nanmin(moved, axis=(1, 2)) < 1e-3).all()
        assert np.nanmax(np.abs(moved)) <= 20
    if change == "contrast":
        inside = (seen > 0) & (seen < 255)
        for a, b, kept in zip(plain, seen, inside, strict=True):
            slope, _ = np.polyfit(a[kept], b[kept], 1)
            assert 0.7 <= slope <= 1.3


def test_a_moved_box_by_hand() -> None:
    # u = 0.75 -> +0.5; u = 0.25 -> -0.5; scale 1.21^0 = 1: x moves by 0.21 * 0.5 * 20 = 2.1, y by -0.21 * 0.5 * 10
    box = np.array([10.0, 20.0, 30.0, 30.0])
    np.testing.assert_allclose(moved_box(box, np.array([0.75, 0.25, 0.5]), 0.21), [12.1, 18.95, 32.1, 28.95])
    # u = 0.75 -> 1.21^0.5 = 1.1: half sides 11 and 5.5 about the centre (20, 25)
    np.testing.assert_allclose(moved_box(box, np.array([0.5, 0.5, 0.75]), 0.21), [9.0, 19.5, 31.0, 30.5])


def test_the_draws_are_those_of_the_counter_far_from_the_perturbations(film: Path) -> None:
    window = _windows(film, "a")[0]
    u = draws(7, "a", repeat=3, stream=2**31)
    box = moved_box(window.box, np.array(u), 0.2)
    x, y, w, h = np.floor(box[0] + 0.5), np.floor(box[1] + 0.5), *np.floor(box[2:] - box[:2] + 0.5)
    x, y = min(max(x, 0), FILM[0] - w), min(max(y, 0), FILM[1] - h)
    how = Augmentation(jitter=0.2, contrast=0, brightness=0, has_flips=False)
    with Image.open(film) as image:
        wanted = PILLOW.crops(np.asarray(image), np.array([[x, y, x + w, y + h]]), SPEC)
    np.testing.assert_array_equal(augmented_crops([window], SIGHT, how=how, seed=7, epoch=3), wanted)


@settings(max_examples=60, deadline=None)
@given(
    x=st.floats(-20, 85), y=st.floats(-20, 65), w=st.floats(3, 60), h=st.floats(3, 60), margin=st.floats(0, 1.5),
    jitter=st.floats(0, 0.5), fit=st.sampled_from(["stretch", "square"]), epoch=st.integers(0, 99),
)  # fmt: skip
def test_a_window_shows_all_that_the_whole_film_would(
    film: Path, x: float, y: float, w: float, h: float, margin: float, jitter: float, fit: str, epoch: int
) -> None:
    box = Box(x, y, x + w, y + h)
    if not box.touches(film_width=FILM[0], film_height=FILM[1]):
        return
    spec = InputSpec(height_px=16, width_px=16, margin=margin, fit=fit)  # type: ignore[arg-type]
    loaded = load_windows([_case(film, "a", box)], targets=[1], spec=spec, jitter=jitter, workers=1)
    with Image.open(film) as image:
        pixels = np.asarray(image)
    whole = Window("a", "a", 1, pixels, (0, 0), box.array(), FILM, "")
    how, sight = Augmentation(jitter=jitter), Sight(spec, PILLOW)
    for ours in (loaded.windows, (whole,)):
        assert len(ours) == 1
    np.testing.assert_array_equal(
        augmented_crops(loaded.windows, sight, how=how, seed=0, epoch=epoch),
        augmented_crops((whole,), sight, how=how, seed=0, epoch=epoch),
    )
    np.testing.assert_array_equal(nominal_crops(loaded.windows, sight), nominal_crops((whole,), sight))


def test_films_that_cannot_be_read_are_listed_with_the_reason(film: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    cases = [
        _case(film, "good", Box(10, 10, 30, 30)),
        _case(tmp_path / "gone.png", "gone", Box(10, 10, 30, 30)),
        _case(tmp_path / "text.png", "text", Box(10, 10, 30, 30)),
        _case(film, "off", Box(100, 10, 130, 30)),
    ]
    loaded = load_windows(cases, targets=[1, 0, 1, 0], spec=SPEC, jitter=0.1, workers=2)
    assert [w.case_id for w in loaded.windows] == ["good"]
    assert [f.partition(":")[0] for f in loaded.failures] == ["gone", "text", "off"]
    assert "missing" in loaded.failures[0]
    assert "does not touch its film" in loaded.failures[2]
