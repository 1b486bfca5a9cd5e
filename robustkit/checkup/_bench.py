"""A small network with seeded weights and crops of simulated films: what backends are tried with."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.backends._base import Batch, Forward, fetch
from robustkit.engine.equip import crop_maker
from robustkit.geometry import Boxes
from robustkit.inputs import InputSpec, OutputSpec
from robustkit.models.classifier import Classifier
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.phantom.facts import PHANTOM_SEED, draw_lesions
from robustkit.phantom.film import draw_film

ARCH, SIDE = "resnet10t", 64
"""What ``train`` takes where it is told nothing else."""
N_CROPS = 32
N_FILMS = 4
SPEC = InputSpec(SIDE, SIDE)
_SECONDS = 0.5
_WORDS = ("benign", "non-benign")


def small_network(folder: Path) -> Path:
    """Write the checkpoint of an untrained network; its weights are the same on every machine."""
    import torch

    from robustkit.models._torchvision import import_timm
    from robustkit.models.native import save_native

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = import_timm().create_model(ARCH, pretrained=False, num_classes=1).eval()
        for value in network.parameters():
            if value.ndim > 1:
                torch.nn.init.kaiming_normal_(value)
    file = folder / "small.safetensors"
    save_native(
        file, network.state_dict(), arch=ARCH, input=SPEC, output=OutputSpec("sigmoid-logit"), classes=_WORDS,
        positive=_WORDS[1:], lineage="untrained, for robustkit doctor", operating_points={}, seen={}, training={},
    )  # fmt: skip
    return file


def opened(folder: Path) -> Classifier:
    """Write and open the small network."""
    return open_model(str(small_network(folder)), ModelOptions())


def crops() -> NDArray[np.uint8]:
    """Give ``(N_CROPS, SIDE, SIDE)`` uint8 crops of a few films of the phantom."""
    cropper = crop_maker("pillow").prepare("cpu")
    made = []
    lesions = draw_lesions(PHANTOM_SEED)
    for _, rows in list(lesions.groupby("image", sort=False))[:N_FILMS]:
        film = cropper.load(draw_film(rows, seed=PHANTOM_SEED))
        made.append(cropper.crops(film, _around(rows.iloc[0]), SPEC, snapping="whole"))
    return np.asarray(np.concatenate(made), dtype=np.uint8)


def _around(row: Any) -> Boxes:
    """Give a lesion's box, and it moved along the film by a tenth of its side at a time."""
    box = np.array([row["x0"], row["y0"], row["x1"], row["y1"]], dtype=np.float64)
    steps = np.arange(N_CROPS // N_FILMS)[:, None] * (box[2] - box[0]) / 10
    return np.asarray(np.rint(box + steps * np.array([1.0, 0.0, 1.0, 0.0])))


def per_second(forward: Forward, batch: Batch, shown: NDArray[Any]) -> float:
    """Give the crops that a forward answers in a second, warmed up.

    Args:
        forward: Prepared.
        batch: Its shape.
        shown: At least one batch of crops.
    """
    full = np.ascontiguousarray(np.resize(shown, batch.shape))
    return batch.size / _seconds(lambda: fetch([forward(full)]))


def _seconds(act: Callable[[], object]) -> float:
    """Give the least seconds of one call, of as many as fit in half a second and at least three."""
    act()
    taken: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(taken) < 3 or time.perf_counter() < end:
        begun = time.perf_counter()
        act()
        taken.append(time.perf_counter() - begun)
    return min(taken)
