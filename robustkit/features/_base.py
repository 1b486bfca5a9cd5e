"""The face of a family of features, the settings that all share, and ``extract``: many boxes of one film at once.

Definitions are those of the Image Biomarker Standardisation Initiative (IBSI 1, Zwanenburg et al. 2020, Radiology
295:328; reference manual arXiv:1612.07003) in two dimensions; names are its short names, as in its tables of benchmark
values. Where IBSI puts a number for what is not defined (skewness of a constant region: 0), we give NaN with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Protocol, cast, get_args

import numpy as np
from numpy.typing import NDArray

from robustkit.errors import InputError
from robustkit.features._film import Normalise, Pixels, prepare
from robustkit.features._region import MAX_LEVELS, Discretisation, Region, cut
from robustkit.geometry import Boxes
from robustkit.registry import load, names

Directions = Literal["average", "merged"]

FAMILIES = ("first_order", "histogram", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
"""The families of a radiomics model, in the order of their features."""

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""The four directions of a matrix: rows down, columns right."""


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """What changes the value of a feature; it is recorded with every model.

    Attributes:
        spacing_mm: Films whose spacing is known are resampled to this side of a pixel, in mm (bilinear, antialiased);
            others stay as they are. None: no film is resampled.
        normalise: ``none``: grey levels 0..255 as they are; ``film`` and ``box``: (x - mean) / sd over the whole film or
            over the region. It precedes discretisation.
        discretisation: ``count``: ``bins`` levels between the least and the greatest value of the region (IBSI's fixed
            bin number); ``width``: levels of ``bin_width``, their edges at whole multiples of it, counted from the level
            of the region's least value (PyRadiomics' way; IBSI's fixed bin size begins at the least value itself).
        bins: Levels with ``count``, 2..1024.
        bin_width: With ``width``: in grey levels, or in sd where normalised; > 0.
        directions: Of GLCM and GLRLM: the mean of the features of four directions (IBSI ``2d_avg``, PyRadiomics), or the
            features of the four matrices' sum (``2d_s_mrg``).
        families: Names of families; the order of the features follows.
    """

    spacing_mm: float | None = None
    normalise: Normalise = "none"
    discretisation: Discretisation = "count"
    bins: int = 32
    bin_width: float = 8.0
    directions: Directions = "average"
    families: tuple[str, ...] = FAMILIES

    def __post_init__(self) -> None:
        _check_choices(self)
        _check_numbers(self)
        if not self.families or len(set(self.families)) < len(self.families):
            raise InputError(f"expected families, each once, got {self.families!r}.", where="features")
        for name in set(self.families) - set(names("features")):
            load("features", name)

    def to_dict(self) -> dict[str, object]:
        """Give the fields as JSON-able values."""
        return asdict(self) | {"families": list(self.families)}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> FeatureSettings:
        """Read what ``to_dict`` gave; what is missing has its default.

        Raises:
            InputError: An unknown field, or a value that is not allowed.
        """
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(given) - known):
            what = f"unknown setting {', '.join(unknown)}; known: {', '.join(sorted(known))}."
            raise InputError(what, where="features", fix="Correct the name.")
        families = given.get("families", FAMILIES)
        if not isinstance(families, list | tuple) or not all(isinstance(f, str) for f in families):
            raise InputError(f"families must be a list of names, got {families!r}.", where="features")
        return cls(**{**given, "families": tuple(families)})


@dataclass(frozen=True, slots=True)
class Feature:
    """One number of a region.

    Attributes:
        name: IBSI's short name, e.g. ``cm_contrast_d1_2d_avg``.
        undefined: Where it is NaN although the region holds pixels, and why; empty where it is always defined.
    """

    name: str
    undefined: str = ""


class Family(Protocol):
    """Features of one kind, e.g. those of one matrix.

    Attributes:
        name: As in ``FeatureSettings.families``.
    """

    name: str

    def features(self, settings: FeatureSettings) -> tuple[Feature, ...]:
        """Give the features, in order."""
        ...

    def measure(self, region: Region, settings: FeatureSettings) -> NDArray[np.float64]:
        """Give ``(n_features,)`` of a region that holds at least one pixel; threads may share the family."""
        ...


