"""Means and 95 % intervals over seeds, paired differences, and p-values for many of them at once.

Intervals are Student t intervals. A percentile bootstrap of the usual three to five seeds cannot
leave the range of the values seen and covers far less than 95 %; the t interval is wide there,
which is honest. Where differences are judged, both are given. Differences are paired by seed: runs
of one seed share initial weights, batch order and noise.
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
SUMMARY = ("mean", "low", "high", "half_width", "n")
NO_SPREAD = 1e-6
"""Spread relative to the mean that is rounding. A coarse value, such as a share of few images, can
move by one step in every seed, which an interval without width would call certain. So differences
without spread are judged as if they were known to the step that they are themselves: with its
standard deviation, |difference| / √12."""
RESAMPLES = 10_000
BOOTSTRAP_SEED = 0


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
        if self.half_width > NO_SPREAD * abs(self.mean):
            return self.low > 0 or self.high < 0
        return self.n > 1 and p_value([self.mean] * self.n) <= 1 - CONFIDENCE


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

    Returns the columns of `by`, then SUMMARY, sorted by `by`. Groups without a finite value are
    left out. `low` and `high` are cut to `bounds`, the range the value can take; `half_width` is
    not, and is what stands behind ±.
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
    summary["half_width"] = half
    summary["n"] = summary["count"]
    return summary[[*keys, *SUMMARY]]


def paired_difference(first: pd.DataFrame, second: pd.DataFrame, value: str) -> Estimate:
    """Estimate of second − first over the seeds that both frames have (columns seed, value)."""
    a = first.dropna(subset=[value]).groupby("seed")[value].mean()
    b = second.dropna(subset=[value]).groupby("seed")[value].mean()
    return estimate((b - a).dropna().to_numpy())


def bootstrap_interval(values: ArrayLike) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean of `values` [n], seeded; NaN when n < 2."""
    array = np.asarray(values, dtype=np.float64)
    if array.size < 2:
        return math.nan, math.nan
    rows = np.random.default_rng(BOOTSTRAP_SEED).integers(array.size, size=(RESAMPLES, array.size))
    tail = 0.5 - CONFIDENCE / 2
    low, high = np.quantile(array[rows].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high)


def p_value(differences: ArrayLike) -> float:
    """Two-sided p-value of the paired t test that `differences` [n] have mean 0; NaN when n < 2.

    Where they have no spread, that of a step (see `NO_SPREAD`).
    """
    array = np.asarray(differences, dtype=np.float64)
    if array.size < 2:
        return math.nan
    error = array.std(ddof=1) / math.sqrt(array.size)
    if not array.any():
        return 1.0
    if error <= NO_SPREAD * abs(array.mean()):
        error = abs(array.mean()) / math.sqrt(12 * array.size)
    return float(2 * stats.t.sf(abs(array.mean()) / error, array.size - 1))


def adjust_for_multiplicity(p_values: ArrayLike) -> np.ndarray:
    """Holm's step-down p-values of `p_values` [m]; NaN stay, and do not count.

    Where the adjusted value is at most α, the hypothesis is rejected, and the chance of a single
    false rejection among all m is at most α, however the tests depend on one another.

    References
    ----------
    Holm 1979, A simple sequentially rejective multiple test procedure, Scand. J. Statistics 6.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full_like(raw, np.nan)
    order = np.argsort(raw)[: np.isfinite(raw).sum()]  # NaN sort last
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(raw[order] * factors), 1.0)
    return adjusted


def difference_of_means(first: ArrayLike, second: ArrayLike) -> Estimate:
    """Estimate mean(second) − mean(first) of independent samples by Welch's interval.

    `n` is the smaller sample's; `half_width` is NaN when either has fewer than two values.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    mean, n = float(b.mean() - a.mean()), min(len(a), len(b))
    if n < 2:
        return Estimate(mean, math.nan, n)
    of_a, of_b = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    if of_a + of_b == 0:
        return Estimate(mean, 0.0, n)
    degrees = (of_a + of_b) ** 2 / (of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1))
    factor = float(stats.t.ppf(0.5 + CONFIDENCE / 2, degrees))
    return Estimate(mean, factor * math.sqrt(of_a + of_b), n)


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
