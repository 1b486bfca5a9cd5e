"""``--set`` belongs to the ``--manifest`` before it; click forgets the order of options, so it is kept here."""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand


class SetAfterManifest(TyperCommand):
    """Rewrites ``--set a=b`` to ``--set N:a=b``, N being the number of the manifest before it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments of one call."""
        return super().parse_args(ctx, number_sets(args))


def number_sets(args: list[str]) -> list[str]:
    """Give the arguments with every ``--set`` numbered by its manifest.

    Example:
        >>> number_sets(["--manifest", "a.csv", "--set", "cohort=internal"])
        ['--manifest', 'a.csv', '--set', '0:cohort=internal']
    """
    numbered: list[str] = []
    manifests = 0
    waits = False
    for arg in args:
        if waits:
            numbered.append(f"{max(manifests - 1, 0)}:{arg}")
            waits = False
            continue
        if arg == "--manifest" or arg.startswith("--manifest="):
            manifests += 1
        if arg.startswith("--set="):
            arg = f"--set={max(manifests - 1, 0)}:{arg[6:]}"
        waits = arg == "--set"
        numbered.append(arg)
    return numbered
