"""Films that vanish or become others while a run goes on: cases fail with the reason, nothing is mixed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from robustkit.api.heatmaps import heatmaps
from robustkit.api.perturb import perturb
from robustkit.api.train import train
from robustkit.engine import runner
from robustkit.results.folder import RunFolder
from robustkit.results.heatmaps import HeatmapFolder

from bright_spots import write_cohort
from small_world import write_films, write_network
from trust_rows import TrustRows

CHANGED = "the film is another file than when the run began."
MISSING = "the film is missing."


@pytest.fixture
def world(tmp_path: Path) -> Path:
    write_films(tmp_path)
    write_network(tmp_path / "a.pt", seed=1)
    return tmp_path


def _run(world: Path, name: str = "run", **flags: object):  # type: ignore[no-untyped-def]
    given = {
        "repeats": 3,
        "shifts": ["0.1"],
        "device": "cpu",
        "backend": "eager",
        "part_rows": 4,
        "workers": 1,
        **flags,
    }
    return perturb(model=[str(world / "a.pt")], manifest=[world / "cases.csv"], out=world / name, **given)  # type: ignore[arg-type]


def _redraw(film: Path, *, seed: int = 99) -> None:
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (130, 150), dtype=np.uint8)).save(film)


def _rows(world: Path, name: str = "run") -> pd.DataFrame:
    return RunFolder(world / name).predictions().sort_values(["case_id", "perturbation", "repeat"], ignore_index=True)


class _HalfWayError(Exception):
    """The run is broken off here."""


def _half(monkeypatch: pytest.MonkeyPatch, world: Path, **flags: object) -> set[str]:
    """Run until some parts are there, break off, and give the cases that were answered."""
    parts: list[object] = []
    whole = runner.part_file

    def part_file(*given: object) -> Path:
        parts.append(given)
        if len(list((world / "run" / "predictions").glob("*.parquet"))) >= 4:
            raise _HalfWayError
        return whole(*given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(runner, "part_file", part_file)
        with pytest.raises(_HalfWayError):
            _run(world, **flags)
    return set(_rows(world)["case_id"])


def test_films_that_change_between_two_halves_of_a_run_are_told_and_not_mixed(
    world: Path, monkeypatch: pytest.MonkeyPatch, trust: TrustRows
) -> None:
    plain = _run(world, "plain")
    assert plain.n_failed == 0
    answered = _half(monkeypatch, world)
    left = sorted({f"case-{i}" for i in range(9)} - answered)
    old, new, gone = sorted(answered)[0], left[0], left[1]
    for case in (old, new):
        _redraw(world / "films" / f"f{case[-1]}.png")
    (world / "films" / f"f{gone[-1]}.png").unlink()
    result = _run(world)
    assert (result.n_ok, result.n_failed) == (7, 2)
    assert result.failures == tuple(sorted([f"{new}: {CHANGED}", f"{gone}: {MISSING}"]))
    said = [w for w in result.warnings if "other files" in w]
    assert len(said) == 1
    assert f"the films of 2 cases are other files than when this run began ({', '.join(sorted([old, new]))})" in said[0]
    assert RunFolder(world / "run").record()["warnings"] == list(result.warnings)
    kept = ~_rows(world)["case_id"].isin([new, gone])
    pd.testing.assert_frame_equal(_rows(world)[kept], _rows(world, "plain")[kept])
    # a finished run is told of, too, and one that is begun anew takes the films as they are
    assert any("other files" in w for w in _run(world).warnings)
    assert not any("other files" in w for w in _run(world, "anew").warnings)
    trust.row("a film changed or gone between two halves of perturb", tried=3, found=0)


def test_a_film_that_changes_after_its_header_was_read_fails(
    world: Path, monkeypatch: pytest.MonkeyPatch, trust: TrustRows
) -> None:
    from robustkit.engine import looking

    whole = looking.read_same_film
    spoilt = {"f2.png": _redraw, "f5.png": Path.unlink, "f6.png": lambda p: p.write_bytes(p.read_bytes()[:200])}

    def read(path: Path, *given: object, **named: object) -> object:
        spoilt.pop(path.name, lambda _: None)(path)
        return whole(path, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(looking, "read_same_film", read)
    result = _run(world)
    assert (result.n_ok, result.n_failed) == (6, 3)
    assert result.failures == (f"case-2: {CHANGED}", f"case-5: {MISSING}", f"case-6: {CHANGED}")
    failed = _rows(world).query("status == 'failed'")
    assert failed["score"].isna().all()
    trust.row("a film changed, cut or gone while perturb reads", tried=3, found=0)


def test_rounds_do_not_mix_two_films_of_one_case(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robustkit.api import _work

    whole = _work._measured

    def measured(*given: object) -> object:
        _redraw(world / "films" / "f2.png")
        return whole(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(_work, "_measured", measured)
    result = _run(world, until=1e-6, max_repeats=6)
    assert result.failures == (f"case-2: {CHANGED}",)


def test_workers_of_their_own_compare_as_well(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from robustkit.api import _errand, _work

    answered = _half(monkeypatch, world)
    left = sorted({f"case-{i}" for i in range(9)} - answered)
    _redraw(world / "films" / f"f{left[0][-1]}.png")
    given: list[object] = []
    monkeypatch.setattr(_work, "_executor", lambda *_: _Elsewhere(_errand.fulfil, given))
    assert _run(world).failures == (f"{left[0]}: {CHANGED}",)
    assert given


class _Elsewhere:
    """Computes parts as another process would: from an errand alone."""

    name = "serial"

    def __init__(self, fulfil: object, given: list[object]) -> None:
        self._fulfil, self._given = fulfil, given

    def run(self, job, parts) -> Iterator[object]:  # type: ignore[no-untyped-def]
        """Do the errand, give the parts."""
        self._given.append(self._fulfil(job.errand.text, [job.case_ids(p) for p in parts]))  # type: ignore[operator]
        assert "error" not in self._given[0]  # type: ignore[operator]
        yield from parts


def test_heatmaps_are_of_the_films_that_were_judged(world: Path, trust: TrustRows) -> None:
    run = _run(world).run
    _redraw(world / "films" / "f2.png")
    (world / "films" / "f4.png").unlink()
    result = heatmaps(run=run, repeats=1, draws=100, check_cases=4, device="cpu", workers=1)
    assert "a: 2 cases have no heatmap; heatmap_cases.csv says why." in result.warnings
    done = HeatmapFolder.of(world / "run", "grad_cam").done(0)
    assert {c: r for c, r in done.items() if r} == {"case-2": CHANGED, "case-4": MISSING}
    trust.row("a film changed or gone before heatmaps", tried=2, found=0)


def test_a_run_of_an_older_version_has_no_digests_and_compares_none(world: Path) -> None:
    run = _run(world).run
    assert run is not None
    (run / "films.parquet").unlink()
    _redraw(world / "films" / "f2.png")
    assert not any("other files" in w for w in _run(world).warnings)
    assert heatmaps(run=run, repeats=1, draws=100, check_cases=0, device="cpu", workers=1).models[0].n_failed == 0


def test_a_training_whose_films_change_begins_anew(tmp_path: Path, trust: TrustRows) -> None:
    write_cohort(tmp_path / "world")
    output = tmp_path / "ckpt.pt"
    told: list[str] = []

    def train_it(*, epochs_done: int = 99) -> None:
        def stop(_: str, done: int, __: int) -> None:
            if done == epochs_done:
                raise _HalfWayError

        train(manifest=[tmp_path / "world" / "cases.csv"], output=output, arch="test_resnet", input_size=32, epochs=4,
              batch_size=8, device="cpu", workers=1, progress=stop, say=told.append)  # fmt: skip

    with pytest.raises(_HalfWayError):
        train_it(epochs_done=2)
    shutil.copy(tmp_path / "world" / "films" / "1.png", tmp_path / "world" / "films" / "3.png")
    told.clear()
    train_it()
    assert "epoch 1/4" in "".join(told)
    assert any("an unfinished training of other settings lay beside the checkpoint" in line for line in told)
    trust.row("a film changed between two halves of train", tried=1, found=0)
