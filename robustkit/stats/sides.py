"""The noun Sides: cases of two cohorts, a and b, with their patients, and what is summed over them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from robustkit.stats.bootstrap import PatientDraws, sums_by_patient
from robustkit.stats.codes import n_distinct

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Codes = NDArray[np.intp]

MIN_PATIENTS = 5
"""Patients of either side under which nothing is estimated, as for a proportion."""


@dataclass(frozen=True, slots=True)
class Sides:
    """n cases, each of cohort a or of cohort b.

    Attributes:
        is_a: ``(n,)`` True for a.
        patients: ``(n,)`` codes of the patients that ``draws`` counts.
        draws: Of patients, shared by everything that is compared.
    """

    is_a: Flags
    patients: Codes
    draws: PatientDraws

    def only(self, keep: Flags) -> Sides:
        """Give some of the cases."""
        if keep.all():
            return self
        return replace(self, is_a=self.is_a[keep], patients=self.patients[keep])

    def compact(self) -> Sides:
        """Give the same with the draws of its own patients alone: to be asked once, before many sums."""
        own, codes = np.unique(self.patients, return_inverse=True)
        return replace(self, patients=codes.astype(np.intp), draws=PatientDraws(self.draws.by_patient[own]))

    def patients_of(self, *, is_a: bool) -> int:
        """Count the patients of one side."""
        return n_distinct(self.patients[self.is_a == is_a])

    def too_few(self) -> str:
        """Say why nothing can be estimated; "" where it can."""
        m = min(self.patients_of(is_a=True), self.patients_of(is_a=False))
        if m == 0:
            return "no case on one side"
        return f"fewer than {MIN_PATIENTS} patients on one side ({m})" if m < MIN_PATIENTS else ""

    def sums(self, columns: Floats) -> Sums:
        """Sum ``(c, n)`` columns by patient, side a first, then side b: 2c rows."""
        both = np.concatenate([columns * self.is_a, columns * ~self.is_a])
        draws = self.draws.by_patient
        by_patient = sums_by_patient(both, self.patients, n_patients=len(draws))
        own = np.flatnonzero(np.bincount(self.patients, minlength=len(draws)))
        if len(own) == len(draws):
            return Sums(by_patient, by_patient @ draws)
        return Sums(by_patient[:, own], by_patient[:, own] @ draws[own])


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of columns, of which every estimate of two cohorts is a function.

    Attributes:
        by_patient: ``(k, m)`` of each patient.
        drawn: ``(k, B)`` over every draw.
    """

    by_patient: Floats
    drawn: Floats

    @property
    def total(self) -> Floats:
        """``(k, 1)`` over all patients."""
        return np.asarray(self.by_patient.sum(axis=1, keepdims=True))

    @property
    def left_out(self) -> Floats:
        """``(k, m)`` over all patients but one."""
        return np.asarray(self.total - self.by_patient)