def suffix(settings: FeatureSettings) -> str:
    """Give IBSI's name of the choice of directions."""
    return "2d_s_mrg" if settings.directions == "merged" else "2d_avg"


def features_of(settings: FeatureSettings) -> tuple[Feature, ...]:
    """Give the features, each with the reason for which it may be NaN, in the order of the columns of ``extract``."""
    return tuple(f for family in _families(settings) for f in family.features(settings))


def feature_names(settings: FeatureSettings) -> tuple[str, ...]:
    """Give the names of the columns of ``extract``."""
    return tuple(f.name for f in features_of(settings))


def extract(
    pixels: Pixels,
    boxes: Boxes,
    *,
    settings: FeatureSettings,
    spacing_mm: float | None,
    mask: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Give the features of many boxes of one film.

    A region is the box in whole pixels (each edge ``floor(v + 0.5)``, half-open, at least one pixel wide and high) as far
    as it lies on the film and in the mask. Threads may call this at once: its kernels release the GIL.

    Args:
        pixels: ``(H, W)`` film, uint8 or float32, 0..255.
        boxes: ``(K, 4)`` float64, in px of this film.
        settings: What is measured, and how.
        spacing_mm: Side of a pixel of this film; None where it is not known.
        mask: ``(H, W)`` bool: the lesion; default: all of the box.

    Returns:
        ``(K, n_features)`` float64; NaN where a feature is not defined (``features_of`` says why), and in a whole row
        where a box holds no pixel of film and mask, or the spread that grey levels are divided by is 0.

    Raises:
        InputError: A mask of another size than the film, or numba is missing.
        FilmError: More grey levels or pixels than can be counted, with these settings.

    Example:
        >>> film = np.arange(64, dtype=np.uint8).reshape(8, 8)
        >>> chosen = FeatureSettings(families=("first_order",))
        >>> values = extract(film, np.array([[0.0, 0, 4, 4], [90, 90, 99, 99]]), settings=chosen, spacing_mm=None)
        >>> values.shape, values[:, feature_names(chosen).index("stat_mean")].tolist()
        ((2, 18), [13.5, nan])
    """
    families = _families(settings)
    starts = np.cumsum([0, *(len(f.features(settings)) for f in families)])
    film = prepare(pixels, boxes, mask, spacing=(spacing_mm, settings.spacing_mm), normalise=settings.normalise)
    values = np.full((len(boxes), starts[-1]), np.nan)
    for row, box in zip(values, film.boxes, strict=True):
        region = cut(
            film, box, discretisation=settings.discretisation, bins=settings.bins, bin_width=settings.bin_width
        )
        if region is not None:
            for family, start, stop in zip(families, starts, starts[1:], strict=False):
                row[start:stop] = family.measure(region, settings)
    return values


def _families(settings: FeatureSettings) -> list[Family]:
    return [cast(Family, load("features", name)) for name in settings.families]


def _check_choices(settings: FeatureSettings) -> None:
    for name, allowed in (("normalise", Normalise), ("discretisation", Discretisation), ("directions", Directions)):
        value = getattr(settings, name)
        if value not in get_args(allowed):
            what = f"{name}: expected one of {', '.join(get_args(allowed))}, got {value!r}."
            raise InputError(what, where="features")


def _check_numbers(settings: FeatureSettings) -> None:
    lengths = {"bin_width": settings.bin_width, "spacing_mm": settings.spacing_mm}
    for name, value in lengths.items():
        if name == "spacing_mm" and value is None:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise InputError(f"{name} must be a number > 0, got {value!r}.", where="features")
    bins = settings.bins
    if not isinstance(bins, int) or isinstance(bins, bool) or not 2 <= bins <= MAX_LEVELS:
        raise InputError(f"bins must be a whole number 2..{MAX_LEVELS}, got {bins!r}.", where="features")
