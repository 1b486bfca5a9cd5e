"""A folder as a hospital has it, to learn with: DICOM films and a spreadsheet of lesions. The films are simulated.

    python examples/hospital.py hospital                  # films and a spreadsheet
    python examples/hospital.py other --external          # those of other hospitals

What a real folder has and this one has too: 12-bit films, some of them dark on light (MONOCHROME1), names and dates in
the headers, columns that are called what the hospital calls them, and boxes as left, top, width and height.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid
from robustkit.phantom.facts import draw_lesions
from robustkit.phantom.film import draw_film

DEEPEST = 4095
"""Of a film of 12 bits."""
INVERTED = 5
"""Every so many-th film is stored dark on light, as some machines do."""
HEADINGS = {
    "case_id": "Lesion", "patient_id": "Patient", "film": "Film", "left": "Left", "top": "Top", "width": "Width", "height": "Height",
    "subtype": "Diagnosis", "site": "Bone", "view": "Projection", "age_years": "Age", "sex": "Sex", "centre": "Hospital",
}  # fmt: skip


def main() -> None:
    """Write the folder and say what is in it."""
    ask = argparse.ArgumentParser(description="Simulated DICOM films and a spreadsheet of lesions, to learn with.")
    ask.add_argument("folder", type=Path, help="Is made; must not exist.")
    ask.add_argument("--patients", type=int, default=150)
    ask.add_argument("--external", action="store_true", help="Other hospitals: other films, other tumours.")
    ask.add_argument("--seed", type=int, default=0)
    told = ask.parse_args()
    if told.folder.exists():
        ask.error(f"{told.folder} is there already; name another folder, or delete it.")
    n = write_hospital(told.folder, patients=told.patients, is_external=told.external, seed=told.seed)
    print(f"{told.folder}: {n} films (simulated) and lesions.xlsx")


def write_hospital(folder: Path, *, patients: int, is_external: bool = False, seed: int = 0) -> int:
    """Write ``films/*.dcm`` and ``lesions.xlsx``, and give the number of films."""
    inside, outside = (0, patients) if is_external else (patients, 0)
    lesions = draw_lesions(seed, n_internal=inside, n_external=outside)
    (folder / "films").mkdir(parents=True)
    images = {}
    for number, (image, rows) in enumerate(lesions.groupby("image", sort=False)):
        images[image] = f"IM{number + 1:05d}.dcm"
        film = radiograph(draw_film(rows, seed=seed), rows.iloc[0], is_inverted=number % INVERTED == 0)
        film.save_as(folder / "films" / images[image], enforce_file_format=True)
    sheet(lesions, images).to_excel(folder / "lesions.xlsx", index=False)
    return len(images)


def radiograph(pixels: NDArray[np.uint8], lesion: pd.Series, *, is_inverted: bool) -> Dataset:
    """Give a film of 12 bits with a header as a hospital's machine writes it.

    Args:
        pixels: ``(H, W)`` uint8; bone is light.
        lesion: A row of the film.
        is_inverted: Store bone dark, and say so.
    """
    stored = np.rint(pixels * (DEEPEST / 255)).astype("<u2")
    if is_inverted:
        stored = (DEEPEST - stored).astype("<u2")
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[lesion["image"]])
    data.PatientName = f"Simulated^{lesion['patient_id']}"
    data.PatientID = lesion["patient_id"]
    data.StudyDate = "20000101"
    data.Modality = "DX"
    data.ImagerPixelSpacing = [lesion["spacing_mm"], lesion["spacing_mm"]]
    data.Rows, data.Columns = stored.shape
    data.SamplesPerPixel, data.PixelRepresentation = 1, 0
    data.PhotometricInterpretation = "MONOCHROME1" if is_inverted else "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
    data.WindowCenter, data.WindowWidth = (DEEPEST + 1) / 2, DEEPEST + 1
    data.PixelData = stored.tobytes()
    data["PixelData"].VR = "OW"
    return data


def sheet(lesions: pd.DataFrame, images: dict[str, str]) -> pd.DataFrame:
    """Give the spreadsheet: a row for each lesion, in the hospital's words."""
    number = lesions.groupby("centre").cumcount() + 1
    table = lesions.assign(
        case_id=[f"{c}-{n:04d}" for c, n in zip(lesions["centre"], number, strict=True)],
        film=lesions["image"].map(images),
        left=lesions["x0"],
        top=lesions["y0"],
        width=lesions["x1"] - lesions["x0"],
        height=lesions["y1"] - lesions["y0"],
    )
    return table[list(HEADINGS)].rename(columns=HEADINGS)


if __name__ == "__main__":
    main()
