"""unread: files of which nothing can be said."""

from __future__ import annotations

from collections.abc import Iterator

from robustkit.findings import Finding
from robustkit.privacy._base import SharedFolder


class Unread:
    """What could not be opened, what is of an unknown kind, and links to elsewhere."""

    name = "unread"
    order = 100

    def search(self, folder: SharedFolder) -> Iterator[Finding]:
        """Give a finding for every file that no search could look into."""
        for file, reason in folder.unread.items():
            fix = "Look into it yourself, or leave it out."
            yield Finding(self.name, file, "found", f"was not looked into: {reason}.", fix)


PLUGIN = Unread()
