"""What the three commands of `baseline` share: the written model file, its summary, and what they give back."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustkit.atomic import disk_errors
from robustkit.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from robustkit.api._development import Development
    from robustkit.baselines.clinical import Coefficient
    from robustkit.baselines.judged import Found
    from robustkit.baselines.nomogram import Tick
    from robustkit.models.classifier import Classifier
    from robustkit.models.written import Written


@dataclass(frozen=True, slots=True)
class BaselineEstimate:
    """How good a baseline is on rows that it was not fitted on.

    Attributes:
        metric: ``auc``, ``calibration_slope``, ``calibration_intercept``.
        rows: Which rows: ``nested CV``, ``validation``, ``cross-validated on validation``.
        value, low, high: 95 % interval by patient; NaN where there is none.
        n_cases, n_patients, method, reason: What it rests on.
    """

    metric: str
    rows: str
    value: float
    low: float
    high: float
    n_cases: int
    n_patients: int
    method: str
    reason: str


@dataclass(frozen=True, slots=True)
class BaselineCoefficient:
    """One row of the table of coefficients: log-odds for one unit, or for a level against the reference."""

    fact: str
    column: str
    value: float
    low: float
    high: float
    reason: str


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """A fitted baseline.

    Attributes:
        path, sha256, kind: Of the model file.
        n_fitted, n_val: Cases it was fitted on, and validation cases.
        n_features: Features or columns with a weight.
        estimates: How good it is where it was not fitted.
        coefficients: With intervals; none for radiomics.
        threshold: Youden's, carried in the file; NaN where it cannot be chosen.
        figure: The nomogram's page, where one was asked for.
        notes: What was chosen, pooled or left out, a sentence each.
        seconds: Of work.
        warnings: One sentence each.
    """

    path: Path
    sha256: str
    kind: str
    n_fitted: int
    n_val: int
    n_features: int
    estimates: tuple[BaselineEstimate, ...]
    coefficients: tuple[BaselineCoefficient, ...]
    threshold: float
    figure: Path | None
    notes: tuple[str, ...]
    seconds: float
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a command has found, before it is written.

    Attributes:
        written: Kind, body, classes, lineage; threshold, seen and training are put in here.
        fitted: Positions of the cases that it was fitted on.
        val: Positions of the validation cases.
        threshold_logits: ``(n,)`` log-odds on which the threshold is chosen, of ``val``.
        estimates, coefficients, ticks: Of the report.
        n_features: With a weight.
        choices: Of the command, for the file.
        notes, warnings: A sentence each.
        seconds: Of work.
        failures: Why cases were left out, with their names: not for the file.
    """

    written: Written
    fitted: NDArray[np.intp]
    val: NDArray[np.intp]
    threshold_logits: NDArray[np.float64]
    estimates: Sequence[Found]
    coefficients: Sequence[Coefficient]
    ticks: Sequence[Tick]
    n_features: int
    choices: Mapping[str, Any]
    notes: Sequence[str]
    warnings: Sequence[str]
    seconds: float
    failures: Sequence[str] = ()


def check_output(output: Path, figure: Path | None = None) -> None:
    """Find out before the work, not after it, that a file cannot be written.

    Raises:
        InputError: A folder, or a figure that is no HTML file.
        DiskError: It may not be written there.
    """
    for path in (p for p in (output, figure) if p is not None):
        if path.is_dir():
            raise InputError("expected a file name, got a folder.", where=str(path), fix="Say -o folder/model.json.")
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(path.parent, os.W_OK):
                raise PermissionError(errno.EACCES, "permission denied")
    if figure is not None and figure.suffix.lower() not in (".html", ".htm"):
        raise InputError(
            f"expected a name that ends in .html, got {figure.name!r}.", where="--figure", fix="Use .html."
        )


def check_seed(seed: int) -> None:
    """Refuse what the counter generator cannot begin from.

    Raises:
        InputError: It is below 0, or over 2^64 - 1.
    """
    if not 0 <= seed < 2**64:
        raise InputError(f"expected a seed in 0..2^64-1, got {seed}.", where="--seed", fix="Use --seed 0.")


def no_member(entry: object) -> Classifier:
    """Open a member for a kind that has none."""
    raise AssertionError("this kind has no members")


def save_baseline(
    output: Path, found: Fitted, development: Development, *, figure: Path | None = None
) -> BaselineResult:
    """Choose the threshold, write the model file and the figure, and give the result."""
    import numpy as np
    from scipy.special import expit

    from robustkit.models.written import save_written
    from robustkit.provenance import file_digest, package_versions
    from robustkit.stats.threshold import youden

    there = np.isfinite(found.threshold_logits)
    point = youden(development.positive[found.val[there]], expit(found.threshold_logits[there]))
    estimates = tuple(_estimate(f) for f in found.estimates)
    coefficients = tuple(BaselineCoefficient(**asdict(c)) for c in found.coefficients)
    training = {
        "n_fitted": len(found.fitted), "n_val": len(found.val), "left_out": len(found.failures), "n_features": found.n_features,
        "n_positive": int(development.positive[found.fitted].sum()),
        "n_patients": len(set(development.groups[found.fitted].tolist())),
        "choices": dict(found.choices),
        "estimates": [asdict(e) for e in estimates],
        "coefficients": [asdict(c) for c in coefficients],
        "nomogram": [asdict(t) for t in found.ticks],
        "notes": [*found.notes, *found.warnings],
        "threshold": {"method": point.method, "n": point.n, "n_positive": point.n_positive, "reason": point.reason},
        "simulated": development.is_simulated,
        "manifests": [s.sha256 for s in development.manifest.sources],
        "packages": package_versions(),
    }  # fmt: skip
    seen = development.seen(np.union1d(found.fitted, found.val))
    points = {"youden": point.value} if np.isfinite(point.value) else {}
    written = replace(found.written, operating_points=points, seen=seen, training=_plain(training), path=output)
    save_written(output, written)
    if figure is not None:
        _draw(figure, written)
    no_threshold = [f"no threshold could be chosen: {point.reason}."] if point.reason else []
    warnings = [*(f"left out: {f}" for f in found.failures), *found.warnings, *no_threshold]
    return BaselineResult(
        path=output, sha256=file_digest(output), kind=written.kind, n_fitted=len(found.fitted), n_val=len(found.val),
        n_features=found.n_features, estimates=estimates, coefficients=coefficients, threshold=point.value, figure=figure,
        notes=tuple(found.notes), seconds=found.seconds, warnings=tuple(warnings),
    )  # fmt: skip


def _estimate(found: Found) -> BaselineEstimate:
    e = found.estimate
    return BaselineEstimate(
        found.metric, found.rows, e.value, e.low, e.high, e.n_cases, e.n_patients, e.method, e.reason
    )


def _plain(value: Any) -> Any:
    """Give a value as JSON has it: NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def _draw(figure: Path, written: Written) -> None:
    from robustkit.atomic import write_text
    from robustkit.report.nomogram_page import nomogram_page

    name = written.path.name.removesuffix(written.path.suffix)
    write_text(figure, nomogram_page(written.kind, name, written.training))
