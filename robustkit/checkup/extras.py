"""extras: optional parts, which of them are there, and what brings the others."""

from __future__ import annotations

from collections.abc import Iterator

from robustkit.checkup._base import Place
from robustkit.checkup._packages import EXTRAS, Needed, requirements
from robustkit.findings import Finding, Status


class Extras:
    """An extra whose packages are missing is no fault; one that is there and cannot be imported is."""

    name = "extras"
    order = 20

    def look(self, place: Place) -> Iterator[Finding]:
        """Give a finding for every extra."""
        groups: dict[str, list[Needed]] = {}
        for one in requirements():
            if one.extra:
                groups.setdefault(one.extra, []).append(one)
        for extra, needed in groups.items():
            faults = {one.name: one.fault(by_import=not place.is_quick) for one in needed}
            purpose = EXTRAS.get(extra, "an extra")
            bad = [f"{name} {fault}" for name, fault in faults.items() if fault]
            if bad:
                status: Status = "broken" if any("cannot be imported" in b for b in bad) else "missing"
                fix = f"pip install 'robustkit[{extra}]'"
                yield Finding(self.name, extra, status, f"{purpose}: {'; '.join(bad)}", fix)
            else:
                yield Finding(self.name, extra, "ok", f"{purpose}: {', '.join(one.said() for one in needed)}")


PLUGIN = Extras()
