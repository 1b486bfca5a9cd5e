"""The phantom on disk: films and manifest in the user's cache folder, written at first use."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import pandas as pd
from PIL import Image

from robustkit.atomic import disk_errors, replacing_folder
from robustkit.cache import cache_root
from robustkit.phantom.facts import PHANTOM_SEED, draw_lesions
from robustkit.phantom.film import draw_film
from robustkit.phantom.manifest import bundled_manifest

Progress = Callable[[int, int], None]
"""Called with the films written so far and all films."""

_JPEG_QUALITY = 92
_MANIFEST = "manifest.csv"


def phantom_manifest_path(*, progress: Progress | None = None) -> Path:
    """Give the manifest of the phantom in the user's cache; films and manifest are written there at first use.

    Both appear together or not at all; later calls only look whether every film is there.

    Raises:
        DiskError: The cache folder cannot be written.
    """
    folder = cache_folder()
    if not _is_complete(folder):
        _clear(folder)
        with replacing_folder(folder) as temporary:
            write_phantom(temporary, progress=progress)
    return folder / _MANIFEST


def cache_folder() -> Path:
    """Give the folder of this version of the phantom: its name changes with the manifest and with the drawing."""
    return cache_root() / f"phantom-{_version()}"


def is_drawn() -> bool:
    """Tell whether all films of this version lie in the cache."""
    return _is_complete(cache_folder())


def write_phantom(folder: Path, *, progress: Progress | None = None) -> None:
    """Write all films and then the manifest into an existing folder."""
    films = [(str(name), rows) for name, rows in draw_lesions(PHANTOM_SEED).groupby("image", sort=False)]
    (folder / "films").mkdir()

    def write(film: tuple[str, pd.DataFrame]) -> None:
        (folder / film[0]).write_bytes(film_bytes(film[1]))

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for done, _ in enumerate(pool.map(write, films), start=1):
            if progress is not None:
                progress(done, len(films))
    (folder / _MANIFEST).write_bytes(bundled_manifest())


def film_bytes(lesions: pd.DataFrame) -> bytes:
    """Give one film as JPEG: the rows of :func:`robustkit.phantom.facts.draw_lesions` that share its image."""
    buffer = BytesIO()
    Image.fromarray(draw_film(lesions, seed=PHANTOM_SEED)).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


@cache
def _version() -> str:
    digest = hashlib.sha256(bundled_manifest())
    sources = (s for s in files("robustkit.phantom").iterdir() if s.name.endswith(".py") and s.name != "weaknesses.py")
    for source in sorted(sources, key=lambda s: s.name):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:10]


def _is_complete(folder: Path) -> bool:
    manifest = folder / _MANIFEST
    if not manifest.is_file() or not (folder / "films").is_dir() or manifest.read_bytes() != bundled_manifest():
        return False
    with os.scandir(folder / "films") as entries:
        there = {f"films/{e.name}" for e in entries if e.stat().st_size > 0}
    return there >= set(pd.read_csv(manifest, usecols=["image"])["image"])


def _clear(folder: Path) -> None:
    """Take an incomplete folder out of the way, in one step, so that a new one can take its name."""
    if not folder.exists():
        return
    aside = folder.with_name(f".tmp-{uuid.uuid4().hex[:12]}-{folder.name}")
    with disk_errors(folder):
        folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
