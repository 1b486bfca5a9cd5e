"""What is no model file is named as what it is."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from robustkit.errors import CheckpointError
from robustkit.models.content import content_of
from robustkit.models.open import open_model
from robustkit.models.options import ModelOptions

from networks import save, timm_network

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22e\nsize 102530333\n"


def _tar() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.pt"), io.BytesIO())
    return held.getvalue()


def _zip(name: str, content: bytes = b"x") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (LFS, "Git LFS pointer.*git lfs pull"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "web page"),
        (b"\xef\xbb\xbf\n  <html></html>", "web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "web page"),
        (b'{"error": "not found"}', 'JSON file, but no model: it has no "robustkit_model"'),
        (b"not found", "text file that begins with 'not found'"),
        (b"\x89HDF\r\n\x1a\n", "Keras HDF5.*ONNX"),
        (_zip("model.weights.h5"), "Keras file"),
        (b"", "is empty"),
        (gzip.compress(b"weights", mtime=0), "gzip"),
        (_tar(), "tar archive"),
        (_zip("word/document.xml"), "no checkpoint that is known"),
        (b"PK\x03\x04 cut off", "cut off or damaged"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", "no model file"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "resnet50.pt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"(?s)resnet50.pt: .*{sentence}"):
        open_model(path, ModelOptions())


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such checkpoint.*--model"):
        open_model(tmp_path / "a.pt", ModelOptions())
    with pytest.raises(CheckpointError, match="this is a folder"):
        open_model(tmp_path, ModelOptions())


def test_archive_that_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    path.write_bytes(_zip("bomb/data.pkl", bytes(64 * 2**20)))
    assert path.stat().st_size < 200_000
    with pytest.raises(CheckpointError, match="would unpack to 64 MiB"):
        open_model(path, ModelOptions())


def test_names_do_not_matter(tmp_path: Path) -> None:
    path = save(tmp_path / "weights.onnx", {"a": torch.zeros(1)})
    assert content_of(path) == "torch"


@pytest.mark.parametrize("legacy", [False, True])
def test_cut_and_altered_files_end_with_a_sentence(tmp_path: Path, legacy: bool) -> None:
    tensors = {"state_dict": timm_network().state_dict(), "epoch": 3}
    whole = tmp_path / "whole.pt"
    torch.save(tensors, whole, _use_new_zipfile_serialization=not legacy)
    content = whole.read_bytes()
    cut = tmp_path / "cut.pt"
    for size in (3, 40, 400, len(content) // 2, len(content) - 30):
        cut.write_bytes(content[:size])
        with pytest.raises(CheckpointError, match="cut.pt: "):
            open_model(cut, ModelOptions())
    begin = 0 if legacy else 64
    for place in range(begin, begin + 600, 23):
        altered = bytearray(content)
        altered[place] ^= 0x55
        cut.write_bytes(altered)
        with suppress(CheckpointError):  # any other error fails the test; some changes do no harm
            open_model(cut, ModelOptions(input_size=32))
