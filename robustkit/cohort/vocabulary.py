"""The noun Vocabulary: what the words for sites, subtypes and labels mean; editable CSV, with editions."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from robustkit.errors import InputError

Convention = Literal["icd-o", "anatomical"]
Girdle = Literal["own", "limb", "axial"]
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Site:
    """One word for a site: bone, region by ICD-O topography and by anatomy, hip and shoulder joints marked."""

    bone: str
    icdo: str
    anatomical: str
    is_girdle_joint: bool
    code: str


@dataclass(frozen=True, slots=True)
class Subtype:
    """One subtype: its name, WHO group (``unknown`` for what is no tumour), label, ICD-O morphology, edition."""

    name: str
    group: str
    label: str
    code: str
    edition: str


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words in lower case; unmapped ones are ``unknown``, counted and never dropped.

    A subtype is a label too: ``osteosarcoma`` as a class name is as non-benign as ``malignant``.
    """

    sites: Mapping[str, Site]
    subtypes: Mapping[str, Subtype]
    positive_by_label: Mapping[str, bool]

    @property
    def labels(self) -> frozenset[str]:
        """All label words that the vocabulary knows, subtypes among them."""
        return frozenset(self.positive_by_label) | frozenset(self.subtypes)

    def is_positive(self, label: str) -> bool | None:
        """Tell whether a label is non-benign; None where the vocabulary does not know it."""
        word = label.strip().lower()
        if word in self.positive_by_label:
            return self.positive_by_label[word]
        found = self.subtypes.get(word)
        return found.label == "non-benign" if found else None

    def unmapped_sites(self, site: str) -> tuple[str, ...]:
        """Give the words of a site (several joined by ``|``) that the vocabulary does not know."""
        return tuple(s.strip() for s in site.split("|") if s.strip() and s.strip().lower() not in self.sites)

    def knows_subtype(self, subtype: str) -> bool:
        """Tell whether the vocabulary has the word, even if it belongs to no group (a fracture is no tumour)."""
        return subtype.strip().lower() in self.subtypes

    def group(self, subtype: str) -> str:
        """Give benign, intermediate, malignant or unknown."""
        found = self.subtypes.get(subtype.strip().lower())
        return found.group if found else UNKNOWN

    def label_of(self, subtype: str) -> str:
        """Give benign, non-benign or unknown."""
        found = self.subtypes.get(subtype.strip().lower())
        return found.label if found else UNKNOWN

    def region(self, site: str, *, convention: Convention = "icd-o", girdle: Girdle = "own") -> str:
        """Give limb, axial, girdle, mixed (several sites that disagree) or unknown.

        Args:
            site: One site, or several joined by ``|``.
            convention: ICD-O topography (C40 limb, C41 axial), or anatomy (girdles belong to the limbs).
            girdle: Where hip and shoulder joints count: a row of their own, or as limb or axial.
        """
        regions = {self._region(s.strip().lower(), convention, girdle) for s in site.split("|") if s.strip()}
        if not regions:
            return UNKNOWN
        return regions.pop() if len(regions) == 1 else "mixed"

    def _region(self, site: str, convention: Convention, girdle: Girdle) -> str:
        found = self.sites.get(site)
        if found is None:
            return UNKNOWN
        if found.is_girdle_joint:
            return "girdle" if girdle == "own" else girdle
        return found.icdo if convention == "icd-o" else found.anatomical


def read_vocabulary(folder: Path | None = None) -> Vocabulary:
    """Read ``sites.csv``, ``subtypes.csv`` and ``labels.csv``, those of the package where no folder is given.

    Raises:
        InputError: A file or a column is missing.
    """
    sites = {
        r["site"].lower(): Site(
            r["bone"], r["region_icdo"], r["region_anatomical"], r["girdle"] == "yes", r["icdo_code"]
        )
        for r in _rows("sites.csv", folder, ("site", "bone", "region_icdo", "region_anatomical", "girdle", "icdo_code"))
    }
    subtypes = {}
    columns = ("subtype", "aliases", "group", "label", "icdo_morphology", "edition")
    for r in _rows("subtypes.csv", folder, columns):
        meaning = Subtype(r["subtype"], r["group"], r["label"], r["icdo_morphology"], r["edition"])
        for word in (r["subtype"], *r["aliases"].split("|")):
            if word:
                subtypes[word.lower()] = meaning
    labels = {
        r["label"].lower(): r["non_benign"] == "yes" for r in _rows("labels.csv", folder, ("label", "non_benign"))
    }
    return Vocabulary(sites, subtypes, labels)


def _rows(name: str, folder: Path | None, columns: tuple[str, ...]) -> list[dict[str, str]]:
    place = folder / name if folder else files("robustkit.data_manifests").joinpath("vocabulary", name)
    try:
        text = place.read_text(encoding="utf-8-sig")
        rows = [{k: v or "" for k, v in row.items()} for row in csv.DictReader(text.splitlines())]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"the vocabulary cannot be read ({error}).", where=str(place), fix="Give a CSV in UTF-8."
        ) from error
    lacking = [c for c in columns if not rows or c not in rows[0]]
    if lacking:
        raise InputError(f"the vocabulary lacks {', '.join(lacking)}.", where=str(place), fix="Add these columns.")
    return rows
