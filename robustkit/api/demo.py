"""demo: the whole job on simulated films, from training to the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from robustkit.api._outcome import Progress


@dataclass(frozen=True, slots=True)
class DemoResult:
    """Where the demo's checkpoint, run and report lie."""

    checkpoint: Path
    run: Path
    report: Path


def demo(
    *, out: Path = Path("demo"), progress: Progress | None = None, say: Callable[[str], None] | None = None
) -> DemoResult:
    """Train a small network on the phantom, perturb it beside the oracle, stratify, report.

    Args:
        out: Folder; a checkpoint that lies there already is used again.
        progress: Told of the work.
        say: Told each step in one sentence.

    Returns:
        The three paths.
    """
    from robustkit.api.perturb import perturb
    from robustkit.api.report import report
    from robustkit.api.stratify import stratify
    from robustkit.api.train import train

    told = say or (lambda _: None)
    checkpoint = out / "ckpt.pt"
    if not checkpoint.is_file():
        told("1/4 training a small network on simulated films (a stand-in, it knows no radiographs)")
        # smaller than the default, so that the demo ends in three minutes on two cores
        train(output=checkpoint, arch="mobilenetv3_small_050", input_size=96, epochs=60, patience=20, progress=progress)
    told("2/4 perturbing: every box of every test case redrawn 50 times at three levels")
    result = perturb(
        model=[f"demo-net={checkpoint}", "phantom-oracle"],
        shifts=["0.1,0.05,0.2"],
        out=out / "run",
        command=["robustkit", "demo"],
        progress=progress,
    )
    run = result.run or out / "run"
    told("3/4 stratifying: where it fails, how stable it is, with intervals by patient")
    stratify(run=run)
    told("4/4 writing the report")
    return DemoResult(checkpoint, run, report(runs=[run], output=out / "report.html").path)
