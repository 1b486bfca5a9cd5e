"""Who reads which case, in which arm, session and order: seeded, balanced, the same for everyone who asks again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from robustkit.seeds import generator

Design = Literal["crossover", "sequential"]
UNAIDED, AIDED = "unaided", "aided"
_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ2346789"
"""Without letters that are taken for digits."""

_CODE_LENGTH = 5


@dataclass(frozen=True, slots=True)
class Sitting:
    """One pack: the cases that a reader sees in one session and arm, in order.

    Attributes:
        reader: Name.
        session: 1 or 2.
        arm: ``unaided`` or ``aided``.
        cases: case_ids, practice first.
        codes: What the reader sees instead of each.
        n_practice: How many of the first are practice.
    """

    reader: str
    session: int
    arm: str
    cases: tuple[str, ...]
    codes: tuple[str, ...]
    n_practice: int

    @property
    def name(self) -> str:
        """``reader-1-session-1-unaided``."""
        return f"{self.reader}-session-{self.session}-{self.arm}"


def sample_cases(
    frame: pd.DataFrame, groups: pd.Series, *, n: int, practice: int, seed: int
) -> tuple[list[str], list[str]]:
    """Draw cases for a study: from every group in proportion, one of each patient before a second one of any.

    Args:
        frame: Cases that may be read, with ``case_id`` and ``patient_id``.
        groups: Of every case, in the order of the frame.
        n: Cases; all where there are fewer.
        practice: Further cases of patients that are not read.
        seed: Of the draw.

    Returns:
        case_ids to be read, and those for practice.
    """
    random = generator(seed, "readers", "sample")
    order = random.permutation(len(frame))
    shuffled = frame.iloc[order].assign(group=groups.iloc[order].astype(str).to_numpy())
    turn = shuffled.groupby("patient_id").cumcount()
    shuffled = shuffled.assign(turn=turn.to_numpy()).sort_values("turn", kind="stable")
    wanted = _allocate(shuffled["group"].value_counts().sort_index(), min(n, len(frame)))
    place = shuffled.groupby("group").cumcount()
    chosen = shuffled[place < shuffled["group"].map(wanted)]
    patients = set(chosen["patient_id"])
    rest = shuffled[~shuffled["patient_id"].isin(patients)].drop_duplicates("patient_id")
    return chosen["case_id"].astype(str).tolist(), rest["case_id"].astype(str).tolist()[:practice]


def _allocate(sizes: pd.Series, n: int) -> dict[str, int]:
    """Give each group its share of n, largest remainders first (Hamilton's method)."""
    exact = sizes / sizes.sum() * n
    given = np.floor(exact).astype(int)
    for name in (exact - given).sort_values(ascending=False, kind="stable").index[: n - int(given.sum())]:
        given[name] += 1
    return {str(k): int(v) for k, v in given.items()}


def sittings(
    readers: Sequence[str], cases: Sequence[str], practice: Sequence[str], *, design: Design, seed: int
) -> list[Sitting]:
    """Give every pack of a study.

    Crossover: each session has half of the cases unaided and the other half aided, and the second session the other way
    round; which half begins aided alternates from reader to reader. Sequential: all cases unaided, then all aided.

    Args:
        readers: Names.
        cases: To be read.
        practice: Shown first in each session's first pack of an arm.
        design: Of the study.
        seed: Of halves, orders and codes.
    """
    halves = _halves(cases, seed)
    found = []
    for k, reader in enumerate(readers):
        codes = _codes([*cases, *practice], reader, seed)
        for session in (1, 2):
            for arm in (UNAIDED, AIDED):
                if design == "sequential":
                    own = list(cases) if (session == 1) == (arm == UNAIDED) else []
                else:
                    own = halves[(k + session + (arm == AIDED)) % 2]
                if own:
                    order = generator(seed, "readers", "order", reader, session, arm).permutation(len(own))
                    shown = [*practice, *(own[i] for i in order)]
                    found.append(
                        Sitting(reader, session, arm, tuple(shown), tuple(codes[c] for c in shown), len(practice))
                    )
    return found


def _halves(cases: Sequence[str], seed: int) -> tuple[list[str], list[str]]:
    order = generator(seed, "readers", "halves").permutation(len(cases))
    return [cases[i] for i in order[::2]], [cases[i] for i in order[1::2]]


def _codes(cases: Sequence[str], reader: str, seed: int) -> dict[str, str]:
    """Give every case a code of its own for this reader, which says nothing of the case."""
    random = generator(seed, "readers", "codes", reader)
    seen: set[str] = set()
    codes = {}
    for case in cases:
        code = ""
        while not code or code in seen:
            code = "".join(_LETTERS[i] for i in random.integers(0, len(_LETTERS), _CODE_LENGTH))
        seen.add(code)
        codes[case] = code
    return codes


def key_table(planned: Sequence[Sitting]) -> pd.DataFrame:
    """Give the key: what every code stands for. It is not for readers."""
    rows = [
        {
            "reader_id": s.reader, "session": s.session, "arm": s.arm, "position": i + 1, "code": code, "case_id": case,
            "practice": i < s.n_practice,
        }
        for s in planned
        for i, (case, code) in enumerate(zip(s.cases, s.codes, strict=True))
    ]  # fmt: skip
    return pd.DataFrame(rows)


def ranks_among(scores: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the share of reference scores that lie below each score; ties count half."""
    ordered = np.sort(reference)
    below, up_to = np.searchsorted(ordered, scores, "left"), np.searchsorted(ordered, scores, "right")
    return np.asarray((below + up_to) / 2 / max(1, len(ordered)), dtype=np.float64)
