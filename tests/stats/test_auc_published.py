"""DeLong beside pROC in R: the published aSAH numbers, and random data with ties. Skipped where R is absent."""

from __future__ import annotations

import io
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from robustkit.stats.auc import clustered_auc, paired_auc_difference


def _r(script: str, given: str = "") -> str:
    command = [shutil.which("Rscript") or "Rscript", "-e", f"suppressMessages(library(pROC)); {script}"]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=120).stdout


def _has_proc() -> bool:
    try:
        return "TRUE" in _r("cat(TRUE)")
    except (OSError, subprocess.CalledProcessError):
        return False


@pytest.fixture(scope="module")
def asah() -> pd.DataFrame:
    if not _has_proc():
        pytest.skip("R with pROC is not installed (Debian: r-base-core, r-cran-proc)")
    columns = 'c("outcome","wfns","s100b","ndka")'
    return pd.read_csv(io.StringIO(_r(f"data(aSAH); write.csv(aSAH[,{columns}], stdout(), row.names=FALSE)")))


def _rows(table: pd.DataFrame, name: str) -> np.ndarray:
    return table[name].to_numpy(dtype=np.float64)[None]


@pytest.mark.parametrize(
    ("name", "value", "variance"),
    [
        ("wfns", 0.823678861788618, 0.00146991470882363),
        ("s100b", 0.731368563685637, 0.00266868245717244),
        ("ndka", 0.611957994579946, 0.0031908105493913),
    ],
)
def test_published_variance(asah: pd.DataFrame, name: str, value: float, variance: float) -> None:
    labels = (asah["outcome"] == "Poor").to_numpy()
    found = clustered_auc(labels, _rows(asah, name), np.arange(len(asah)))
    assert (found.n_positive, found.n_cases) == (41, 113)
    assert found.value == pytest.approx(value, abs=1e-10)
    assert found.se**2 == pytest.approx(variance, abs=1e-10)


@pytest.mark.parametrize(
    ("a", "b", "z", "p"),
    [
        ("wfns", "s100b", 2.20898359144091, 0.0271757822291882),
        ("wfns", "ndka", 2.79777591868904, 0.00514557970691098),
        ("ndka", "s100b", -1.39077002573558, 0.164295175223054),
    ],
)
def test_published_paired_test(asah: pd.DataFrame, a: str, b: str, z: float, p: float) -> None:
    labels = (asah["outcome"] == "Poor").to_numpy()
    found = paired_auc_difference(labels, _rows(asah, a), _rows(asah, b), patients=np.arange(len(asah)))
    assert (found.statistic, found.p) == pytest.approx((z, p), abs=1e-10)


def test_published_paired_interval(asah: pd.DataFrame) -> None:
    labels = (asah["outcome"] == "Poor").to_numpy()
    found = paired_auc_difference(labels, _rows(asah, "wfns"), _rows(asah, "s100b"), patients=np.arange(len(asah)))
    assert (found.low, found.high) == pytest.approx((0.0104061769564846, 0.174214419249478), abs=1e-10)


def test_random_data_with_ties_beside_proc(asah: pd.DataFrame) -> None:
    random = np.random.default_rng(5)
    labels = np.arange(80) < 35
    table = pd.DataFrame({"y": labels.astype(int)})
    for name in "ab":
        table[name] = np.round(labels + random.standard_normal(80), 0)
    script = (
        "d <- read.csv(file('stdin')); a <- roc(d$y, d$a, direction='<', quiet=TRUE);"
        " b <- roc(d$y, d$b, direction='<', quiet=TRUE); t <- roc.test(a, b, method='delong');"
        " cat(format(c(auc(a), var(a), t$statistic, t$p.value), digits=15))"
    )
    value, variance, z, p = map(float, _r(script, table.to_csv(index=False)).split())
    found = clustered_auc(labels, _rows(table, "a"), np.arange(80))
    assert (found.value, found.se**2) == pytest.approx((value, variance), abs=1e-10)
    apart = paired_auc_difference(labels, _rows(table, "a"), _rows(table, "b"), patients=np.arange(80))
    assert (apart.statistic, apart.p) == pytest.approx((z, p), abs=1e-10)
