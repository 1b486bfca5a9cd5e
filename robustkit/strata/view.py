"""view: the projection of the film."""

from __future__ import annotations

from robustkit.strata._base import Column

PLUGIN = Column("view")
