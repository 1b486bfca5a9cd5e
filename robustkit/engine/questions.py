"""The noun Questions: what each network, film model and facts model is asked of one case, and what follows for the models.

A model of the run may be made of members, and members of members; what is run in the end are their leaves, each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustkit.cohort.case import Case
from robustkit.errors import FilmError
from robustkit.geometry import Boxes
from robustkit.inputs import InputSpec
from robustkit.models.classifier import Classifier, Logits
from robustkit.perturbations._base import BoxRules

LeafKey = tuple[str, str, str, InputSpec]
"""Engine, sha256, architecture and input: models that are equal in these give equal answers."""

Places = NDArray[np.intp]
Said = Logits | str
"""``(n, K)`` float32 outputs, or why there are none."""


def leaf_key(model: Classifier) -> LeafKey:
    """Give what a model that is no composite is told from others by."""
    return model.engine, model.sha256, model.arch, model.input


def leaves(models: Sequence[Classifier]) -> dict[LeafKey, Classifier]:
    """Give the different models that are run for these; a member is called ``<model>/<member>``.

    Models of the run come first, so that a member that is one of them goes by its name.
    """
    found = {leaf_key(m): m for m in reversed(models) if not m.members}
    found = {leaf_key(m): found[leaf_key(m)] for m in models if not m.members}
    taken = {m.name for m in models}
    for member in (own for model in models for own in _members(model, model.name)):
        if leaf_key(member) not in found:
            names = (member.name, *(f"{member.name} ({k})" for k in range(2, len(taken) + 3)))
            name = next(n for n in names if n not in taken)
            taken.add(name)
            found[leaf_key(member)] = replace(member, name=name)
    return found


def _members(model: Classifier, name: str) -> Iterator[Classifier]:
    for member in model.members:
        own = f"{name}/{member.name}"
        if member.members:
            yield from _members(member, own)
        else:
            yield replace(member, name=own)


@dataclass(frozen=True, slots=True)
class Asked:
    """One model, or one member of one, and the ``(R, 4)`` boxes that it is asked."""

    model: Classifier
    boxes: Boxes
    members: tuple[Asked, ...] = ()

    def leaves(self) -> Iterator[Asked]:
        """Give what has no members, from left to right."""
        if not self.members:
            yield self
        for member in self.members:
            yield from member.leaves()


@dataclass(frozen=True, slots=True)
class Questions:
    """All questions of one case.

    Attributes:
        case: As the models are told of it.
        table: ``(n, 4)`` different boxes of all questions, in order.
        wanted: By name of a leaf: its places in the table, ascending.
    """

    case: Case
    table: Boxes
    wanted: Mapping[str, Places]
    _asked: tuple[Asked, ...]
    _places: tuple[tuple[str, Places], ...]

    @classmethod
    def of(
        cls, models: Sequence[Classifier], case: Case, boxes: Boxes, *, film: tuple[float, float], rules: BoxRules
    ) -> Questions:
        """Ask every model about ``(C, 4)`` boxes of a case.

        Args:
            models: Of the run.
            case: Whose boxes they are.
            boxes: After rounding and border rule.
            film: Width and height in px.
            rules: Of the run.
        """
        names = {key: leaf.name for key, leaf in leaves(models).items()}
        asked = tuple(_ask(m, case, boxes, film=film, rules=rules) for m in models)
        flat = [leaf for one in asked for leaf in one.leaves()]
        # most models are asked about the very same array
        arrays = {id(a.boxes): a.boxes for a in flat}
        table, back = np.unique(np.concatenate(list(arrays.values())), axis=0, return_inverse=True)
        ends = np.cumsum([len(b) for b in arrays.values()])[:-1]
        place = dict(zip(arrays, np.split(back.ravel(), ends), strict=True))
        places = tuple((names[leaf_key(a.model)], place[id(a.boxes)]) for a in flat)
        wanted = {
            name: np.unique(np.concatenate([p for other, p in places if other == name])) for name in names.values()
        }
        return cls(case, table, wanted, asked, places)

    def boxes(self, leaf: str) -> Boxes:
        """Give ``(n, 4)`` boxes that a leaf is asked."""
        return self.table[self.wanted[leaf]]

    def shared(self, names: Iterable[str]) -> Places:
        """Give the places that any of these leaves wants, ascending."""
        return np.unique(np.concatenate([self.wanted[n] for n in names]))

    def answers(self, said: Mapping[str, Said]) -> tuple[Said, ...]:
        """Give what every model says of its boxes, ``(C, K)``, from what the leaves said of theirs.

        Args:
            said: By name of a leaf: outputs in the order of ``boxes(leaf)``.
        """
        places = iter(self._places)
        return tuple(self._answer(one, said, places) for one in self._asked)

    def _answer(self, one: Asked, said: Mapping[str, Said], places: Iterator[tuple[str, Places]]) -> Said:
        if not one.members:
            name, own = next(places)
            outputs = said[name]
            return outputs if isinstance(outputs, str) else outputs[np.searchsorted(self.wanted[name], own)]
        each = [self._answer(member, said, places) for member in one.members]
        k = len(one.members[0].boxes) // len(one.boxes)
        outputs = []
        for member, answer in zip(one.members, each, strict=True):
            if isinstance(answer, str):
                return f"{member.model.name}: {answer}"
            outputs.append(answer.reshape(len(one.boxes), k, -1))
        return guarded(one.model.runner.fold, self.case, one.boxes, outputs)


def guarded(ask: Any, *given: Any) -> Said:
    """Ask a model that is no network; a case that it cannot judge has the reason for an answer."""
    try:
        return np.asarray(ask(*given), dtype=np.float32)
    except FilmError as error:
        return error.what


def _ask(model: Classifier, case: Case, boxes: Boxes, *, film: tuple[float, float], rules: BoxRules) -> Asked:
    if not model.members:
        return Asked(model, boxes)
    shown = model.runner.shown(case, boxes, film=film, rules=rules).reshape(-1, 4)
    if np.array_equal(shown, boxes):
        shown = boxes
    return Asked(model, boxes, tuple(_ask(m, case, shown, film=film, rules=rules) for m in model.members))
