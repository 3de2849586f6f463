"""Means and 95 % intervals over seeds, and paired differences.

Intervals are Student t intervals. A percentile bootstrap of the usual three to five seeds cannot
leave the range of the values seen and covers far less than 95 %; the t interval is wide there,
which is honest. Differences are paired by seed: runs of one seed share initial weights, batch
order and noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

CONFIDENCE = 0.95
UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over `n` seeds; `half_width` of its interval is NaN when n < 2."""

    mean: float
    half_width: float
    n: int

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + self.half_width

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of zero (False without an interval)."""
        return self.low > 0 or self.high < 0


def estimate(values: ArrayLike) -> Estimate:
    """Mean and t interval of `values` [n]; NaN are left out."""
    array = np.asarray(values, dtype=np.float64)
    finite = array[np.isfinite(array)]
    n = int(finite.size)
    mean = float(finite.mean()) if n else math.nan
    spread = float(finite.std(ddof=1)) if n > 1 else math.nan
    return Estimate(mean, spread * float(_half_width_factor(np.array([n]))[0]), n)


def summarise(
    frame: pd.DataFrame,
    by: Sequence[str],
    value: str,
    bounds: tuple[float, float] = UNBOUNDED,
) -> pd.DataFrame:
    """Mean and interval of column `value` within each group of `by`.

    Returns the columns of `by`, then `mean`, `low`, `high`, `n`, sorted by `by`. Groups without a
    finite value are left out. Interval ends are cut to `bounds`, the range the value can take.
    """
    keys = list(by)
    present = frame.loc[frame[value].notna(), [*keys, value]]
    grouped = present.groupby(keys, dropna=False, sort=True)[value]
    summary = grouped.agg(["mean", "std", "count"]).reset_index()
    half = summary["std"].to_numpy(dtype=np.float64) * _half_width_factor(
        summary["count"].to_numpy(dtype=np.int64)
    )
    summary["low"] = (summary["mean"] - half).clip(*bounds)
    summary["high"] = (summary["mean"] + half).clip(*bounds)
    summary["n"] = summary["count"]
    return summary[[*keys, "mean", "low", "high", "n"]]


def paired_difference(first: pd.DataFrame, second: pd.DataFrame, value: str) -> Estimate:
    """Estimate of second − first over the seeds that both frames have (columns seed, value)."""
    a = first.dropna(subset=[value]).groupby("seed")[value].mean()
    b = second.dropna(subset=[value]).groupby("seed")[value].mean()
    return estimate((b - a).dropna().to_numpy())


def explained_variance(frame: pd.DataFrame, axis: str, value: str) -> float:
    """Share η² of the variance of `value` that lies between the levels of `axis`, in [0, 1]."""
    present = frame.dropna(subset=[value])
    total = float(((present[value] - present[value].mean()) ** 2).sum())
    if total == 0.0:
        return math.nan
    level_mean = present.groupby(axis, dropna=False)[value].transform("mean")
    return float(((level_mean - present[value].mean()) ** 2).sum()) / total


def _half_width_factor(count: np.ndarray) -> np.ndarray:
    """Factor from sample standard deviation to half width, NaN for fewer than two values."""
    degrees = np.maximum(count - 1, 1)
    factor = stats.t.ppf(0.5 + CONFIDENCE / 2, degrees) / np.sqrt(np.maximum(count, 1))
    return np.where(count > 1, factor, np.nan)
