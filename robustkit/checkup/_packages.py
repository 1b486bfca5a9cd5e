"""What robustkit needs, as its own metadata say it, and what each package is for."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from robustkit.checkup._base import FAULTS, described

OWN = "robustkit"
TOOLS = ("test", "lint")
"""Extras for those who work on robustkit itself."""

MODULES = {
    "Pillow": "PIL", "scikit-learn": "sklearn", "pylibjpeg-libjpeg": "libjpeg", "pylibjpeg-openjpeg": "openjpeg",
    "pyjpegls": "jpeg_ls", "dash-ag-grid": "dash_ag_grid", "axe-playwright-python": "axe_playwright_python",
}  # fmt: skip
"""Modules that are not called as their package is."""

PURPOSES = {
    "torch": "networks", "timm": "architectures of networks", "torchvision": "architectures of networks",
    "numpy": "arrays", "pandas": "tables", "scipy": "statistics", "plotly": "figures and reports", "typer": "the command line",
    "rich": "progress", "pyarrow": "Parquet files", "Pillow": "films and crops", "pydicom": "DICOM films",
    "pylibjpeg": "compressed DICOM films", "pylibjpeg-libjpeg": "JPEG in DICOM films",
    "pylibjpeg-openjpeg": "JPEG 2000 in DICOM films", "pyjpegls": "JPEG-LS in DICOM films",
    "scikit-learn": "models without a network, drift", "statsmodels": "statistics", "safetensors": "checkpoints",
    "openpyxl": "spreadsheets", "defusedxml": "VOC annotations", "packaging": "robustkit doctor",
    "threadpoolctl": "statistics on all cores", "filelock": "one command at a time in a folder",
}  # fmt: skip
"""What a package is for."""

EXTRAS = {
    "cpu": "networks three times as fast on a CPU (OpenVINO)", "onnx": "ONNX files", "cluster": "Dask workers",
    "dashboard": "the dashboard", "heatmaps": "heatmaps by Captum", "radiomics": "radiomics features, compiled",
    "browser": "tests of the pages in a browser",
}  # fmt: skip
"""What an extra is for."""


@dataclass(frozen=True, slots=True)
class Needed:
    """One requirement.

    Attributes:
        name: Of the package.
        wanted: Versions that will do, e.g. ``>=2.0``.
        extra: That brings it; "" for all installations.
    """

    name: str
    wanted: str
    extra: str = ""

    @property
    def module(self) -> str:
        """What is imported."""
        return MODULES.get(self.name, self.name.replace("-", "_"))

    def fault(self, *, by_import: bool) -> str:
        """Give why it will not do; "" where it will.

        Args:
            by_import: Import it, and not only look for it.
        """
        from packaging.specifiers import SpecifierSet

        try:
            found = version(self.name)
        except PackageNotFoundError:
            return "is not installed"
        if not SpecifierSet(self.wanted).contains(found, prereleases=True):
            return f"{found} is installed, {self.wanted} is needed"
        if find_spec(self.module) is None:
            return f"{found} is listed, but its module {self.module} is not there"
        return _import_fault(self.module) if by_import else ""

    def said(self) -> str:
        """Give name and version."""
        return f"{self.name} {version(self.name)}"


def requirements() -> tuple[Needed, ...]:
    """Give everything that robustkit's metadata ask for, its own extras (``robustkit[onnx]``) left out.

    Raises:
        PackageNotFoundError: robustkit is not installed.
    """
    from packaging.requirements import Requirement

    found = []
    for text in requires(OWN) or ():
        own = Requirement(text)
        extra = next((e for e in _extras() if own.marker and own.marker.evaluate({"extra": e})), "")
        if own.name != OWN and extra not in TOOLS and (extra or not own.marker or own.marker.evaluate()):
            found.append(Needed(own.name, str(own.specifier), extra))
    return tuple(found)


def _extras() -> tuple[str, ...]:
    from importlib.metadata import metadata

    return tuple(metadata(OWN).get_all("Provides-Extra") or ())


def _import_fault(module: str) -> str:
    try:
        if module in ("torchvision", "timm"):
            # copes with a torchvision that was built for another torch, as all of robustkit does
            from robustkit.models._torchvision import import_torchvision

            import_torchvision()
        importlib.import_module(module)
    except FAULTS as error:
        return f"is installed and cannot be imported ({described(error)})"
    return ""
