"""How fast are radiomics features of shifted boxes, beside PyRadiomics 3.0.1 on the same boxes?

    python benchmarks/radiomics_speed.py --json build/radiomics_speed.json

40 lesions of 100 to 400 px on simulated films, each with its nominal box and 50 shifted by up to a tenth of its sides, 32
grey levels, the mean over four directions. Both on the same core, lesion by lesion in turns, in seconds of that core.
PyRadiomics is given each crop as an image that is ready, and is not asked for MCC, which is not IBSI's; ours is given the
film and the 51 boxes, and gives some features more in every family. Families of PyRadiomics by their classes; all of them
by its extractor, as it is meant to be used, and as the sum of the classes.

PyRadiomics is not a part of robustkit's extras, because pip cannot build it alone:
pip install numpy cython versioneer setuptools wheel, then pip install --no-build-isolation pyradiomics==3.0.1.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from films import write_films
from PIL import Image
from robustkit.atomic import write_text
from robustkit.features._base import FeatureSettings, extract, feature_names
from robustkit.geometry import snap

LESIONS, REPEATS, SHIFT, BINS = 40, 50, 0.1, 32
SIDES_PX = (100, 400)
BAR = 10.0
PAIRS = {
    ("first_order", "histogram"): "firstorder", ("glcm",): "glcm", ("glrlm",): "glrlm", ("glszm",): "glszm", ("ngtdm",): "ngtdm",
    ("ngldm",): "gldm",
}  # fmt: skip
"""Families, and the class of PyRadiomics that measures the same: its first order has entropy and uniformity of levels."""
OWN = (("gldzm",),)
"""Families that PyRadiomics has not."""
SAME = tuple(family for families in PAIRS for family in families)
ASKED = {" and ".join(families): families for families in (*PAIRS, *OWN)} | {
    "all": SAME,
    "all and our own": (*SAME, *OWN[0]),
}
"""What is timed, and its families."""


def boxes_of(lesion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give ``(51, 4)``: the box of a lesion and its shifts, in whole pixels."""
    sides = (lesion[2:] - lesion[:2])[[0, 1, 0, 1]]
    moves = rng.uniform(-SHIFT, SHIFT, (REPEATS, 2))[:, [0, 1, 0, 1]]
    return snap(np.concatenate([lesion[None], lesion + moves * sides]))


def theirs() -> dict[str, Callable[[Any, Any], object]]:
    """Give PyRadiomics by family of ours, and its extractor as ``all``."""
    import radiomics
    import SimpleITK
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    radiomics.logger.setLevel(logging.ERROR)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    settings = {"binCount": BINS, "force2D": True, "force2Ddimension": 0}

    def one(name: str) -> Callable[[Any, Any], object]:
        make = radiomics.getFeatureClasses()[name]
        wanted = [f for f, deprecated in make.getFeatureNames().items() if f != "MCC" and not deprecated]

        def measure(image: Any, mask: Any) -> object:
            found = make(image, mask, **settings)
            for feature in wanted:
                found.enableFeatureByName(feature)
            return found.execute()

        return measure

    extractor = RadiomicsFeatureExtractor(**settings)
    extractor.disableAllFeatures()
    for name in PAIRS.values():
        extractor.enableFeatureClassByName(name)
    everything = {
        f for f, deprecated in radiomics.getFeatureClasses()["glcm"].getFeatureNames().items() if not deprecated
    }
    extractor.enableFeaturesByName(glcm=sorted(everything - {"MCC"}))
    return {" and ".join(ours): one(name) for ours, name in PAIRS.items()} | {"all": extractor.execute}


def seconds(work: Callable[..., object], given: list[Any]) -> float:
    """Give the seconds of this process's core for calls with each of some arguments."""
    begun = time.process_time()
    for arguments in given:
        work(*arguments)
    return time.process_time() - begun


def image_and_mask(film: np.ndarray, box: np.ndarray) -> tuple[Any, Any]:
    """Give a crop for PyRadiomics, with a frame of one pixel: it refuses a mask that is everything."""
    import SimpleITK

    x0, y0, x1, y1 = box.astype(int)
    mask = np.pad(np.ones((y1 - y0, x1 - x0), dtype=np.uint8), 1)
    crop = np.pad(film[y0:y1, x0:x1], 1)
    return SimpleITK.GetImageFromArray(crop[None]), SimpleITK.GetImageFromArray(mask[None])


def measure(films: list[tuple[np.ndarray, np.ndarray]]) -> dict[str, dict[str, float]]:
    """Give the seconds of both for each family, all, and our own families."""
    other = theirs()
    spent = {name: {"ours": 0.0, "theirs": 0.0} for name in ASKED}
    chosen = {name: FeatureSettings(bins=BINS, families=families) for name, families in ASKED.items()}
    ours = {name: partial(extract, settings=s, spacing_mm=None) for name, s in chosen.items()}
    # compiled before it is timed
    ours["all and our own"](films[0][0], films[0][1][:1])
    for at, (film, boxes) in enumerate(films):
        ready = [image_and_mask(film, box) for box in boxes]
        for name in ASKED:
            spent[name]["ours"] += seconds(ours[name], [(film, boxes)])
            if name in other:
                spent[name]["theirs"] += seconds(other[name], ready)
        print(at, {k: round(v["theirs"] / v["ours"], 1) for k, v in spent.items() if v["theirs"]}, flush=True)
    return spent


def lesions(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give films and their boxes."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        manifest = write_films(Path(name), cases=count, form="png", sides=SIDES_PX)
        with manifest.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [
            (np.asarray(Image.open(Path(name) / r["image"])), boxes_of(np.array([float(r[c]) for c in ("x0", "y0", "x1", "y1")]), rng))
            for r in rows
        ]  # fmt: skip


def main() -> None:
    """Measure and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", default="build/radiomics_speed.json")
    parser.add_argument("--lesions", type=int, default=LESIONS)
    wish = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    spent = measure(lesions(wish.lesions))
    rows = [
        {"family": name, "features": len(feature_names(FeatureSettings(families=families))),
         "seconds": spent[name]["ours"], "pyradiomics_seconds": spent[name]["theirs"] or None,
         "ratio": spent[name]["theirs"] / spent[name]["ours"] or None}
        for name, families in ASKED.items()
    ]  # fmt: skip
    classes = sum(spent[" and ".join(f)]["theirs"] for f in PAIRS)
    found = {
        "bar": BAR, "lesions": wish.lesions, "boxes": REPEATS + 1, "rows": rows,
        "ratio_to_classes": classes / spent["all"]["ours"],
    }  # fmt: skip
    write_text(Path(wish.json), json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
