"""centre: where the film was taken."""

from __future__ import annotations

from robustkit.strata._base import Column

PLUGIN = Column("centre")
