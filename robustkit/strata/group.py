"""group: benign, intermediate or malignant, from the subtype vocabulary (WHO 2020)."""

from __future__ import annotations

from robustkit.strata._base import Column

PLUGIN = Column("group")
