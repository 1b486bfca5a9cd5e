"""The noun Share: which parts are one process's, where several were started side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from robustkit.engine.pipeline import Part
from robustkit.errors import InputError

_PAIRS = (("RANK", "WORLD_SIZE", ""), ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"))


@dataclass(frozen=True, slots=True)
class Share:
    """Every n-th part, from the index-th on.

    Attributes:
        index, n: 0 <= index < n.
        source: The environment variables that say so; "" where none does.
    """

    index: int = 0
    n: int = 1
    source: str = ""

    @property
    def is_part(self) -> bool:
        """True where other processes have the rest."""
        return self.n > 1

    def of(self, parts: Sequence[Part], left: Sequence[Part]) -> list[Part]:
        """Give those of ``left`` that are this process's among all ``parts``, whatever is finished already."""
        own = set(parts[self.index :: self.n])
        return [p for p in left if p in own]


def share_of_environment(environment: Mapping[str, str]) -> Share:
    """Read RANK and WORLD_SIZE (torchrun) or SLURM_ARRAY_TASK_ID, _COUNT and _MIN.

    Raises:
        InputError: Not whole numbers, or a rank beyond the size.
    """
    for index, count, least in _PAIRS:
        if index not in environment or count not in environment:
            continue
        texts = [environment[index], environment[count], environment.get(least, "0") or "0"]
        source = f"{index}={texts[0]}, {count}={texts[1]}"
        if not all(t.isdigit() for t in texts):
            raise InputError("expected whole numbers.", where=source, fix=f"Unset {index}, or correct it.")
        place, n = int(texts[0]) - int(texts[2]), int(texts[1])
        if not 0 <= place < n:
            fix = f"Number the tasks {texts[2]} to {int(texts[2]) + n - 1} in steps of 1, or unset {index}."
            raise InputError(f"the task's place {place} is not below {n}.", where=source, fix=fix)
        return Share(place, n, source)
    return Share()
