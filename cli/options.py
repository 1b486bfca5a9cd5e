"""Options that several commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        "-m",
        help="Checkpoint or written model, PATH or NAME=PATH, or phantom-oracle; repeats.",
        show_default=False,
    ),
]
Manifests = Annotated[
    list[Path],
    typer.Option(
        "--manifest", help="Cases (CSV or Parquet); repeats. None: robustkit.toml's, else the simulated phantom."
    ),
]
Fill = Annotated[
    list[str],
    typer.Option("--set", help="COLUMN=VALUE for all rows of the --manifest before it, e.g. cohort=internal."),
]
Seed = Annotated[int, typer.Option("--seed", help="0..2^64-1; the same seed draws the same boxes.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no warnings.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Backend = Annotated[str, typer.Option("--backend", help="auto, eager, compile, openvino or onnxruntime.")]
Precision = Annotated[
    str | None, typer.Option("--precision", help="fp32, tf32, fp16, bf16; default fp32 on a CPU, fp16 on CUDA.")
]
BatchSize = Annotated[str, typer.Option("--batch-size", help="auto or a number; fixed for the whole run.")]
Workers = Annotated[int, typer.Option("--workers", help="Threads that decode and crop; 0: one per core.")]
Splits = Annotated[
    list[str], typer.Option("--splits", help="Only rows of this split; repeats. Default: all but train.")
]
Out = Annotated[Path | None, typer.Option("--out", help="The run folder itself; default runs/<time>-<identity>.")]
Arch = Annotated[
    str | None, typer.Option("--arch", help="Architecture, where the checkpoint does not say it (timm's names).")
]
InputSize = Annotated[int | None, typer.Option("--input-size", help="Side of the model's input in px.")]
Kernel = Annotated[str | None, typer.Option("--kernel", help="Resize kernel: bilinear, bicubic, lanczos, box.")]
Scaling = Annotated[
    str | None, typer.Option("--scaling", help="unit, imagenet, inception, radimagenet-pm1, caffe255, raw.")
]
Margin = Annotated[float | None, typer.Option("--margin", help="Grow the box by this share of its sides on each side.")]
Fit = Annotated[str | None, typer.Option("--fit", help="stretch the box to the input, or square it first.")]
Channels = Annotated[str | None, typer.Option("--channels", help="rgb, bgr or grey.")]
Classes = Annotated[
    str | None, typer.Option("--classes", help="Class names in the order of the outputs: benign,non-benign.")
]
Positive = Annotated[
    str | None, typer.Option("--positive", help="Positive classes: non-benign, or a list with commas.")
]
Outputs = Annotated[str | None, typer.Option("--outputs", help="sigmoid-logit, softmax-logits or probabilities.")]
TrustCode = Annotated[
    bool, typer.Option("--trust-code", help="Load a model file that is a program. Only if you trust who made it.")
]
AllowSeen = Annotated[bool, typer.Option("--allow-seen", help="Judge cases that the training saw; every page says so.")]
NoThumbnails = Annotated[bool, typer.Option("--no-images", help="Keep no thumbnails of the films in the run folder.")]
HashIds = Annotated[
    bool, typer.Option("--hash-ids", help="Write ids of patients and lesions as keyed hashes; case_ids stay.")
]
HashKey = Annotated[
    Path | None,
    typer.Option("--hash-key", help="Key file, made at first use; default robustkit.key. Keep it to yourself."),
]
AllowTruncated = Annotated[
    bool, typer.Option("--allow-truncated", help="Read what is there of damaged films, and say so.")
]
