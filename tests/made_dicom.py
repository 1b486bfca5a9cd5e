"""DICOM films made for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

PATIENT = "DOE^JANE"


def dicom_film(stored: NDArray[Any], **tags: Any) -> Dataset:
    """Give a data set with these stored values; ``tags`` are keywords and their values."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["film"])
    data.PatientName = PATIENT
    data.PatientID = "4711-SECRET"
    data.StudyDate = "19991231"
    data.Rows, data.Columns = stored.shape[:2]
    data.SamplesPerPixel = 1 if stored.ndim == 2 else stored.shape[2]
    data.PhotometricInterpretation = "MONOCHROME2" if stored.ndim == 2 else "RGB"
    if stored.ndim == 3:
        data.PlanarConfiguration = 0
    data.BitsAllocated = data.BitsStored = stored.dtype.itemsize * 8
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(stored.dtype.kind == "i")
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.HighBit = data.BitsStored - 1
    content = stored.tobytes()
    data.PixelData = content + b"\0" * (len(content) % 2)
    data["PixelData"].VR = "OW" if data.BitsAllocated > 8 else "OB"
    return data


def lut(entries: list[int], *, first: int, bits: int) -> Dataset:
    """Give one item of a lookup table sequence."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US" if first >= 0 else "SS", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return item


def written(data: Dataset, path: Path) -> Path:
    """Write a data set as a DICOM file."""
    data.save_as(path, enforce_file_format=True)
    return path


def encapsulated(data: Dataset, frame: bytes, syntax: UID) -> Dataset:
    """Put a compressed frame in the place of the pixels."""
    data.file_meta.TransferSyntaxUID = syntax
    data.PixelData = encapsulate([frame])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
    return data


def ramp(height: int, width: int, *, dtype: str = "uint16", step: int = 37) -> NDArray[Any]:
    """Give stored values that rise along rows and columns, all different enough to be told apart."""
    return (np.arange(height * width).reshape(height, width) * step % 4096).astype(dtype)
