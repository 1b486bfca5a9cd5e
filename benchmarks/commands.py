"""Whole commands: start-up of the help, peak memory over the number of cases, workers over one worker.

python benchmarks/commands.py --json build/commands.json
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from films import write_films

EMPTY_APP = """
import ast, sys, typing
from pathlib import Path
import typer
sys.argv = ["robustkit", "--help"]
app = typer.Typer()
for name, options in {commands!r}.items():
    scope = {{"typer": typer, "Annotated": typing.Annotated}}
    arguments = ", ".join(f"a{{k}}: Annotated[str, typer.Option('--{{o}}', help='Text.')] = ''" for k, o in enumerate(options))
    exec(f"def command({{arguments}}): 'One line of help.'", scope)
    app.command(name)(scope["command"])
app()
"""

PEAK = """
import resource, sys
from pathlib import Path
from robustkit.api.perturb import perturb
perturb(model=[sys.argv[1]], manifest=[Path(sys.argv[2])], shifts=["0.1"], repeats=20, device="cpu", out=Path(sys.argv[3]),
        snap="whole", part_rows=420, batch_size="8")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


FORWARDS = """
import time, torch
from robustkit.models.builders import empty_network
torch.set_num_threads(1)
network, crops = empty_network("resnet18", 1)[0].eval(), torch.rand(8, 3, 224, 224)
with torch.inference_mode():
    network(crops)
    begun = time.perf_counter()
    while time.perf_counter() - begun < 3: network(crops)
    begun = time.perf_counter()
    for _ in range(25): network(crops)
print(time.perf_counter() - begun)
"""


def main() -> None:
    """Measure and print; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="")
    parser.add_argument("--only", choices=("help", "memory", "dask"))
    wish = parser.parse_args()
    rows = {}
    for name, measure in (("help", help_ratio), ("memory", memory_ratio), ("dask", dask_ratio)):
        if wish.only not in (None, name):
            continue
        rows[name] = measure()
        print(json.dumps({name: rows[name]}), flush=True)
    if wish.json:
        Path(wish.json).write_text(json.dumps(rows, indent=1), encoding="utf-8")


def help_ratio() -> dict[str, float]:
    """Seconds of ``robustkit --help`` over an empty Typer app with as many commands and options, medians of pairs."""
    program = EMPTY_APP.format(commands=_commands())
    ours = [str(Path(sys.executable).with_name("robustkit")), "--help"]
    empty = [sys.executable, "-c", program]
    pairs = [(_seconds(ours), _seconds(empty)) for _ in range(15)]
    own, other = (statistics.median(p[k] for p in pairs[2:]) for k in (0, 1))
    return {"ratio": round(own / other, 2), "seconds": round(own, 3), "empty_seconds": round(other, 3)}


def _commands() -> dict[str, list[str]]:
    """Names of all commands and of their options."""
    code = (
        "import json, typer\nfrom robustkit.cli.main import app\n"
        "group = typer.main.get_command(app)\n"
        "print(json.dumps({n: [o.lstrip('-') for p in c.params for o in p.opts[:1] if o.startswith('--')] "
        "for n, c in group.commands.items()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - begun


def memory_ratio() -> dict[str, float]:
    """Peak memory of ``perturb`` on 200 and on 20 films of 2,500 x 2,000 px."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = _checkpoint(folder)
        peaks = []
        for cases in (20, 200):
            manifest = write_films(folder / f"films{cases}", cases=cases, sides=(300, 600))
            command = [sys.executable, "-c", PEAK, str(model), str(manifest), str(folder / f"run{cases}")]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            peaks.append(float(done.stdout.split()[-1]))
    return {"ratio": round(peaks[1] / peaks[0], 3), "mb_20_cases": round(peaks[0]), "mb_200_cases": round(peaks[1])}


def dask_ratio() -> dict[str, float]:
    """Rows per second of two single-thread workers over one, once all are warm; each worker has a processor to itself."""
    from robustkit.results.folder import RunFolder

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, manifest = _checkpoint(folder, "resnet18"), write_films(folder / "films", cases=72, sides=(300, 900))
        seconds = {}
        for workers in (1, 2):
            out = folder / f"run{workers}"
            with _cluster(workers, folder / f"dask{workers}") as address:
                command = [
                    str(Path(sys.executable).with_name("robustkit")), "perturb", "--model", str(model), "--manifest",
                    str(manifest), "--shifts", "0.1", "--repeats", "50", "--device", "cpu", "--out", str(out),
                    "--executor", "dask", "--scheduler", address, "--part-rows", "50",
                ]  # fmt: skip
                subprocess.run(command, capture_output=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
            # every worker's first part is left out: models are loaded and compiled before it
            written = sorted(p.stat().st_mtime for p in (out / "predictions").glob("*.parquet"))[workers - 1 :]
            seconds[workers] = (written[-1] - written[0]) / (len(written) - 1)
            assert RunFolder(out).record()["status"] == "complete"
    return {
        "ratio": round(seconds[1] / seconds[2], 2),
        **{f"seconds_per_part_{k}": round(v, 3) for k, v in seconds.items()},
        "two plain processes over one": ceiling(),
    }


@contextmanager
def _cluster(workers: int, folder: Path) -> Iterator[str]:
    """Start a scheduler and workers with one thread and one processor each, as nodes of a cluster would have."""
    folder.mkdir()
    file = folder / "scheduler.json"
    dask = str(Path(sys.executable).with_name("dask"))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    started = [
        subprocess.Popen(
            [dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)],
            **quiet,
        )
    ]
    try:
        while not file.is_file() or not file.read_text(encoding="utf-8").endswith("}"):
            time.sleep(0.1)
        cores = sorted(os.sched_getaffinity(0))
        for k in range(workers):
            worker = [dask, "worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", "--no-dashboard"]
            child = subprocess.Popen([*worker, "--local-directory", str(folder)], **quiet)
            os.sched_setaffinity(child.pid, {cores[k % len(cores)]})
            started.append(child)
        yield json.loads(file.read_text(encoding="utf-8"))["address"]
    finally:
        for child in reversed(started):
            child.terminate()
        for child in started:
            child.wait()


def ceiling() -> float:
    """Work per second of two processes over one that do nothing but forwards, a thread each: what the machine allows."""
    command = [sys.executable, "-c", FORWARDS]

    def together(n: int) -> float:
        children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(n)]
        return sum(1 / float(child.communicate()[0]) for child in children)

    pairs = [(together(1), together(2)) for _ in range(3)]
    return round(statistics.median(two / one for one, two in pairs), 2)


def _checkpoint(folder: Path, arch: str = "resnet18") -> Path:
    """Write a self-describing checkpoint with seeded weights: a stand-in that knows nothing."""
    import torch
    from robustkit.inputs import InputSpec, OutputSpec
    from robustkit.models.builders import empty_network
    from robustkit.models.native import save_native

    torch.manual_seed(0)
    network, _ = empty_network(arch, 1)
    path = folder / f"{arch}.pt"
    save_native(
        path, network.state_dict(), arch=arch, input=InputSpec(224, 224), output=OutputSpec("sigmoid-logit"),
        classes=("benign", "malignant"), positive=("malignant",), lineage="seeded stand-in", operating_points={},
        seen={}, training={},
    )  # fmt: skip
    return path


if __name__ == "__main__":
    main()
