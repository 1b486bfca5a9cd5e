"""The noun RunFilms: the films of a run, read again as the run read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from robustkit.engine.films import read_same_film
from robustkit.errors import FilmError
from robustkit.images.radiograph import Depth, Radiograph
from robustkit.results.films import read_films
from robustkit.results.folder import RunFolder


@dataclass(frozen=True, slots=True)
class RunFilms:
    """What a run remembers of its films: one that is another file by now is refused, for the answers are not about it.

    Attributes:
        paths: By case_id; "" where the run does not say, as those of other programs.
        sha256: By case_id; none where the run kept none, as those of older versions.
        depth: Of the run.
        allow_truncated: Of the run.
    """

    paths: Mapping[str, str]
    sha256: Mapping[str, str]
    depth: Depth = "8"
    allow_truncated: bool = False

    @classmethod
    def of(cls, folder: RunFolder) -> RunFilms:
        """Read what the run remembers.

        Raises:
            RunError: It cannot be read.
        """
        record, cases = folder.record(), folder.cases()
        named = cases.reindex(columns=["case_id", "image_path"]).astype("string").fillna("")
        allow_truncated = bool(record.get("allow_truncated", False))
        return cls(dict(named.to_numpy().tolist()), read_films(folder.path), record.get("depth", "8"), allow_truncated)

    def read(self, case_id: str, *, depth: Depth | None = None) -> Radiograph:
        """Read the film of a case.

        Args:
            case_id: Whose film it is.
            depth: Other than that of the run.

        Raises:
            FilmError: It cannot be read, is another file than when the run began, or the run does not say where it is.
        """
        path, sha256 = self.paths.get(case_id, ""), self.sha256.get(case_id, "")
        if not path:
            fix = "Only runs of `robustkit perturb` know their films."
            raise FilmError("the run does not say where the film is.", where=case_id, fix=fix)
        return read_same_film(Path(path), sha256, depth=depth or self.depth, allow_truncated=self.allow_truncated)
