"""radiomics: a weighted sum of features of the lesion, measured anew in every box that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.errors import InputError
from robustkit.features._base import FeatureSettings, feature_names
from robustkit.geometry import Boxes
from robustkit.kinds._facts import finite
from robustkit.kinds._lesion import Area, lesion_features
from robustkit.kinds._mean import check_fields
from robustkit.models.written import OpenMember, Written

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Radiomics:
    """A FilmModel: log-odds = intercept + sum of coefficient x (feature - mean) / scale.

    Attributes:
        settings: What is measured, and how.
        area: Where.
        places: ``(k,)`` columns of ``extract`` that have a weight.
        medians: ``(k,)`` stand in where a feature is not defined.
        means, scales, coefficients: ``(k,)``.
        intercept: Log-odds where every feature is its mean.
    """

    settings: FeatureSettings
    area: Area
    places: NDArray[np.intp]
    medians: Floats
    means: Floats
    scales: Floats
    coefficients: Floats
    intercept: float

    def logits(self, case: Case, pixels: NDArray[Any], boxes: Boxes) -> NDArray[np.float32]:
        """Give ``(R, 1)`` logits of the last class; NaN where a box holds nothing that can be measured."""
        found = lesion_features(case, pixels, boxes, settings=self.settings, area=self.area)
        return self.log_odds(found)[:, None].astype(np.float32)

    def log_odds(self, features: Floats) -> Floats:
        """Give ``(R,)`` float64 for ``(R, F)`` features, all of ``settings``; NaN where no feature is defined."""
        own = features[:, self.places]
        filled = np.where(np.isfinite(own), own, self.medians)
        answer = self.intercept + ((filled - self.means) / self.scales) @ self.coefficients
        return np.where(np.isfinite(features).any(axis=1), answer, np.nan)


class RadiomicsKind:
    """body: ``settings`` (``FeatureSettings``), ``area``, ``intercept``, ``features``: name, median, mean, scale, coefficient."""

    name = "radiomics"
    engine: Literal["film"] = "film"

    def runner(self, written: Written, *, open_member: OpenMember) -> Radiomics:
        """Read the body.

        Raises:
            CheckpointError: A field is missing or wrong, or a feature is none of these settings.
        """
        check_fields(written, ("settings", "area", "intercept", "features"))
        body = written.body
        if body.get("area") not in ("box", "mask"):
            raise written.wrong("body.area", "box or mask", body.get("area"))
        settings = _settings(written, body.get("settings"))
        entries = body.get("features")
        if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
            raise written.wrong("body.features", 'a list such as [{"name": "stat_mean", ...}]', entries)
        order = {n: i for i, n in enumerate(feature_names(settings))}
        for i, entry in enumerate(entries):
            if entry.get("name") not in order:
                raise written.wrong(f"body.features[{i}].name", "a feature of these settings", entry.get("name"))
        return Radiomics(
            settings=settings,
            area=body["area"],
            places=np.array([order[e["name"]] for e in entries], dtype=np.intp),
            medians=_column(written, entries, "median"),
            means=_column(written, entries, "mean"),
            scales=_scales(written, entries),
            coefficients=_column(written, entries, "coefficient"),
            intercept=finite(written, body, "intercept"),
        )


def _settings(written: Written, said: object) -> FeatureSettings:
    if not isinstance(said, dict):
        raise written.wrong("body.settings", "an object with the settings of the features", said)
    try:
        return FeatureSettings.from_dict(said)
    except InputError as error:
        raise written.wrong("body.settings", f"settings that features know ({error.what})", said) from error


def _column(written: Written, entries: list[Mapping[str, Any]], name: str) -> Floats:
    places = [(f"features[{i}].{name}", e.get(name)) for i, e in enumerate(entries)]
    return np.array([finite(written, {place: value}, place) for place, value in places], dtype=np.float64)


def _scales(written: Written, entries: list[Mapping[str, Any]]) -> Floats:
    found = _column(written, entries, "scale")
    for i in np.flatnonzero(found <= 0):
        raise written.wrong(f"body.features[{i}].scale", "a number above 0", float(found[i]))
    return found


PLUGIN = RadiomicsKind()
