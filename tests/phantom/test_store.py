"""The phantom on disk: whole or not at all, mended when a film is missing."""

from __future__ import annotations

import pandas as pd
import pytest
from PIL import Image
from robustkit.errors import DiskError
from robustkit.phantom import store
from robustkit.phantom.manifest import bundled_manifest


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "film_bytes", lambda rows: rows["image"].iloc[0].encode())
    return tmp_path / "cache"


def test_first_use_writes_films_and_manifest_together(cache) -> None:
    told: list[tuple[int, int]] = []
    path = store.phantom_manifest_path(progress=lambda done, total: told.append((done, total)))
    images = set(pd.read_csv(path)["image"])
    assert path.read_bytes() == bundled_manifest()
    assert path.is_relative_to(cache / "robustkit")
    assert {f"films/{f.name}" for f in (path.parent / "films").iterdir()} == images
    assert told == [(k + 1, len(images)) for k in range(len(images))]
    assert [p.name for p in (cache / "robustkit").iterdir()] == [path.parent.name]


def test_later_use_writes_nothing(cache, monkeypatch) -> None:
    path = store.phantom_manifest_path()
    monkeypatch.setattr(store, "write_phantom", lambda *_, **__: pytest.fail("written again"))
    assert store.phantom_manifest_path() == path


@pytest.mark.parametrize("damage", ["missing film", "empty film", "no manifest", "no films"])
def test_damaged_copy_is_written_anew(cache, damage: str) -> None:
    path = store.phantom_manifest_path()
    film = path.parent / "films" / "A0001-f1.jpg"
    if damage == "missing film":
        film.unlink()
    elif damage == "empty film":
        film.write_bytes(b"")
    elif damage == "no manifest":
        path.unlink()
    else:
        (path.parent / "films").rename(path.parent / "elsewhere")
    assert store.phantom_manifest_path() == path
    assert film.read_bytes() == b"films/A0001-f1.jpg"
    assert [p.name for p in (cache / "robustkit").iterdir()] == [path.parent.name]


def test_failure_half_way_leaves_nothing(cache, monkeypatch) -> None:
    def fail(rows: pd.DataFrame) -> bytes:
        if rows["image"].iloc[0].endswith("7-f1.jpg"):
            raise OSError(28, "No space left on device")
        return b"x"

    monkeypatch.setattr(store, "film_bytes", fail)
    with pytest.raises(DiskError, match="the disk is full"):
        store.phantom_manifest_path()
    assert list((cache / "robustkit").iterdir()) == []


def test_relative_cache_home_is_ignored(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store.cache_folder().parent == tmp_path / ".cache" / "robustkit"


def test_films_are_grey_jpegs_of_moderate_size(tmp_path) -> None:
    rows = next(iter(store.draw_lesions(store.PHANTOM_SEED).groupby("image", sort=False)))[1]
    path = tmp_path / "film.jpg"
    path.write_bytes(store.film_bytes(rows))
    with Image.open(path) as film:
        assert (film.format, film.mode) == ("JPEG", "L")
        assert film.size == (rows["film_width"].iloc[0], rows["film_height"].iloc[0])
    # 808 films below 60 MB.
    assert path.stat().st_size < 60e6 / 808
