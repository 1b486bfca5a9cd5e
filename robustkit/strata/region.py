"""region: limb, axial, girdle or mixed, from the site vocabulary."""

from __future__ import annotations

from robustkit.strata._base import Column

PLUGIN = Column("region")
