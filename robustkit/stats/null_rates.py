"""How often the multi-reader tests reject where nothing differs, as found by simulation (``benchmarks/reader_null.py``)."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from robustkit.stats.estimate import NAN
from robustkit.stats.multireader import Covariance, Inference

_FILE = "multireader_null.json"


def null_rate(readers: int, covariance: Covariance, inference: Inference) -> float:
    """Give the share of simulated studies without a difference that the test rejects at 5 %.

    Args:
        readers: Of the study; the nearest smaller number that was simulated speaks for those between.
        covariance: Of the test.
        inference: Of the test.

    Returns:
        In [0, 1]; NaN for fewer than two readers.
    """
    own = {
        int(r["readers"]): float(r["rate"])
        for r in _rates()
        if r["covariance"] == covariance and r["inference"] == inference and int(r["readers"]) <= readers
    }
    return own[max(own)] if own else NAN


@cache
def _rates() -> tuple[dict[str, Any], ...]:
    text = files("robustkit.stats").joinpath("assets", _FILE).read_text(encoding="utf-8")
    return tuple(json.loads(text)["rates"])
