"""Does each code inform of one known factor? Mutual information gap and modularity.

Knows codes [N, D] and factors [N, F] that take discrete values; not the data they come from.
"""

import numpy as np
import numpy.typing as npt
from scipy.stats import entropy

from bench.metrics.arrays import Float64Array, MetricError, require_at_least
from bench.metrics.factors import IntArray, discrete_factors
from bench.metrics.rate import ACTIVE_VARIANCE, active_dimensions


def mutual_information_gap(codes: npt.ArrayLike, factors: npt.ArrayLike, bins: int = 20) -> float:
    """Return the mean over factors of (largest − second largest information) / H(factor).

    Plug-in mutual information between each factor and each code, the code cut into equal-width
    bins between its own minimum and maximum. A constant code carries no information: it is no
    error and counts with 0. In [0, 1]; 1: each factor sits in one code alone.

    Parameters
    ----------
    codes : [N, D], D >= 2. factors : [N, F] discrete. bins : at least 2.

    Raises
    ------
    MetricError
        If there is one code only, a factor has one value or never repeats one, rows do not match,
        or values are not finite.

    References
    ----------
    Chen et al. 2018, arXiv:1802.04942, eq. 6, who estimate the information from q(z|x); the bins of
    its mean are those of Locatello et al. 2019, arXiv:1811.12359.
    """
    z, y = discrete_factors(codes, factors, min_codes=2)
    information = np.sort(_mutual_information(_binned(z, bins), y), axis=0)
    factor_entropy = np.array([_entropy(column) for column in y.T])
    return float(((information[-1] - information[-2]) / factor_entropy).mean())


def modularity(
    codes: npt.ArrayLike, factors: npt.ArrayLike, bins: int = 20, *, active_only: bool = False
) -> float:
    """Return the mean over codes of 1 − Σ_{not best} I² / (I_best² (F − 1)).

    I is the mutual information of `mutual_information_gap`. In [0, 1]; 1: each code follows one
    factor. A constant code scores 0 and counts; a code of pure noise scores about one half, so
    read it beside `active_only`, which leaves out codes whose variance is at most 0.01.

    Parameters
    ----------
    codes : [N, D]. factors : [N, F] discrete, F >= 2. bins : at least 2.

    Raises
    ------
    MetricError
        As `mutual_information_gap`; also if there is one factor only, or `active_only` is asked
        and no code is active. One code is enough.

    References
    ----------
    Ridgeway & Mozer 2018, arXiv:1802.05312, section 3.
    """
    z, y = discrete_factors(codes, factors, min_factors=2)
    if active_only:
        z = z[:, active_dimensions(z)]
        if z.shape[1] == 0:
            raise MetricError(f"no code is active (variance above {ACTIVE_VARIANCE})")
    squared = _mutual_information(_binned(z, bins), y) ** 2
    best = squared.max(axis=1)
    informed = best > 0.0
    rest = (squared.sum(axis=1) - best)[informed] / (best[informed] * (y.shape[1] - 1))
    return float((1.0 - rest).sum() / len(best))


def _binned(codes: Float64Array, bins: int) -> IntArray:
    """Return bin indices [N, D] in 0 … bins − 1; the maximum falls into the last bin."""
    require_at_least(bins, "bins", 2)
    edges = np.linspace(codes.min(axis=0), codes.max(axis=0), bins + 1)
    inner = edges[1:-1].T
    return np.column_stack(
        [np.digitize(code, cuts) for code, cuts in zip(codes.T, inner, strict=True)]
    )


def _mutual_information(codes: IntArray, factors: IntArray) -> Float64Array:
    """Return the plug-in mutual information [D, F], in nats, of columns of small integers."""
    pairs = [[_pair_information(code, factor) for factor in factors.T] for code in codes.T]
    return np.array(pairs)


def _pair_information(a: IntArray, b: IntArray) -> float:
    b_values = int(b.max()) + 1
    joint = np.bincount(a * b_values + b, minlength=(int(a.max()) + 1) * b_values)
    table = joint.reshape(-1, b_values).astype(np.float64)
    row, column = np.nonzero(table)
    count = table[row, column]
    ratio = count * len(a) / (table.sum(axis=1)[row] * table.sum(axis=0)[column])
    return max(float((count * np.log(ratio)).sum() / len(a)), 0.0)


def _entropy(values: IntArray) -> float:
    return float(entropy(np.bincount(values)))
