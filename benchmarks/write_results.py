"""Writes RESULTS.md from what the benchmarks left in ``build/``: ``make bench`` and ``make bench-gpu``.

    python benchmarks/write_results.py build benchmarks/RESULTS.md

A section is written anew where all of its files are there; else it stays as it is on the page, or says "not yet measured".
No figure is typed by hand.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "timm", "numpy", "scipy", "pandas", "pyarrow", "pillow", "openvino", "distributed", "numba")
WAITING = "not yet measured"

WHOLE = (
    ("whole `perturb` over the naive loop (decode, PIL crop, eager, per repeat)", "perturb over naive loop", {"fp32": 3.0, "bf16": 5.5}),
    ("whole `perturb` over the same loop with decoded films cached", "perturb over loop with cached films", {"fp32": 2.5, "bf16": 2.5}),
    ("whole `perturb` over the bare forward of the same backend (efficiency)", "perturb over bare forward", {"fp32": 0.9, "bf16": 0.9}),
    ("the same as the first row, with compilation and start-up check included", "perturb with compilation and trial over naive loop", {}),
)  # fmt: skip
HOST = ("host work per crop over Pillow's crop and resize alone", "host work over pillow", 1.3)
GPU = (
    ("bare forwards per second, fp16, ResNet50 (best batch)", "resnet50", "20,000; stretch 30,000"),
    ("bare forwards per second, fp16, InceptionV3 (best batch)", "inception_v3", "18,000; stretch 25,000"),
    ("whole `perturb` over DataLoader (all cores) + PIL + autocast eager", "", "20"),
    ("crop time over forward time, boxes of 400 to 800 px", "", "under 0.15"),
    ("whole `perturb` over the bare forward (efficiency)", "", "0.90"),
)


def main() -> None:
    """Write the page."""
    folder, page = Path(sys.argv[1]), Path(sys.argv[2])
    before = _sections(page)
    sections, is_whole = [], True
    for names, write in SECTIONS:
        found = [_read(folder, n) for n in names]
        title, *lines = write(*found)
        measured = all(f is not None for f in found)
        # a GPU is on another machine, which that section names
        is_whole &= measured or title not in before or names == OF_A_GPU
        sections.append((title, lines, measured, names == OF_A_GPU))
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    text = HEAD.format(date=today, machine=_machine()) if is_whole else before[""]
    # where sections stay, the head of the page tells of another day
    stamp = [] if is_whole else ["", f"Measured on {today}: {_machine()}."]
    for title, lines, measured, of_a_gpu in sections:
        if not measured and title in before:
            text += before[title]
        else:
            text += "\n".join([title, *(stamp if measured and not of_a_gpu else []), *lines, ""])
    page.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def _sections(page: Path) -> dict[str, str]:
    """Give the sections of the page as it is by their titles; what comes before the first one by an empty one."""
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    head, *rest = text.split("\n## ")
    return {"": f"{head}\n"} | {f"## {part.split(chr(10), 1)[0]}": f"## {part}\n" for part in rest}


def _heatmaps(found: Any) -> list[str]:
    text = ["## Heatmaps", ""]
    if not found:
        return [*text, f"{WAITING}: `python benchmarks/heatmap_speed.py --json build/heatmap_speed.json`", ""]
    text += [
        "Grad-CAM from crops in memory to maps on the host, over an eager channels_last forward and backward of the same crops "
        f"(batches of {found['batch']}). It is faster because nothing before the layer is differentiated.",
        "",
        "| network | at most | ratio | seconds per map |",
        "| --- | --- | --- | --- |",
        *(
            f"| {n} | {found['bar']:g} | {r['ratio']:.2f} | {r['seconds_per_map']:.3f} |"
            for n, r in found["networks"].items()
        ),
        "",
    ]
    m = found["memory"]
    said = f"{m['mb_20_cases']:.0f} MB of 20 cases, {m['mb_200_cases']:.0f} MB of 200"
    return [*text, f"Peak memory, 10 times the cases: {m['ratio']:.3f} (under 1.1; {said}).", ""]


def _radiomics(found: Any) -> list[str]:
    text = ["## Radiomics features", ""]
    if not found:
        return [*text, f"{WAITING}: `python benchmarks/radiomics_speed.py --json build/radiomics_speed.json`", ""]
    text += [
        f"{found['lesions']} lesions of 100 to 400 px x {found['boxes']} boxes, 32 grey levels, beside PyRadiomics 3.0.1 on the same "
        f"core. *all* is `extract` over PyRadiomics' extractor, at least {found['bar']:g}; over the sum of its classes the "
        f"ratio is {found['ratio_to_classes']:.1f}.",
        "",
        "| family | features | milliseconds per box | PyRadiomics | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    per_box = 1000 / (found["lesions"] * found["boxes"])
    for r in found["rows"]:
        theirs = "| | " if r["ratio"] is None else f"| {r['pyradiomics_seconds'] * per_box:.2f} | {r['ratio']:.1f} "
        text.append(f"| {r['family']} | {r['features']} | {r['seconds'] * per_box:.2f} {theirs}|")
    return [*text, ""]


def _read(folder: Path, name: str) -> Any:
    file = folder / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    flags = next((line for line in lines if line.startswith("flags")), "").split()
    bf16 = [f for f in ("avx512_bf16", "amx_bf16") if f in flags]
    packages = []
    for name in PACKAGES:
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    said = f"with {', '.join(bf16)}" if bf16 else "without bf16 instructions"
    return f"{model}, {os.cpu_count()} cores, {said}, no GPU; Python {platform.python_version()}, {', '.join(packages)}"


def _whole_job(rows: list[dict[str, Any]] | None) -> list[str]:
    text = ["## The whole job on a CPU", ""]
    if not rows:
        return [*text, f"{WAITING}: `python benchmarks/whole_job.py --json build/whole_job.json`", ""]
    crops, batch = rows[0]["crops"], rows[0].get("batch_size")
    of_batch = f", batches of {batch}" if batch else ""
    text += [
        f"Phantom films of 2,500 x 2,000 px, boxes of 300 to 1,500 px, {crops} crops{of_batch}, backend `{rows[0]['backend']}`.", "",
        "| network | precision | measure | at least | measured |", "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for row in rows:
        for said, key, bars in WHOLE:
            bar = bars.get(row["precision"])
            text.append(f"| {row['arch']} | {row['precision']} | {said} | {bar or '(shown)'} | {row[key]:g} |")
        said, key, most = HOST
        text.append(f"| {row['arch']} | {row['precision']} | {said} | at most {most} | {row[key]:g} |")
    return [*text, ""]


def _commands(rows: dict[str, dict[str, Any]] | None) -> list[str]:
    text = ["## Commands, memory, workers", ""]
    if not rows:
        return [*text, f"{WAITING}: `python benchmarks/commands.py --json build/commands.json`", ""]
    bars = {
        "help": ("`robustkit --help` over an empty Typer app of the same commands and options", "at most 1.5"),
        "memory": ("peak memory, 10 times the cases", "under 1.1"),
        "dask": ("2 single-thread dask workers over 1", "1.8"),
    }
    text += ["| measure | bar | ratio | beside it |", "| --- | --- | --- | --- |"]
    for name, (said, bar) in bars.items():
        row = dict(rows[name])
        ratio = row.pop("ratio")
        text.append(f"| {said} | {bar} | {ratio:g} | {'; '.join(f'{k}: {v}' for k, v in row.items())} |")
    return [*text, ""]


def _sobol(rows: list[dict[str, Any]] | None) -> list[str]:
    text = ["## Sobol points against random draws", ""]
    if not rows:
        return [*text, f"{WAITING}: `python benchmarks/sobol.py --json build/sobol.json`", ""]
    first = rows[0]
    text += [
        f"Variance of a case's mean score over {first['repeats']} repeats, random over sobol, median over {first['cases']} cases "
        f"(snap none, boxes over 200 px, level {first['level']}, {first['seeds']} seeds). At least 10.", "",
        "| network, trained on simulated films | input, px | box jitter | ratio | quartiles over cases | cases left out |",
        "| --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for r in rows:
        low, high = r["quartiles"]
        network = f"| {r['arch']} | {r['input_size']} | {r['jitter']:g} "
        text.append(f"{network}| {r['ratio']:g} | {low:g} to {high:g} | {r['cases whose score never varies']} |")
    return [*text, ""]


def _scale(rows: list[dict[str, Any]] | None) -> list[str]:
    text = ["## Large runs", ""]
    if not rows:
        return [*text, f"{WAITING}: `python benchmarks/scale_of_results.py --json build/scale_of_results.json`", ""]
    text += ["| command | rows of predictions | seconds | processor seconds | peak memory, MB | times reading |"]
    text += ["| --- | --- | --- | --- | --- | --- |"]
    reading = {r["rows"]: r["seconds"] for r in rows if r["command"] == "read"}
    for r in rows:
        verb, _, rest = r["command"].partition(" ")
        name = "reading the rows alone" if verb == "read" else f"`{verb}` {rest}".strip()
        ratio = f"{r['seconds'] / reading[r['rows']]:.1f}" if r["command"] == "stratify" else ""
        own = (name, f"{r['rows']:,}", f"{r['seconds']:g}", f"{r['processor_s']:g}", f"{r['peak_mb']:,}", ratio)
        text.append(f"| {' | '.join(own)} |")
    return [*text, "", *STRATIFY, "", *_at_best(rows, reading), ""]


def _at_best(rows: list[dict[str, Any]], reading: dict[int, float]) -> list[str]:
    """Say what two cores could give that share the work without any loss."""
    alone = [r for r in rows if r["command"] == "stratify on one core"]
    return [
        f"On one core the same command takes {r['seconds']:g} s: two cores that shared all of it, imports and reading as "
        f"well, without any loss, would need {r['seconds'] / 2:.1f} s, {r['seconds'] / 2 / reading[r['rows']]:.1f} times "
        f"reading. The bar is {3 * reading[r['rows']]:.1f} s."
        for r in alone
    ]


STRATIFY = (
    "`stratify` of 2.3 million rows: under 2 GiB, and at most 3 times as long as reading them.",
    "",
    "It does not merely read: 2,000 draws of patients give some 30,000 intervals, a number for each of 50 strata, 72 "
    "answers (model, cohort, condition) and ten metrics. What made it faster: a case is asked once for all cohorts, and "
    "what does not depend on the answers is laid out once; all strata of an answer are counted from one sort of each "
    "repeat; the sums of all answers meet the draws in one product per stratum, those of all cohorts are added up, and "
    "their intervals are found at once; calibration in every draw is read off some 70 nodes that stand for all cases; "
    "thresholds of resamples are looked for where two densities cross; sign patterns and draws are shared by all pairs "
    "of models; tables are written column by column; rows are read, judged and written on all cores.",
    "",
    "Reading, judging, the bootstrap and writing are shared among forked processes, which gain most of a second core; what "
    "they hand back, the memory that they part, and the little that one process does alone cost the rest. Peak memory is "
    "an upper bound: what the processes hold in common counts for each. Where a fork is not safe (beside other threads, in "
    "a notebook, on other systems than Linux) threads do the same work: they gain less, because most of it is many short "
    "calls of numpy, and threads that make such calls wait for each other.",
    "",
    "What is left: reading itself, the imports (scipy.stats and statsmodels among them), and work of which no one "
    "function has a tenth. Of reading, a quarter is to count how many boxes of a case are different, by a sort that holds "
    "the interpreter.",
    "",
    "Tried, and not kept: forks for the part per model and cohort alone (the whole command took as long as before); forks "
    "whose layouts come back as copies that are not recognised as one (the bootstrap takes half as long again); shorter "
    "switching intervals of "
    "the interpreter, more threads than cores, one thread that reads beside one that judges, other settings of the memory "
    "allocator (no faster, or slower). Not kept either: Wilson's interval and the Shapiro-Wilk test in our own code, "
    "which would spare the imports: statsmodels and scipy have them. Not tried: kernels compiled to run without the "
    "interpreter, which would have to be many.",
)


REPORT = (
    ("build_seconds", "building the page, s", "under 20"),
    ("megabytes", "its size, MB", "at most 12"),
    ("first_view_seconds", "first view, s", "under 2.5"),
    ("first_figure_seconds", "first figure drawn after scrolling to it, s", "(shown)"),
    ("menu_seconds", "a menu, s", "under 0.3"),
    ("filter_seconds", "a filter of the table of cases, s", "under 0.3"),
)


def _pages(report: dict[str, float] | None, lesion: dict[str, dict[str, float]] | None) -> list[str]:
    text = ["## Pages, in a headless Chromium on the same machine", ""]
    if report:
        text += ["Report of 2,338 cases x 4 models x 251 conditions with thumbnails of simulated films.", ""]
        text += ["| measure | bar | measured |", "| --- | --- | --- |"]
        text += [f"| {said} | {bar} | {report[key]:g} |" for key, said, bar in REPORT if key in report]
        text.append("")
    else:
        text += [f"{WAITING}: `python benchmarks/report_page.py --json build/report_page.json`", ""]
    if not lesion:
        return [*text, f"{WAITING}: `python benchmarks/lesion_page.py --json build/lesion_page.json`", ""]
    text += [
        "Lesion page: from the release of the mouse to the new score in the browser; both maps are 370 boxes. "
        "Under 0.5 s for a small network.",
        "",
        "| network | score, median, s | score, 95th percentile, s | both maps, s | first score, with opening the model, s |",
        "| --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for name, r in lesion.items():
        cells = (r.get("browser_median_s"), r.get("browser_p95_s"), r["maps_median_s"], r["first_score_s"])
        text.append(f"| {name} | {' | '.join('' if v is None else f'{v:g}' for v in cells)} |")
    return [*text, ""]


def _parts(found: dict[str, Any] | None) -> list[str]:
    text = ["## Parts", ""]
    if not found:
        return [*text, f"{WAITING}: `make bench`", ""]
    text += ["| part | ratio | median, ms |", "| --- | --- | --- |"]
    for one in found["benchmarks"]:
        said = "; ".join(f"{v:g} {k}" for k, v in one["extra_info"].items())
        name = one["name"].removeprefix("test_").replace("_", " ")
        text.append(f"| {name} | {said} | {one['stats']['median'] * 1000:.1f} |")
    return [*text, ""]


def _gpu(rows: dict[str, Any] | None) -> list[str]:
    text = ["## On a GPU", ""]
    if not rows:
        text += ["Written, and tested on the CPU for equality; `make bench-gpu` measures all in one call.", ""]
        text += ["| measure | at least | measured |", "| --- | --- | --- |"]
        return [*text, *(f"| {said} | {bar} | {WAITING}: needs a GPU |" for said, _, bar in GPU), ""]
    text += [f"`make bench-gpu`, {rows['device']}, torch {rows['torch']}.", ""]
    text += ["| network | measure | measured |", "| --- | --- | --- |"]
    for arch in ("resnet50", "inception_v3"):
        text += [f"| {arch} | {k} | {v} |" for k, v in rows.get(arch, {}).items()]
    text += [
        f"| both | {k} | {v} |" for k, v in rows.items() if k not in ("device", "torch", "resnet50", "inception_v3")
    ]
    return [*text, "", "Bars: " + "; ".join(f"{said}: {bar}" for said, _, bar in GPU) + ".", ""]


HEAD = """# What was measured

By `make bench` on {date}: {machine}. Ratios are of one run; seconds are of this machine. \
Films are simulated, network weights are stand-ins (seeded, untrained): speed does not depend on them.

"""
OF_A_GPU = ("gpu",)
SECTIONS: tuple[tuple[tuple[str, ...], Callable[..., list[str]]], ...] = (
    (("whole_job",), _whole_job),
    (("commands",), _commands),
    (("sobol",), _sobol),
    (("scale_of_results",), _scale),
    (("report_page", "lesion_page"), _pages),
    (("heatmap_speed",), _heatmaps),
    (("radiomics_speed",), _radiomics),
    (("bench",), _parts),
    (OF_A_GPU, _gpu),
)
"""Files of each section, and what writes it."""


if __name__ == "__main__":
    main()
