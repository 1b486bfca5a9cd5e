"""The study's networks at their own size, from RadImageNet-shaped files of seeded noise to a heatmap: they know nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.train import train
from robustkit.models._torchvision import import_torchvision
from robustkit.models.native import read_native
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions
from robustkit.results.folder import RunFolder
from robustkit.results.heatmaps import HeatmapFolder

from bright_spots import write_cohort
from networks import save, seeded, timm_network

SIDES = {"resnet50": 224, "inception_v3": 299, "keras/resnet50": 224}
LAST = {"resnet50": ("layer4", 7), "inception_v3": ("Mixed_7c", 8), "keras/resnet50": ("layer4", 7)}
FIRST = {"resnet50": "conv1.weight", "inception_v3": "Conv2d_1a_3x3.conv.weight", "keras/resnet50": "conv1.weight"}


def _file(folder: Path, arch: str) -> Path:
    """Write a file with the keys and shapes of RadImageNet's."""
    if arch == "keras/resnet50":
        tensors = dict(timm_network("resnet50", n_outputs=0).state_dict())
        tensors |= {k.removesuffix("weight") + "bias": torch.zeros(len(v)) for k, v in tensors.items() if v.ndim == 4}
        return save(folder / "RadImageNet-ResNet50_notop.pth", tensors)
    extra = {"init_weights": False, "aux_logits": False} if arch == "inception_v3" else {}
    network = seeded(import_torchvision().models.get_model(arch, weights=None, **extra))
    kept = torch.nn.Sequential(*list(network.children())[:-1]).state_dict()
    return save(folder / f"{arch}.pt", {f"backbone.{k}": v for k, v in kept.items()})


@pytest.mark.slow
@pytest.mark.parametrize("arch", SIDES)
def test_from_a_radimagenet_file_to_a_heatmap(tmp_path: Path, arch: str) -> None:
    manifest = write_cohort(tmp_path, n=20)
    weights = _file(tmp_path, arch)
    # ten cases in batches of five: two steps
    made = train(
        manifest=[manifest],
        weights=weights,
        output=tmp_path / "net.pt",
        epochs=1,
        batch_size=5,
        device="cpu",
        workers=1,
    )
    assert (made.arch, made.n_train) == (arch, 10)
    assert "RadImageNet" in made.lineage
    held = read_native(made.path)
    assert held is not None
    assert (held.input.height_px, held.input.width_px) == (SIDES[arch], SIDES[arch])
    assert held.input.scaling == ("caffe255" if arch.startswith("keras") else "radimagenet-pm1")
    assert bool(held.training["notes"]) == (arch == "inception_v3")
    begun = next(v for k, v in torch.load(weights, weights_only=True).items() if v.ndim == 4)
    moved = (held.state_dict[FIRST[arch]] - begun).abs().max()
    # a step of AdamW moves a weight by about its rate, which is a third of 1e-4 in the first epoch
    assert 0 < float(moved) < 2e-4
    model = open_model(made.path, ModelOptions())
    assert (model.arch, model.assumed) == (arch, ())
    run = perturb(
        model=[str(made.path)], manifest=[manifest], shifts=["0.1"], repeats=3, splits=["test"], device="cpu",
        backend="eager", out=tmp_path / "run",
    ).run  # fmt: skip
    assert run is not None
    rows = RunFolder(run).predictions()
    assert len(rows) == 5 * (1 + 3)
    assert set(rows["status"]) == {"ok"}
    assert np.isfinite(rows["score"]).all()
    found = heatmaps(run=run, repeats=1, draws=100, check_cases=0, device="cpu")
    layer, cells = LAST[arch]
    (of,) = found.models
    assert (of.layer, of.cells, of.n_cases, of.n_failed) == (layer, (cells, cells), 5, 0)
    maps = pd.concat(HeatmapFolder.of(run, "grad_cam").parts(0), ignore_index=True)
    assert len(maps) == 5 * 2
    assert [len(v) for v in maps["values"]] == [cells * cells] * 10
