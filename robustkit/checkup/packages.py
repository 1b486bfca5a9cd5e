"""packages: Python, robustkit and what every installation has."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from robustkit.checkup._base import Place
from robustkit.checkup._packages import OWN, PURPOSES, requirements
from robustkit.findings import Finding
from robustkit.provenance import git_commit


class Packages:
    """Versions are compared with robustkit's own metadata; what is there is imported."""

    name = "packages"
    order = 10

    def look(self, place: Place) -> Iterator[Finding]:
        """Give a finding for every package that all installations have."""
        yield Finding(self.name, "python", "ok", f"{platform.python_version()}, {platform.platform()}")
        try:
            commit = git_commit()
            yield Finding(self.name, OWN, "ok", f"{version(OWN)}{f', commit {commit[:12]}' if commit else ''}")
            needed = requirements()
        except PackageNotFoundError:
            fix = "In its folder, run: pip install ."
            yield Finding(self.name, OWN, "broken", "runs from its source and is not installed", fix)
            return
        for one in needed:
            if one.extra:
                continue
            fault = one.fault(by_import=not place.is_quick)
            if fault:
                purpose = PURPOSES.get(one.name, "robustkit")
                fix = f"pip install '{one.name}{one.wanted}'"
                yield Finding(self.name, one.name, "broken", f"{fault}; it is for {purpose}", fix)
            else:
                yield Finding(self.name, one.name, "ok", version(one.name))


PLUGIN = Packages()
