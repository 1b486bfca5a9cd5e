"""The lesion page answers for every kind of model of a run, or says in words why it does not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from robustkit.api.box_average import box_average
from robustkit.api.ensemble import ensemble
from robustkit.api.perturb import perturb
from robustkit.dashboard.lesion.answers import Answer
from robustkit.dashboard.lesion.desk import FOUR, Desk, case_key, held_key
from robustkit.dashboard.lesion.heat import heat_panel
from robustkit.dashboard.lesion.page import model_facts

import made_kinds
from small_world import write_films, write_network

VISITOR = "0" * 32
MODELS = ("net.pt", "grey.json", "site.json", "mean.json", "averaged.json", "both.json", "mixed.json")
OF_FACTS = ("site", "mixed")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        made_kinds.install(patch)
        net, other = write_network(folder / "net.pt", seed=1), write_network(folder / "other.pt", seed=2, margin=0.2)
        grey = made_kinds.write(folder / "grey.json", "grey", refused="case-2")
        site = made_kinds.write(folder / "site.json", "fact", site="pelvis")
        ensemble([str(net), str(other)], output=folder / "mean.json")
        ensemble([str(net), str(grey)], output=folder / "both.json")
        ensemble([str(net), str(site)], output=folder / "mixed.json")
        box_average(str(net), output=folder / "averaged.json", k=3)
        run = folder / "run"
        perturb(
            model=[str(folder / m) for m in MODELS], manifest=[write_films(folder, n=4)], shifts=["0.1"], repeats=1,
            out=run, device="cpu", snap="none", command=["robustkit"],
        )  # fmt: skip
        found = Desk([run])
        yield found
        found.close()


def _ask(desk: Desk, film: str, box: FOUR, model: str) -> Answer:
    ticket = desk.ask(VISITOR, film, run="run", model=model, box=box)
    return desk.judge.wait_done(VISITOR, ticket, seconds=120)


@pytest.mark.parametrize("model", [m.partition(".")[0] for m in MODELS])
def test_every_model_gives_the_score_of_the_run(desk: Desk, model: str) -> None:
    run = desk.run("run")
    nominal = run.nominal(model, "case-1")
    assert nominal is not None
    answer = _ask(desk, case_key("run", "case-1"), nominal.box, model)
    assert answer.state == "done", answer.message
    assert answer.score == pytest.approx(nominal.score, abs=1e-4)
    assert answer.shift is not None
    assert answer.shift.is_whole


@pytest.mark.parametrize("model", [m.partition(".")[0] for m in MODELS])
def test_a_film_of_the_visitor_is_judged_but_by_what_needs_facts(desk: Desk, model: str) -> None:
    film = Path(desk.run("run").facts("case-1")["image_path"]).read_bytes()
    key = held_key(desk.loans.put(VISITOR, "mine.png", "data:image/png;base64," + base64.b64encode(film).decode()).key)
    answer = _ask(desk, key, (20.0, 20.0, 70.0, 60.0), model)
    if model in OF_FACTS:
        assert answer.state == "failed"
        assert f"{model} " in answer.message
        assert "from the facts of a case of its run" in answer.message
    else:
        assert answer.state == "done", answer.message
        assert 0 < answer.score < 1


@pytest.mark.parametrize("model", ["grey", "both"])
def test_a_case_that_a_model_refuses_is_a_sentence(desk: Desk, model: str) -> None:
    answer = _ask(desk, case_key("run", "case-2"), (20.0, 20.0, 70.0, 60.0), model)
    assert answer.state == "failed"
    assert f"{model} cannot judge this film: " in answer.message
    assert "there is too little of it" in answer.message


def test_what_is_no_network_says_that_it_has_no_heatmap(desk: Desk) -> None:
    nominal = desk.run("run").nominal("mean", "case-1")
    assert nominal is not None
    answer = _ask(desk, case_key("run", "case-1"), nominal.box, "mean")
    assert answer.heatmap is None
    assert "is made of other models" in str(heat_panel(answer, None))
    assert _ask(desk, case_key("run", "case-1"), nominal.box, "net").heatmap is not None


def test_the_page_says_what_a_model_is_made_of(desk: Desk) -> None:
    said = " ".join(p.children for p in model_facts(desk.run("run"), "mean"))
    assert "Model mean: ensemble" in said
    assert "It is made of net (test_resnet), other (test_resnet)" in said


def test_a_member_that_changed_since_the_run_is_a_sentence(desk: Desk) -> None:
    run = desk.run("run")
    path = Path(run.entry("mean")["members"][1]["path"])
    before = path.read_bytes()
    write_network(path, seed=9)
    other = Desk([run.folder.path])
    answer = _ask(other, case_key("run", "case-1"), (20.0, 20.0, 70.0, 60.0), "mean")
    path.write_bytes(before)
    other.close()
    assert "the member other.pt is another file now than when this model was written" in answer.message
