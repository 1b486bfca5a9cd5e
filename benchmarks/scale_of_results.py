"""Seconds and memory of `stratify`, `compare` and `report` on large runs, beside reading their rows alone.

    python benchmarks/scale_of_results.py --times 1 10 --json build/scale_of_results.json

A run folder is written to the contract, without a model: 2,338 cases x 4 models x 251 conditions (2.3 million rows) and
multiples of it. Cases are those of the phantom (simulated), repeated; scores are normal logits about a nominal one.
Each command runs in a process of its own, so that its peak memory is its own; pandas and pyarrow are loaded before the
clock starts, what else it imports is in its seconds. Reading is what `stratify` begins with: the rows of every model, laid
out by case and repeat, boxes compared with the nominal ones. On the smallest run reading and `stratify` take turns, and the
better of each counts: others on the machine disturb both; `stratify` is timed there on one core as well, which tells what
more cores could give at best, and in threads, which is how it works where a fork is not safe. Peak memory is an upper
bound: that of the process and, for each further core, that of its largest child, though they share what was read before
they parted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from robustkit.api.perturb import perturb
from robustkit.phantom.store import phantom_manifest_path
from robustkit.results.folder import RunFolder
from robustkit.seeds import generator
from robustkit.stats.cores import n_cores
from scipy.special import expit

CASES, MODELS, REPEATS = 2338, 4, 50
LEVELS = (0.02, 0.05, 0.1, 0.15, 0.2)
CASES_PER_FILE = 256
COMMANDS = ("compare", "report")
ONE_CORE = "stratify on one core"
IN_THREADS = "stratify in threads"
TURNS = 3


def main() -> None:
    """Measure and print; write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", default="")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--turns", type=int, default=TURNS, help="of reading and stratify, on the smallest run")
    parser.add_argument("--command", default="", help="run one command on a folder, and print its figures")
    parser.add_argument("--folder", default="")
    wish = parser.parse_args()
    if wish.command:
        print(json.dumps(_one(wish.command, Path(wish.folder))))
        return
    found = []
    with tempfile.TemporaryDirectory() as name:
        for times in wish.times:
            folder = Path(name) / f"x{times}"
            rows = write_run(folder, Path(name), CASES * times)
            n_turns = wish.turns if times == min(wish.times) else 1
            turns = [_apart(c, folder) for _ in range(n_turns) for c in ("read", "stratify")]
            best = [min(turns[i::2], key=lambda t: t["seconds"]) for i in range(2)]
            measured = [*zip(("read", "stratify"), best, strict=True), *((c, _apart(c, folder)) for c in COMMANDS)]
            if times == min(wish.times):
                for command in (IN_THREADS, ONE_CORE):
                    others = [_apart(command, folder) for _ in range(n_turns)]
                    measured.append((command, min(others, key=lambda t: t["seconds"])))
            for command, figures in measured:
                found.append({"command": command, "rows": rows, **figures})
                print(json.dumps(found[-1]), flush=True)
    if wish.json:
        Path(wish.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


def _apart(command: str, folder: Path) -> dict[str, float]:
    said = [sys.executable, __file__, "--command", command, "--folder", str(folder)]
    begin = _keep_one_core if command == ONE_CORE else None
    done = subprocess.run(said, check=True, capture_output=True, text=True, preexec_fn=begin).stdout
    return dict(json.loads(done.splitlines()[-1]))


def _keep_one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _read(folder: RunFolder) -> None:
    from robustkit.analysis.matrix import read_answers

    record, cases = folder.record(), sorted(folder.cases()["case_id"])
    levels = [(g["kind"], float(v)) for g in record["perturbations"] for v in g["levels"]]
    for model in record["models"]:
        read_answers(folder, model["name"], cases, levels)


def _one(command: str, folder: Path) -> dict[str, float]:
    from robustkit.api.compare import compare
    from robustkit.api.report import report
    from robustkit.api.stratify import stratify

    begun = time.perf_counter()
    if command == "read":
        _read(RunFolder(folder))
    elif command == IN_THREADS:
        # a fork is not safe beside another thread
        with ThreadPoolExecutor(1) as other:
            other.submit(int).result()
            stratify(run=folder)
    elif command in ("stratify", ONE_CORE):
        stratify(run=folder)
    elif command == "compare":
        compare(runs=[folder])
    else:
        report(runs=[folder], output=folder / "report.html")
    seconds = time.perf_counter() - begun
    own, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    processor = sum(used.ru_utime + used.ru_stime for used in (own, child))
    peak = own.ru_maxrss + (n_cores() - 1) * child.ru_maxrss
    return {"seconds": round(seconds, 2), "processor_s": round(processor, 2), "peak_mb": round(peak / 1024)}


def write_run(folder: Path, scratch: Path, n: int) -> int:
    """Write a run of ``n`` cases; give its number of rows."""
    small = scratch / "small"
    if not small.exists():
        perturb(model=["phantom-oracle"], manifest=[phantom_manifest_path()], shifts=["0.1"], repeats=2, out=small)  # fmt: skip
    record = RunFolder(small).record()
    entry = record["models"][0]
    record |= {
        "repeats": REPEATS, "perturbations": [{**record["perturbations"][0], "levels": list(LEVELS)}],
        "models": [{**entry, "name": f"model{i}"} for i in range(MODELS)],
    }  # fmt: skip
    own = RunFolder(small).cases()
    copies = -(-n // len(own))
    cases = pd.concat([_renamed(own, i) for i in range(copies)], ignore_index=True).head(n)
    (folder / "predictions").mkdir(parents=True)
    cases.to_parquet(folder / "cases.parquet", index=False)
    RunFolder(folder).write_record(record)
    positive = cases["label"].isin(entry["positive"]).to_numpy()
    for start in range(0, n, CASES_PER_FILE):
        chosen = slice(start, start + CASES_PER_FILE)
        tables = [_rows(cases[chosen], positive[chosen], model=i, start=start) for i in range(MODELS)]
        file = folder / "predictions" / f"part-{start:08d}.parquet"
        with pq.ParquetWriter(file, tables[0].schema, compression="zstd") as writer:
            for table in tables:
                writer.write_table(table)
    return n * MODELS * (1 + len(LEVELS) * REPEATS)


def _renamed(cases: pd.DataFrame, i: int) -> pd.DataFrame:
    return cases.assign(case_id=cases["case_id"] + f"-{i}", patient_id=cases["patient_id"] + f"-{i}")


def _rows(cases: pd.DataFrame, positive: np.ndarray, *, model: int, start: int) -> pa.Table:
    rng = generator(model, "scale of results", f"{start}")
    n, per = len(cases), 1 + len(LEVELS) * REPEATS
    level = np.r_[0.0, np.repeat(LEVELS, REPEATS)]
    repeat = np.r_[0, np.tile(np.arange(REPEATS), len(LEVELS))]
    nominal = rng.normal(np.where(positive, 1.0, -1.0), 1.5)
    logit = nominal[:, None] + rng.normal(size=(n, per)) * 5 * level
    box = cases[["x0", "y0", "x1", "y1"]].to_numpy(dtype=float)
    moved = rng.uniform(-1, 1, (n, per, 2)) * level[:, None] * (box[:, None, 2:] - box[:, None, :2])
    boxes = np.floor(box[:, None] + np.concatenate([moved, moved], axis=2) + 0.5).reshape(-1, 4)
    kinds = pa.array(["nominal", "shift"]).take(pa.array(np.tile((level > 0).astype(int), n)))
    logits = np.stack([np.zeros(n * per), logit.ravel()], axis=1).astype(np.float32)
    return pa.table({
        "model": pa.repeat(pa.scalar(f"model{model}"), n * per),
        "case_id": pa.array(cases["case_id"].tolist()).take(pa.array(np.repeat(np.arange(n), per))),
        "perturbation": kinds, "level": np.tile(level, n), "repeat": np.tile(repeat, n).astype(np.int32),
        **{name: boxes[:, i] for i, name in enumerate(("x0", "y0", "x1", "y1"))},
        "score": expit(logit.ravel()),
        "logits": pa.ListArray.from_arrays(np.arange(0, 2 * n * per + 1, 2, dtype=np.int32), logits.ravel()),
        "status": pa.repeat(pa.scalar("ok"), n * per), "reason": pa.repeat(pa.scalar(""), n * per),
    })  # fmt: skip


if __name__ == "__main__":
    main()
