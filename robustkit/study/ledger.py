"""The noun Ledger: which steps of a study are done, from what, and whether what they made is still there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustkit.atomic import write_text
from robustkit.documents import parse_json
from robustkit.errors import InputError
from robustkit.provenance import digest, file_digest

FORMAT = 1
FILE = "study.json"


@dataclass(frozen=True, slots=True)
class Done:
    """A finished step.

    Attributes:
        key: Digest of all that it was made from.
        files: What it made, relative to the study's folder, with the sha256 of each.
        said: What later steps need of it; JSON-able.
        seconds: It took.
    """

    key: str
    files: Mapping[str, str]
    said: Mapping[str, Any]
    seconds: float


class Ledger:
    """``study.json`` in the folder of a study.

    Args:
        folder: Of the study.
        about: What the file says of the study as a whole (title, packages, ...).

    Raises:
        InputError: The file is damaged, or of a newer format.
    """

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        self.folder, self._about = folder, dict(about)
        self._steps: dict[str, Done] = _read(folder / FILE)

    @property
    def steps(self) -> Mapping[str, Done]:
        """Finished steps by name, in the order in which they were finished."""
        return dict(self._steps)

    def done(self, step: str, made_from: Mapping[str, Any]) -> Done | None:
        """Give a step that was made from the same, and whose files are as they were left; else None."""
        found = self._steps.get(step)
        if found is None or found.key != digest(made_from):
            return None
        return found if all(self._is_same(f, sha) for f, sha in found.files.items()) else None

    def write(
        self, step: str, made_from: Mapping[str, Any], files: Sequence[Path], *, said: Mapping[str, Any], seconds: float
    ) -> Done:
        """Write down that a step is done.

        Args:
            step: Its name.
            made_from: All that decides its outcome.
            files: What it made, inside the study's folder.
            said: What later steps need of it.
            seconds: It took.
        """
        made = {f.resolve().relative_to(self.folder.resolve()).as_posix(): file_digest(f) for f in files}
        self._steps.pop(step, None)  # the order is that of finishing
        self._steps[step] = Done(digest(made_from), made, dict(said), seconds)
        steps = {
            k: {"key": d.key, "files": dict(d.files), "said": dict(d.said), "seconds": round(d.seconds, 1)}
            for k, d in self._steps.items()
        }
        content = {"format": FORMAT, **self._about, "steps": steps}
        write_text(self.folder / FILE, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return self._steps[step]

    def _is_same(self, file: str, sha256: str) -> bool:
        path = self.folder / file
        return path.is_file() and file_digest(path) == sha256


def _read(file: Path) -> dict[str, Done]:
    if not file.is_file():
        return {}
    try:
        content = parse_json(file.read_text(encoding="utf-8"))
        is_known = content["format"] == FORMAT
        steps = {
            k: Done(d["key"], dict(d["files"]), dict(d["said"]), float(d["seconds"]))
            for k, d in content["steps"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"what the study has done so far cannot be read ({error})."
        raise InputError(
            what, where=str(file), fix="Remove the file: finished runs and models are found again."
        ) from error
    if not is_known:
        what = f"expected format {FORMAT}, got {content['format']!r}."
        raise InputError(what, where=str(file), fix="Use the robustkit version that wrote it, or another `out`.")
    return steps
