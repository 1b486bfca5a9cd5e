"""phantom: whether the simulated cohort is drawn already."""

from __future__ import annotations

from collections.abc import Iterator

from robustkit.checkup._base import Place
from robustkit.findings import Finding
from robustkit.phantom.store import cache_folder, is_drawn


class Phantom:
    """Looks into the cache; draws nothing."""

    name = "phantom"
    order = 80

    def look(self, place: Place) -> Iterator[Finding]:
        """Give whether it is drawn."""
        folder = cache_folder()
        if is_drawn():
            yield Finding(self.name, "films", "ok", f"drawn, in {folder}")
        else:
            yield Finding(
                self.name,
                "films",
                "note",
                "not drawn yet: the first command without --manifest draws them, a minute or two",
            )


PLUGIN = Phantom()
