"""films: pictures of patients, in which a name may have been burnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from robustkit.findings import Finding
from robustkit.privacy._base import SharedFolder, some
from robustkit.privacy._pictures import pictures

_FIX = (
    "Look at each of them for burnt-in text, or leave them out: perturb --no-images, report --no-images; "
    "packs for readers cannot do without."
)


class Films:
    """Counts pictures; films that were drawn show nobody."""

    name = "films"
    order = 70

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every file with pictures in it."""
        counts = Counter(p.file for p in pictures(folder))
        for file, n in counts.items():
            if not folder.is_simulated(file):
                said = f"holds {some(n, 'picture')} (films, or maps over them); text burnt into the pixels is not looked for."
                yield Finding(self.name, file, "found", said, _FIX)


PLUGIN = Films()
