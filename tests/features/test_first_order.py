"""Statistics of values, against numpy and scipy, and by hand where they end."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from made_regions import measured


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_statistics_are_numpys_and_scipys(dtype: type) -> None:
    pixels = np.random.default_rng(1).gamma(3, 20, (23, 31)).clip(0, 255).astype(dtype)
    x = pixels.astype(np.float64).ravel()
    p10, q1, q3, p90 = np.percentile(x, [10, 25, 75, 90])
    kept = x[(x >= p10) & (x <= p90)]
    expected = {
        "mean": x.mean(), "var": x.var(), "skew": stats.skew(x), "kurt": stats.kurtosis(x), "median": np.median(x),
        "min": x.min(), "p10": p10, "p90": p90, "max": x.max(), "iqr": stats.iqr(x), "range": np.ptp(x),
        "mad": np.abs(x - x.mean()).mean(), "rmad": np.abs(kept - kept.mean()).mean(),
        "medad": np.abs(x - np.median(x)).mean(), "cov": stats.variation(x), "qcod": (q3 - q1) / (q3 + q1),
        "energy": (x**2).sum(), "rms": np.sqrt((x**2).mean()),
    }  # fmt: skip
    assert measured(pixels, "first_order") == {f"stat_{k}": pytest.approx(v, rel=1e-12) for k, v in expected.items()}


def test_normalised_values_have_mean_0_and_sd_1() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (20, 30)).astype(np.uint8)
    for normalise in ("film", "box"):
        found = measured(pixels, "first_order", normalise=normalise)
        assert found["stat_mean"] == pytest.approx(0, abs=1e-12)
        assert found["stat_var"] == pytest.approx(1)
        assert found["stat_skew"] == pytest.approx(stats.skew(pixels.astype(float), axis=None))
        # a mean that is 0 but for rounding divides nothing
        assert np.isnan(found["stat_cov"])


def test_two_values_have_none_between_their_percentiles() -> None:
    # of 0 and 10 the percentiles are 1 and 9
    found = measured(np.array([[0, 10]], dtype=np.uint8), "first_order")
    assert (found["stat_p10"], found["stat_p90"]) == (1, 9)
    assert np.isnan(found["stat_rmad"])


def test_black_has_no_coefficients() -> None:
    found = measured(np.zeros((4, 4), dtype=np.uint8), "first_order")
    assert {k for k, v in found.items() if np.isnan(v)} == {"stat_skew", "stat_kurt", "stat_cov", "stat_qcod"}
