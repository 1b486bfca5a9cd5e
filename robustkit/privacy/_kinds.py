"""Kinds of files by the end of their names."""

from __future__ import annotations

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif")
PAGES = (".html", ".svg", ".json")
"""Text that may hold pictures."""
FILMS = (".dcm", ".dicom", ".dic", ".ima")
MODELS = (".pt", ".pth", ".safetensors", ".onnx", ".ckpt", ".pt2")
