"""folders: whether runs, working folder and cache can be written, and how much room there is."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from robustkit.cache import cache_root
from robustkit.checkup._base import Place
from robustkit.findings import Finding

LEAST_GIB = 1.0
"""A disk that runs full stops a run; what is finished is kept."""


class Folders:
    """Writes a few bytes and takes them away again."""

    name = "folders"
    order = 70

    def look(self, place: Place) -> Iterator[Finding]:
        """Give a finding for every folder that robustkit writes to."""
        yield self._written("working folder", place.work, "Change to a folder that you may write to.")
        fix = "Name another with --out, or as runs in robustkit.toml."
        yield self._written("runs", place.runs, fix)
        cache = self._written("cache", cache_root(), "Set XDG_CACHE_HOME to a folder that you may write to.")
        # only the phantom needs it
        yield Finding(self.name, cache.subject, "note", cache.said, cache.fix) if cache.is_bad else cache

    def _written(self, subject: str, folder: Path, fix: str) -> Finding:
        folder = folder.absolute()
        there = next(p for p in (folder, *folder.parents) if p.exists())
        where = str(folder) if there == folder else f"{folder} (will be made in {there})"
        probe = there / f".tmp-{uuid.uuid4().hex[:12]}-doctor.tmp"
        try:
            probe.write_bytes(b"robustkit")
        except OSError as error:
            return Finding(self.name, subject, "broken", f"{where}: cannot be written ({error.strerror})", fix)
        finally:
            with suppress(OSError):  # nothing was made where nothing can be made
                probe.unlink(missing_ok=True)
        free = shutil.disk_usage(there).free / 2**30
        if free < LEAST_GIB:
            return Finding(self.name, subject, "broken", f"{where}: {free:.2f} GiB free", f"Free some space. {fix}")
        return Finding(self.name, subject, "ok", f"{where}: can be written, {free:.0f} GiB free")


PLUGIN = Folders()
