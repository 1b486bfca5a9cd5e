"""subtype: the tumour subtype as the manifest spells it."""

from __future__ import annotations

from robustkit.strata._base import Column

PLUGIN = Column("subtype")
